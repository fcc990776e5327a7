internal import PrismAutodiff
public import PrismRuntime
internal import PrismTensor

/// Grad-CAM of what sets a label apart from those that are most like it.
///
/// The map is that of ``GradCAM``, of `Σ_i w_i (y − α y_i)` instead of the logit y: i are the labels
/// whose logits come nearest to y, and w_i their softmax among themselves, which is differentiated
/// too, as in the package pytorch-grad-cam (which adds 1e-9 to their shares' sum). A target that is a contrast of two
/// labels has its look-alike already and is explained as it is. Definition: Zhang et al.,
/// "Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation", CVPR 2025.
public struct FinerCAM: Explainer {
  /// The method's name on the command line.
  public let name = "finercam"
  /// The method's name as it is written in texts.
  public let title = "Finer-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts.gradientMap(paper: "Zhang et al., Finer-CAM, CVPR 2025")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice
  /// How many labels the target is compared with, at most.
  public let comparisons: Int
  /// How much the labels that are compared with count.
  public let alpha: Double

  /// Makes the method.
  ///
  /// - Parameters:
  ///   - layer: The name of the layer to explain; `nil` for the model's default.
  ///   - isRectified: Whether negative values of the map are cut off.
  ///   - comparisons: How many labels the target is compared with, at most.
  ///   - alpha: How much the labels that are compared with count.
  public init(
    layer: String? = nil, isRectified: Bool = true, comparisons: Int = 3, alpha: Double = 1
  ) {
    choice = LayerChoice(layer: layer, isRectified: isRectified)
    self.comparisons = comparisons
    self.alpha = alpha
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    GradCAM(choice).parameters + [.integer("comparisons", comparisons), .number("alpha", alpha)]
  }

  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns, its values are not
  ///   finite, or there is no second label.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard comparisons >= 1 else {
      throw ExplanationError.parameter("the number of comparisons", "must be at least 1")
    }
    guard alpha.isFinite else { throw ExplanationError.parameter("alpha", "must be a number") }
    try image.check(for: classifier, targets: targets)
    let contrasts = (classifier as? any ContrastingClassifier)?.contrasts ?? []
    let labels = classifier.outputCount - contrasts.count
    guard labels > 1 else {
      throw ExplanationError.unsuitable(
        "Finer-CAM compares labels, and the model has \(labels)")
    }
    // The pass that the logits are from has the default layer too.
    var seen = image
    let logits = try seen.logits(by: classifier).scalars.prefix(labels).map(Double.init)
    guard logits.allSatisfy(\.isFinite) else {
      throw ExplanationError.notFinite(layer: "the output")
    }
    let sums = targets.map { $0 < labels ? sum($0, logits) : LogitTarget($0) }
    let look = try LayerLook(
      seen, sums: sums, targets: targets, layer: choice.layer, of: classifier, work: work)
    let map = GradCAM(choice)
    return zip(targets, look.gradients).map { target, gradient in
      map.finish(
        map.map(activation: look.activation, gradient: gradient), target: target,
        layer: look.name, image: image, evaluations: 1, gradient: gradient)
    }
  }

  /// The gradient of what is explained, by the logits: the sum of logits whose own gradient is the
  /// same.
  private func sum(_ target: Int, _ logits: [Double]) -> LogitTarget {
    let distances = logits.map { abs($0 - logits[target]) }
    let rivals = logits.indices.filter { $0 != target }
      .sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(comparisons)
    let weights = softmax(rivals.map { logits[$0] })
    let differences = rivals.map { logits[target] - alpha * logits[$0] }
    let mean = zip(weights, differences).reduce(0) { $0 + $1.0 * $1.1 }
    // With the weights w_i and F the mean of the differences d_i: ∂F/∂y = 1 and
    // ∂F/∂y_i = w_i (d_i − F − α).
    let terms = rivals.indices.map { i in
      LogitTarget.Term(
        rivals[i], weight: Float(weights[i] * (differences[i] - mean - alpha)))
    }
    return LogitTarget([LogitTarget.Term(target, weight: 1)] + terms)
  }
}
