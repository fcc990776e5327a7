public import PrismTensor

/// Class activation mapping with a weight for every position.
///
/// The map is `ReLU(Σ_c ReLU(G_c) ⊙ A_c)`, with the activations A of a layer and the gradient G of
/// a logit at them. Made for early layers, where one weight a channel is too coarse. Definition:
/// Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization", IEEE
/// Transactions on Image Processing, 2021.
public struct LayerCAM: GradientActivationMap {
  /// The method's name on the command line.
  public let name = "layercam"
  /// The method's name as it is written in texts.
  public let title = "LayerCAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts.gradientMap(
    paper: "Jiang et al., LayerCAM, IEEE TIP 2021")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// The sum over the channels of `[1, h, w, C]` of positive gradient times activation: `[h, w]`.
  public func map(activation: Tensor, gradient: Tensor) -> Tensor {
    gradient.withUnsafePointer { g in
      activation.sumOverChannels { a, i, _ in max(Double(g[i]), 0) * Double(a[i]) }
    }
  }
}
