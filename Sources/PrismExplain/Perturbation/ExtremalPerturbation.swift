internal import PrismAutodiff
public import PrismRuntime
internal import PrismTensor

/// The part of a given area that keeps the output highest while all around it is blurred.
///
/// A smooth mask chooses at each pixel between the image and its blurred versions. Its parameters
/// begin at 1 and climb, with momentum, the output of the masked image less a penalty for the area:
/// the mean square of the difference between the sorted mask and one that is 1 on just the area and
/// 0 elsewhere, with a weight that grows. Every other image is mirrored, so that the mask does not
/// depend on one place of the network's grid. The map is the mask, from 0 to 1. Nothing is drawn at
/// random. Definition: Fong, Patrick and Vedaldi, "Understanding Deep Networks via Extremal
/// Perturbations and Smooth Masks", ICCV 2019, in the variant that preserves; step, width, blur,
/// rates and weights are those of the package torchray, which, unlike here, counts the area as a
/// share of the mask with its margin.
public struct ExtremalPerturbation: Explainer {
  /// The method's name on the command line.
  public let name = "extremal"
  /// The method's name as it is written in texts.
  public let title = "Extremal perturbation"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], cost: "one forward and one backward pass a step and target, and three",
    paper: "Fong, Patrick and Vedaldi, Extremal Perturbations and Smooth Masks, ICCV 2019")
  /// The share of the image that is kept.
  public let area: Double
  /// The steps of the climb.
  public let steps: Int
  /// The distance of the mask's parameters, in pixels; `nil` for a thirty-second of the image's
  /// shorter side.
  public let spacing: Int?
  /// Whether every other image is mirrored.
  public let isMirrored: Bool

  /// How many times heavier the penalty is at the end.
  var growth = 16.37

  private static let momentum: Float = 0.9
  private static let rate: Float = 0.01
  private static let penalty = 300.0
  private static let levels = 8
  private static let deviation = 20.0

  /// Makes the method.
  public init(
    area: Double = 0.1, steps: Int = 800, spacing: Int? = nil, isMirrored: Bool = true
  ) {
    self.area = area
    self.steps = steps
    self.spacing = spacing
    self.isMirrored = isMirrored
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .number("area", area), .integer("samples", steps),
      spacing.map { .integer("spacing", $0) } ?? .text("spacing", "1/32 of the side"),
      .flag("mirrored", isMirrored),
    ]
  }

  /// Explains predictions for one image, each target by a climb of its own.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard area > 0, area < 1 else {
      throw ExplanationError.parameter("the area", "must lie between 0 and 1")
    }
    guard (1...100_000).contains(steps) else {
      throw ExplanationError.parameter("the number of samples", "must be from 1 to 100000")
    }
    try image.check(for: classifier, targets: targets)
    work.plan((steps + 3) * targets.count)
    let pyramid = BlurPyramid(image.input, count: Self.levels, deviation: Self.deviation)
    let spacing = spacing ?? max(min(image.height, image.width) / 32, 1)
    guard (1...min(image.height, image.width)).contains(spacing) else {
      throw ExplanationError.parameter("the spacing", "must be from 1 to the image's side")
    }
    let generator = SmoothMask(
      height: image.height, width: image.width, step: spacing, kernelWidth: 3 * spacing)
    return try targets.map { target in
      let mask = try climb(
        image, target: target, of: classifier, pyramid: pyramid, generator: generator, work: work)
      return try attribution(
        image, target: target, of: classifier, mask: mask, pyramid: pyramid, work: work)
    }
  }

  private func climb(
    _ image: ExplainedImage, target: Int, of classifier: any DifferentiableClassifier,
    pyramid: BlurPyramid, generator: SmoothMask, work: Work
  ) throws -> [Float] {
    var parameters = [Float](repeating: 1, count: generator.rows * generator.columns)
    var velocity: [Float] = []
    var penalty = Self.penalty
    var mask = try generator.full(parameters)
    for step in 0..<steps {
      let cropped = generator.cropped(mask)
      let isFlipped = isMirrored && step.isMultiple(of: 2)
      let masked = Tensor(image.input.shape, pyramid.image(through: cropped))
      let found = try classifier.backward(
        from: [target], to: nil,
        passes: [ForwardPass(isFlipped ? masked.mirrored() : masked)], rule: ExactRule())
      try work.did(1)
      guard let cotangent = found.first?.cotangents.first, cotangent.isFinite else {
        throw ExplanationError.notFinite(layer: "the gradient of the input")
      }
      var slope = areaSlope(mask, count: Double(image.area) * area, penalty: penalty)
      let reward = pyramid.gradient(
        at: cropped, of: (isFlipped ? cotangent.mirrored() : cotangent).scalars)
      for (pixel, value) in reward.enumerated() { slope[generator.fullIndex(pixel)] += value }
      let gradient = try generator.gradient(at: parameters, of: slope)
      guard gradient.allSatisfy(\.isFinite) else {
        throw ExplanationError.notFinite(layer: "the gradient of the mask")
      }
      velocity =
        velocity.isEmpty
        ? gradient
        : zip(velocity, gradient).map { Self.momentum * $0 + (1 - Self.momentum) * $1 }
      parameters = zip(parameters, velocity).map { min(max($0 + Self.rate * $1, 0), 1) }
      penalty *= power(growth, 1 / Double(steps))
      mask = try generator.full(parameters)
    }
    return generator.cropped(mask)
  }

  /// The gradient, at a full mask, of how well it is 1 on so many pixels and 0 elsewhere.
  private func areaSlope(_ mask: [Float], count: Double, penalty: Double) -> [Float] {
    let factor = Float(-2 * penalty / Double(mask.count))
    var slope = mask.map { factor * $0 }
    // The largest are to be 1; of equals at the border the last.
    var left = Int(count.rounded())
    guard left > 0 else { return slope }
    let border = mask.element(atRank: mask.count - left)
    for (place, value) in mask.enumerated() where value > border {
      slope[place] = factor * (value - 1)
      left -= 1
    }
    for place in mask.indices.reversed() where mask[place] == border {
      if left == 0 { break }
      slope[place] = factor * (border - 1)
      left -= 1
    }
    return slope
  }

  private func attribution(
    _ image: ExplainedImage, target: Int, of classifier: any DifferentiableClassifier,
    mask: [Float], pyramid: BlurPyramid, work: Work
  ) throws -> Attribution {
    let evaluator = Evaluator(classifier, targets: [target], work: work)
    let none = [Float](repeating: 0, count: mask.count)
    let scores = try evaluator([
      image.input, Tensor(image.input.shape, pyramid.image(through: mask)),
      Tensor(image.input.shape, pyramid.image(through: none)),
    ])
    let kept = mask.reduce(0) { $0 + Double($1) } / Double(mask.count)
    return Attribution(
      target: target, values: Tensor([image.height, image.width], mask), evaluations: steps + 3,
      explainedValue: scores[0][0],
      diagnostics: [
        "with \(Self.text(kept * 100)) % of the image kept and the rest blurred the logit is "
          + "\(Self.text(scores[1][0])); of the whole image it is \(Self.text(scores[0][0])), all "
          + "blurred \(Self.text(scores[2][0]))"
      ])
  }

  private static func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}

extension Tensor {
  /// `[1, H, W, C]` with left and right exchanged.
  fileprivate func mirrored() -> Tensor {
    let (width, channels) = (shape[2], shape[3])
    return withUnsafePointer { source in
      Tensor(uninitialized: shape) { target in
        for row in 0..<shape[1] {
          for x in 0..<width {
            let (to, from) = (row * width + x, row * width + width - 1 - x)
            for c in 0..<channels { target[to * channels + c] = source[from * channels + c] }
          }
        }
      }
    }
  }
}
