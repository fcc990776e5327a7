public import PrismTensor

/// High-resolution class activation mapping.
///
/// The map is `ReLU(Σ_c G_c ⊙ A_c)`, with the activations A of a layer and the gradient G of a
/// logit at them. Where a network ends in global average pooling and one linear layer, the
/// unrectified map adds up to the logit without its bias. Definition: Draelos and Carin, "Use
/// HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks", 2020.
public struct HiResCAM: GradientActivationMap {
  /// The method's name on the command line.
  public let name = "hirescam"
  /// The method's name as it is written in texts.
  public let title = "HiResCAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts.gradientMap(
    paper: "Draelos and Carin, HiResCAM, arXiv 2011.08891, 2020")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// The sum over the channels of `[1, h, w, C]` of gradient times activation: `[h, w]`.
  public func map(activation: Tensor, gradient: Tensor) -> Tensor {
    gradient.withUnsafePointer { g in
      activation.sumOverChannels { a, i, _ in Double(g[i]) * Double(a[i]) }
    }
  }
}
