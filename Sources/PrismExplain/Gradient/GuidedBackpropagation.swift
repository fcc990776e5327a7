public import PrismAutodiff

/// The logit's gradient at every pixel, walked back with negative parts cut off at every rectifier.
///
/// At ReLU, ReLU6 and SiLU a gradient passes only where it and the activation's input are positive.
/// The maps are sharp and look like the image's edges, for they hardly depend on the weights: the
/// method fails the test of ``ParameterRandomization`` and is here as its negative control, not for
/// use. Definition: Springenberg, Dosovitskiy, Brox and Riedmiller, "Striving for Simplicity: The
/// All Convolutional Net", ICLR Workshop 2015; its failure: Adebayo et al., "Sanity Checks for
/// Saliency Maps", NeurIPS 2018.
public struct GuidedBackpropagation: SensitivityMethod {
  /// The method's name on the command line.
  public let name = "guided-backprop"
  /// The method's name as it is written in texts.
  public let title = "Guided backpropagation"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], cost: "one forward pass, one backward pass a target",
    paper: "Springenberg et al., Striving for Simplicity, ICLR Workshop 2015")
  /// How channels become one number.
  public let reduction: ChannelReduction

  /// Makes the method.
  public init(reduction: ChannelReduction = .largestMagnitude) {
    self.reduction = reduction
  }

  /// Nothing negative passes a rectifier.
  public var rule: any BackwardRule { GuidedRule() }
}
