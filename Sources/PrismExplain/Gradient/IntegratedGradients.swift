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
  /// captum's trapezoid spreads n points over the interval and gives all but the outer ones the
  /// weight 1 / n, which adds up to (n − 1) / n; this one does not.
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
/// `(x − b) · ∫₀¹ ∂y/∂x (b + t (x − b)) dt`, added up over the channels. The sum of the map is
/// `y(x) − y(b)` but for the rule's error, which is reported as the completeness gap.
///
/// Unless a number of steps is given, fifty Gauss-Legendre points are taken first; where the gap is
/// then larger than 1 % of the explained difference for a target, as for networks with many kinks,
/// the trapezoid rule follows, whose steps are halved, all gradients kept, until the gap is small
/// enough or 1024 steps are reached. Definition: Sundararajan, Taly and Yan, "Axiomatic Attribution
/// for Deep Networks", ICML 2017.
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
  /// The largest gap, relative to the explained difference, that needs no finer steps.
  static let tolerance = 0.01
  /// The points that are looked at first where no number of steps is given.
  static let firstSteps = 50
  /// The smallest and the largest number of steps of the refinement.
  static let refinement = 64...1024

  /// The steps of the rule; `nil` for as many as a gap of 1 % needs.
  public let steps: Int?
  /// The rule; the first one where the steps are refined.
  public let quadrature: Quadrature
  /// Where the way begins.
  public let baseline: Masker

  /// Makes the method.
  public init(
    steps: Int? = nil, quadrature: Quadrature = .gaussLegendre, baseline: Masker = .constant([0])
  ) {
    self.steps = steps
    self.quadrature = quadrature
    self.baseline = baseline
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      steps.map { .integer("steps", $0) }
        ?? .text("steps", "50, refined to a gap of 1 % or \(Self.refinement.upperBound)"),
      .text("quadrature", quadrature.rawValue),
      .text("baseline", baseline.description),
    ]
  }

  /// Explains predictions for one image; every step runs the model once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard (1...100_000).contains(steps ?? 1) else {
      throw ExplanationError.parameter("the number of steps", "must lie between 1 and 100000")
    }
    var taken = steps ?? Self.firstSteps
    let points = quadrature.points(taken)
    let gradient = try InputGradient(
      image, targets: targets, of: classifier, work: work, evaluations: points.count + 2)
    let start = try baseline.replacement(for: image)
    let ends = try Evaluator(classifier, targets: targets, work: work)([start, image.input])
    var path = Path(image, from: start, targets: targets.count, gradient: gradient)
    var sums = try path.sums(points)
    var diagnostics: [String] = []
    func isComplete(_ sums: [[Double]]) -> Bool {
      targets.indices.allSatisfy { t in
        let difference = ends[1][t] - ends[0][t]
        let gap = difference - path.map(sums[t]).reduce(0, +)
        return abs(gap) <= Self.tolerance * abs(difference)
      }
    }
    if steps == nil, !isComplete(sums) {
      // The trapezoid rule with half the steps has every second of its points; only the others are
      // new.
      taken = Self.refinement.lowerBound
      let refined = Quadrature.trapezoid.points(taken)
      work.plan(refined.count)
      var trapezoid = try path.sums(refined)
      while !isComplete(trapezoid), taken < Self.refinement.upperBound {
        let between = Quadrature.middle.points(taken)
        work.plan(between.count)
        for (t, new) in try path.sums(between).enumerated() {
          for i in new.indices { trapezoid[t][i] = (trapezoid[t][i] + new[i]) / 2 }
        }
        taken *= 2
      }
      sums = trapezoid
      diagnostics = [
        "the steps were refined to \(taken) of the trapezoid rule"
          + (isComplete(sums) ? "" : ", the limit; the gap is still above 1 %")
      ]
    }
    return targets.indices.map { t in
      let map = path.map(sums[t])
      return Attribution(
        target: targets[t], values: image.map(map), evaluations: path.evaluations + 2,
        completenessGap: ends[1][t] - ends[0][t] - map.reduce(0, +), baseValue: ends[0][t],
        explainedValue: ends[1][t], diagnostics: diagnostics)
    }
  }

  /// The straight way from a baseline to the image.
  struct Path {
    private let image: ExplainedImage
    private let start: Tensor
    private let way: Tensor
    private let targets: Int
    private let gradient: InputGradient
    private(set) var evaluations = 0

    init(_ image: ExplainedImage, from start: Tensor, targets: Int, gradient: InputGradient) {
      self.image = image
      self.start = start
      way = image.input - start
      self.targets = targets
      self.gradient = gradient
    }

    /// The weighted sums of the gradients at points of the way, one a target.
    mutating func sums(_ points: [(position: Double, weight: Double)]) throws -> [[Double]] {
      var sums = [[Double]](
        repeating: [Double](repeating: 0, count: way.count), count: targets)
      for first in stride(from: 0, to: points.count, by: InputGradient.group) {
        let group = points[first..<min(first + InputGradient.group, points.count)]
        let images = group.map { point in
          let t = Float(point.position)
          return start.zip(way) { $0 + t * $1 }
        }
        for (point, gradients) in zip(group, try gradient(images)) {
          for (index, gradient) in gradients.enumerated() {
            gradient.withUnsafePointer { g in
              for i in 0..<way.count { sums[index][i] += point.weight * Double(g[i]) }
            }
          }
        }
      }
      evaluations += points.count
      return sums
    }

    /// The product of the way and an integrated gradient, one number an element of the image.
    func elements(_ sums: [Double]) -> [Double] {
      way.withUnsafePointer { way in sums.indices.map { Double(way[$0]) * sums[$0] } }
    }

    /// The product of the way and an integrated gradient, added up over the channels.
    func map(_ sums: [Double]) -> [Double] {
      way.withUnsafePointer { way in
        (0..<image.area).map { p in
          (p * image.channels..<(p + 1) * image.channels).reduce(0.0) {
            $0 + Double(way[$1]) * sums[$1]
          }
        }
      }
    }
  }
}
