public import PrismTensor

/// Gradient-weighted class activation mapping.
///
/// With the activations A of a layer and the gradient G of a logit at them, both `[1, h, w, C]`,
/// the map is `ReLU(Σ_c mean(G_c) · A_c)`. Definition: Selvaraju et al., "Grad-CAM: Visual
/// Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
public struct GradCAM: GradientActivationMap {
  /// The method's name on the command line.
  public let name = "gradcam"
  /// The method's name as it is written in texts.
  public let title = "Grad-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts.gradientMap(
    paper: "Selvaraju et al., Grad-CAM, ICCV 2017")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// The sum of the channels of `[1, h, w, C]`, each weighted by its mean gradient: `[h, w]`.
  public func map(activation: Tensor, gradient: Tensor) -> Tensor {
    activation.weightedSum(gradient.channelMeans())
  }
}
