public import PrismAutodiff
public import PrismRuntime

/// A method whose map is what one walk back finds at the input, one number a pixel.
public protocol SensitivityMethod: Explainer {
  /// What happens at every operation.
  var rule: any BackwardRule { get }
  /// How channels become one number.
  var reduction: ChannelReduction { get }
}

extension SensitivityMethod {
  /// The values of the parameters.
  public var parameters: [MethodParameter] { [.text("reduction", reduction.rawValue)] }

  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError`` where the model's values are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
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
