public import PrismRuntime

/// The mean of saliency maps of the image with noise on it.
///
/// Every sample adds normally distributed noise to the input, with a deviation of `noise` times the
/// input's range; the map is the mean of the samples' ``Saliency``. Sample i depends on the seed
/// and i alone.
///
/// Opposite or evenly spread noise gains nothing. Of the variance of the maps (husky, MobileNetV2)
/// maps of opposite noise share 7 %, with the sign that makes pairs worse, and maps of noise with
/// the same means over 4 × 4 pixels share 2 %. The rest has as many dimensions as the image, which
/// no sequence covers with fifty points. Definition: Smilkov et al., "SmoothGrad: removing noise by
/// adding noise", 2017.
public struct SmoothGrad: NoisyGradientMethod {
  /// The method's name on the command line.
  public let name = "smoothgrad"
  /// The method's name as it is written in texts.
  public let title = "SmoothGrad"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], cost: "one forward pass a sample, one backward pass a sample and target",
    paper: "Smilkov et al., SmoothGrad, arXiv 1706.03825, 2017")
  /// How samples are drawn.
  public let sampling: NoisySampling

  /// Makes the method.
  public init(_ sampling: NoisySampling) { self.sampling = sampling }

  /// Explains predictions for one image; the noise is the same for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    try explain(image, targets: targets, of: classifier, work: work, statistic: .mean)
  }
}
