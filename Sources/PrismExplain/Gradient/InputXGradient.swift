public import PrismRuntime
internal import PrismTensor

/// The gradient times the input, added up over the channels.
///
/// `Σ_c x_c · ∂y/∂x_c`: the first-order estimate of what a pixel adds against an input of zeros.
/// Definition: Shrikumar et al., "Not Just a Black Box: Learning Important Features Through
/// Propagating Activation Differences", 2016.
public struct InputXGradient: Explainer {
  /// The method's name on the command line.
  public let name = "inputxgradient"
  /// The method's name as it is written in texts.
  public let title = "Input × gradient"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], unit: .explained, cost: "one forward pass, one backward pass a target",
    paper: "Shrikumar et al., Not Just a Black Box, arXiv 1605.01713, 2016")
  /// The method has no parameters.
  public let parameters: [MethodParameter] = []

  /// Makes the method.
  public init() {}

  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError`` where the model's values are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    let gradients = try InputGradient(
      image, targets: targets, of: classifier, work: work, evaluations: 1)(image.input)
    return zip(targets, gradients).map { target, gradient in
      let map = image.input.withUnsafePointer { x in
        gradient.sumOverChannels { g, i, _ in Double(x[i]) * Double(g[i]) }
      }
      return Attribution(
        target: target, values: map, evaluations: 1, diagnostics: gradient.blankness)
    }
  }
}
