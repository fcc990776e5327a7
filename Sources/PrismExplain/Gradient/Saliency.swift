public import PrismAutodiff

/// The magnitude of the logit's gradient at every pixel.
///
/// `max_c |∂y/∂x_c|` over the channels, unless another reduction is asked for. Definition:
/// Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks: Visualising Image
/// Classification Models and Saliency Maps", ICLR Workshop 2014.
public struct Saliency: SensitivityMethod {
  /// The method's name on the command line.
  public let name = "saliency"
  /// The method's name as it is written in texts.
  public let title = "Saliency"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], cost: "one forward pass, one backward pass a target",
    paper: "Simonyan, Vedaldi and Zisserman, Deep Inside Convolutional Networks, ICLR Workshop 2014"
  )
  /// How channels become one number.
  public let reduction: ChannelReduction

  /// Makes the method.
  public init(reduction: ChannelReduction = .largestMagnitude) {
    self.reduction = reduction
  }

  /// The derivative.
  public var rule: any BackwardRule { ExactRule() }
}
