public import PrismTensor

/// High-resolution class activation mapping.
///
/// The map is `ReLU(Σ_c G_c ⊙ A_c)`, with the activations A of a layer and the gradient G of a logit at them. Where a
/// network ends in global average pooling and one linear layer, the unrectified map adds up to the logit without its
/// bias. Definition: Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
/// neural networks", 2020.
public struct HiResCAM: GradientActivationMap {
  /// The method's name on the command line.
  public let name = "hirescam"
  /// The method's name as it is written in texts.
  public let title = "HiResCAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .layer], cost: "one forward pass, one backward pass a target",
    paper: "Draelos and Carin, HiResCAM, arXiv 2011.08891, 2020")
  /// The name of the layer to explain; `nil` for the model's default.
  public let layer: String?
  /// Whether negative values of the map are cut off.
  public let isRectified: Bool

  /// Makes the method.
  public init(layer: String? = nil, isRectified: Bool = true) {
    self.layer = layer
    self.isRectified = isRectified
  }

  /// The sum over the channels of `[1, h, w, C]` of gradient times activation: `[h, w]`.
  public func map(activation: Tensor, gradient: Tensor) -> Tensor {
    gradient.withUnsafePointer { g in
      activation.sumOverChannels { a, i, _ in Double(g[i]) * Double(a[i]) }
    }
  }
}
