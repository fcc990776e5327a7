public import PrismTensor

/// Axiom-based class activation mapping.
///
/// The map is `ReLU(Σ_c w_c · A_c)` with `w_c = Σ G_c ⊙ A_c / (Σ A_c + 1e-7)`, with the activations
/// A of a layer and the gradient G of a logit at them; the constant, which keeps a channel of zeros
/// from dividing by zero, is that of the package pytorch-grad-cam. Definition: Fu et al.,
/// "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs", BMVC 2020.
public struct XGradCAM: GradientActivationMap {
  /// The method's name on the command line.
  public let name = "xgradcam"
  /// The method's name as it is written in texts.
  public let title = "XGrad-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts.gradientMap(
    paper: "Fu et al., Axiom-based Grad-CAM, BMVC 2020")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// The sum of the channels of `[1, h, w, C]`, each weighted by its mean gradient where it is
  /// active: `[h, w]`.
  public func map(activation: Tensor, gradient: Tensor) -> Tensor {
    let products = gradient.withUnsafePointer { g in
      activation.channelSums { a, i in Double(g[i]) * Double(a[i]) }
    }
    let sums = activation.channelSums { a, i in Double(a[i]) }
    let weights = zip(products, sums).map { Float($0 / ($1 + 1e-7)) }
    return activation.weightedSum(Tensor([weights.count], weights))
  }
}
