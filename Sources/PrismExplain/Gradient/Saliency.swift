internal import PrismAutodiff
public import PrismRuntime

/// The magnitude of the logit's gradient at every pixel.
///
/// `max_c |∂y/∂x_c|` over the channels, unless another reduction is asked for. Definition:
/// Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks: Visualising Image
/// Classification Models and Saliency Maps", ICLR Workshop 2014.
public struct Saliency: Explainer {
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

  /// The values of the parameters.
  public var parameters: [MethodParameter] { [.text("reduction", reduction.rawValue)] }

  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError`` where the model's values are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    try explainSensitivity(
      of: image, targets: targets, by: classifier, rule: ExactRule(), reduction: reduction,
      work: work)
  }
}

extension Explainer {
  /// The reduced gradient of every target at the input, by a rule.
  func explainSensitivity(
    of image: ExplainedImage, targets: [Int], by classifier: any DifferentiableClassifier,
    rule: any BackwardRule, reduction: ChannelReduction, work: Work
  ) throws -> [Attribution] {
    let gradients = try InputGradient(
      image, targets: targets, of: classifier, rule: rule, work: work, evaluations: 1)(image.input)
    return zip(targets, gradients).map { target, gradient in
      Attribution(
        target: target, values: image.map(reduction(gradient)), evaluations: 1,
        diagnostics: gradient.blankness)
    }
  }
}
