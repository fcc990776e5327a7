internal import PrismKernels
public import PrismRuntime
internal import PrismTensor

/// Integrated gradients on the way from a blurred image to the image, which needs no baseline.
///
/// `−∫ ∂y/∂x · ∂x_σ/∂σ dσ` over the channels, where x_σ is the image blurred with a Gaussian of the
/// deviation σ, from 0 to ``largestSigma`` pixels, with zeros around it. The integral is the sum over
/// ``steps`` steps, each with what it finds at its less blurred end, and the derivative by σ a
/// difference quotient over 0.01 pixels, as in the package saliency. The sum of the map is the logit
/// less that of the most blurred image but for the steps' width; the completeness gap says how much
/// that is. Definition: Xu, Venugopalan and Sundararajan, "Attribution in Scale and Space", CVPR
/// 2020.
public struct BlurIG: Explainer {
  /// The method's name on the command line.
  public let name = "blurig"
  /// The method's name as it is written in texts.
  public let title = "Blur-IG"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], unit: .explained,
    cost: "one forward pass a step, one backward pass a step and target",
    paper: "Xu, Venugopalan and Sundararajan, Attribution in Scale and Space, CVPR 2020")
  /// Over how many pixels the derivative by the deviation is taken.
  static let difference = 0.01

  /// The number of steps.
  public let steps: Int
  /// The deviation at the beginning of the way, in pixels.
  public let largestSigma: Double

  /// Makes the method.
  public init(steps: Int = 100, largestSigma: Double = 50) {
    self.steps = steps
    self.largestSigma = largestSigma
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [.integer("steps", steps), .number("largestSigma", largestSigma)]
  }

  /// Explains predictions for one image; every step runs the model once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard (1...100_000).contains(steps) else {
      throw ExplanationError.parameter("the number of steps", "must lie between 1 and 100000")
    }
    guard largestSigma > 0, largestSigma <= 10_000 else {
      throw ExplanationError.parameter("the largest deviation", "must lie between 0 and 10000")
    }
    let gradient = try InputGradient(
      image, targets: targets, of: classifier, work: work, evaluations: steps + 2)
    let source = image.input.scalars.map(Double.init)
    let width = largestSigma / Double(steps)
    var sums = targets.map { _ in [Double](repeating: 0, count: image.area) }
    for first in stride(from: 0, to: steps, by: InputGradient.group) {
      let group = first..<min(first + InputGradient.group, steps)
      let places = try Workers.pool.map(group.count) { index in
        place(at: Double(group.lowerBound + index) * width, source, image)
      }
      try work.check()
      for (place, gradients) in zip(places, try gradient(places.map(\.image))) {
        for (t, gradient) in gradients.enumerated() {
          for (p, value) in image.product(place.change, gradient).enumerated() {
            sums[t][p] -= value * width
          }
        }
      }
    }
    let start = blurred(source, largestSigma, image)
    let ends = try Evaluator(classifier, targets: targets, work: work)([
      tensor(start, image), image.input,
    ])
    return targets.indices.map { t in
      Attribution(
        target: targets[t], values: image.map(sums[t]), evaluations: steps + 2,
        completenessGap: ends[1][t] - ends[0][t] - sums[t].reduce(0, +), baseValue: ends[0][t],
        explainedValue: ends[1][t])
    }
  }

  /// A blurred image, and how it changes with the deviation.
  private func place(
    at sigma: Double, _ source: [Double], _ image: ExplainedImage
  ) -> (image: Tensor, change: Tensor) {
    let here = blurred(source, sigma, image)
    let further = blurred(source, sigma + Self.difference, image)
    let change = zip(further, here).map { ($0 - $1) / Self.difference }
    return (tensor(here, image), tensor(change, image))
  }

  private func blurred(_ source: [Double], _ sigma: Double, _ image: ExplainedImage) -> [Double] {
    GaussianBlur(sigma: sigma)(
      source, height: image.height, width: image.width, channels: image.channels)
  }

  private func tensor(_ values: [Double], _ image: ExplainedImage) -> Tensor {
    Tensor(image.input.shape, values.map { Float($0) })
  }
}
