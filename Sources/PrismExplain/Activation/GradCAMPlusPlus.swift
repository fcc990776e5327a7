public import PrismTensor

/// Grad-CAM with a weight for every position's gradient, for several instances of one class.
///
/// The map is `ReLU(Σ_c w_c · A_c)` with `w_c = Σ α ⊙ ReLU(G_c)` and
/// `α = G² / (2 G² + ΣA_c · G³ + 1e-6)`, zero where G is zero; A are the activations of a layer and
/// G the gradient of a logit at them. The formula and its constant are those of the package
/// pytorch-grad-cam; the paper's factor exp(logit) scales the whole map and is left out.
/// Definition: Chattopadhay et al., "Grad-CAM++: Generalized Gradient-based Visual Explanations for
/// Deep Convolutional Networks", WACV 2018.
public struct GradCAMPlusPlus: GradientActivationMap {
  /// The method's name on the command line.
  public let name = "gradcam++"
  /// The method's name as it is written in texts.
  public let title = "Grad-CAM++"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts.gradientMap(
    paper: "Chattopadhay et al., Grad-CAM++, WACV 2018")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// The sum of the channels of `[1, h, w, C]`, each weighted by its positive gradients: `[h, w]`.
  public func map(activation: Tensor, gradient: Tensor) -> Tensor {
    let channels = activation.shape[3]
    let sums = activation.channelSums { a, i in Double(a[i]) }
    let weights = gradient.channelSums { gradient, i in
      let g = Double(gradient[i])
      guard g > 0 else { return 0 }
      let square = g * g
      return square / (2 * square + sums[i % channels] * square * g + 1e-6) * g
    }
    return activation.weightedSum(Tensor([channels], weights.map(Float.init)))
  }
}
