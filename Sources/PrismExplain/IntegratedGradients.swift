public import PrismRuntime
internal import PrismTensor

/// A rule for integrals from 0 to 1: where to look, and how much each look counts.
public enum Quadrature: String, Sendable, CaseIterable {
  /// The Gauss-Legendre rule: exact for polynomials of a degree below twice the number of points.
  case gaussLegendre
  /// The left end of every step.
  case left
  /// The right end of every step.
  case right
  /// The middle of every step.
  case middle
  /// The mean of both ends of every step: one point more than steps, the outer ones at half weight.
  case trapezoid

  /// The points and weights of a rule with so many steps; the weights add up to 1.
  ///
  /// captum's trapezoid spreads n points over the interval and gives all but the outer ones the weight 1 / n, which adds
  /// up to (n − 1) / n; this one does not.
  ///
  /// - Parameter steps: At least 1.
  /// - Returns: As many points as steps, for the trapezoid one more.
  public func points(_ steps: Int) -> [(position: Double, weight: Double)] {
    let n = Double(steps)
    func even(_ shift: Double) -> [(position: Double, weight: Double)] {
      (0..<steps).map { ((Double($0) + shift) / n, 1 / n) }
    }
    switch self {
    case .left: return even(0)
    case .right: return even(1)
    case .middle: return even(0.5)
    case .trapezoid:
      return (0...steps).map { (Double($0) / n, $0 == 0 || $0 == steps ? 0.5 / n : 1 / n) }
    case .gaussLegendre: return Self.legendre(steps)
    }
  }

  /// The roots of the Legendre polynomial of degree n by Newton's method, mapped from −1…1 to 0…1.
  private static func legendre(_ n: Int) -> [(position: Double, weight: Double)] {
    (0..<n).map { i in
      var x = cosine(.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
      var slope = 1.0
      for _ in 0..<100 {
        var (previous, value) = (1.0, x)
        for k in 1..<max(n, 1) {
          let k = Double(k)
          (previous, value) = (value, ((2 * k + 1) * x * value - k * previous) / (k + 1))
        }
        slope = Double(n) * (x * value - previous) / (x * x - 1)
        let step = value / slope
        x -= step
        if abs(step) < 1e-16 { break }
      }
      // The interval has half the length: half the weight.
      return ((1 - x) / 2, 1 / ((1 - x * x) * slope * slope))
    }
  }
}

/// The gradient integrated along the straight way from a baseline to the image, times the way.
///
/// `(x − b) · ∫₀¹ ∂y/∂x (b + t (x − b)) dt`, added up over the channels. The sum of the map is `y(x) − y(b)` but for
/// the rule's error, which is reported as the completeness gap. Definition: Sundararajan, Taly and Yan, "Axiomatic
/// Attribution for Deep Networks", ICML 2017.
public struct IntegratedGradients: Explainer {
  /// The method's name on the command line.
  public let name = "ig"
  /// The method's name as it is written in texts.
  public let title = "Integrated Gradients"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .baseline],
    cost: "one forward pass a step, one backward pass a step and target",
    paper: "Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks, ICML 2017")
  /// The steps of the rule.
  public let steps: Int
  /// The rule.
  public let quadrature: Quadrature
  /// Where the way begins.
  public let baseline: Masker

  /// Makes the method.
  public init(
    steps: Int = 50, quadrature: Quadrature = .gaussLegendre, baseline: Masker = .constant([0])
  ) {
    self.steps = steps
    self.quadrature = quadrature
    self.baseline = baseline
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("steps", steps), .text("quadrature", quadrature.rawValue),
      .text("baseline", baseline.description),
    ]
  }

  /// Explains predictions for one image; every step runs the model once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier
  ) throws -> [Attribution] {
    guard (1...100_000).contains(steps) else {
      throw ExplanationError.parameter("the number of steps", "must lie between 1 and 100000")
    }
    let gradient = try InputGradient(image, targets: targets, of: classifier)
    let start = try baseline.replacement(for: image)
    let ends = try Evaluator(classifier, targets: targets)([start, image.input])
    let way = image.input - start
    var sums = targets.map { _ in [Double](repeating: 0, count: way.count) }
    let points = quadrature.points(steps)
    for point in points {
      let t = Float(point.position)
      let gradients = try gradient(start.zip(way) { $0 + t * $1 })
      for (index, gradient) in gradients.enumerated() {
        gradient.withUnsafePointer { g in
          for i in 0..<way.count { sums[index][i] += point.weight * Double(g[i]) }
        }
      }
    }
    return targets.indices.map { index in
      let map = way.withUnsafePointer { way in
        (0..<image.area).map { p in
          (p * image.channels..<(p + 1) * image.channels).reduce(0.0) {
            $0 + Double(way[$1]) * sums[index][$1]
          }
        }
      }
      let total = map.reduce(0, +)
      return Attribution(
        target: targets[index], values: image.map(map), evaluations: points.count + 2,
        completenessGap: ends[1][index] - ends[0][index] - total, baseValue: ends[0][index])
    }
  }
}
