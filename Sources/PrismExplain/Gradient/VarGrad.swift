public import PrismRuntime

/// The variance of saliency maps of the image with noise on it.
///
/// Samples are those of ``SmoothGrad``; the map is the variance of their ``Saliency`` (divisor n).
/// Definition: Adebayo et al., "Local Explanation Methods for Deep Neural Networks Lack Sensitivity
/// to Parameter Values", ICLR Workshop 2018.
public struct VarGrad: NoisyGradientMethod {
  /// The method's name on the command line.
  public let name = "vargrad"
  /// The method's name as it is written in texts.
  public let title = "VarGrad"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], cost: "one forward pass a sample, one backward pass a sample and target",
    paper: "Adebayo et al., Local Explanation Methods Lack Sensitivity, ICLR Workshop 2018")
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
    try explain(image, targets: targets, of: classifier, work: work, statistic: .variance)
  }
}
