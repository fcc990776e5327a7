public import PrismRuntime
internal import PrismTensor

/// The gradient integrated along the straight way from a baseline to the image, times the way.
///
/// `(x − b) · ∫₀¹ ∂y/∂x (b + t (x − b)) dt`, added up over the channels. The sum of the map is
/// `y(x) − y(b)` but for the rule's error, which is reported as the completeness gap.
///
/// Unless a number of steps is given, fifty Gauss-Legendre points are taken first; where the gap is
/// then larger than 1 % of the explained difference for a target, as for networks with many kinks,
/// the way is divided where that target's output bends, and the bends are located from the outputs,
/// until the gap is small enough or 200 evaluations are spent (`BendingPath`). A target's map does
/// not depend on which others are explained with it. Definition: Sundararajan, Taly and Yan,
/// "Axiomatic Attribution for Deep Networks", ICML 2017.
public struct IntegratedGradients: Explainer {
  /// The method's name on the command line.
  public let name = "ig"
  /// The method's name as it is written in texts.
  public let title = "Integrated Gradients"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .baseline], unit: .explained,
    cost: "one forward pass a step, one backward pass a step and target",
    paper: "Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks, ICML 2017")
  /// The largest gap, relative to the explained difference, that needs no finer steps.
  static let tolerance = 0.01
  /// The points that are looked at first where no number of steps is given.
  static let firstSteps = 50
  /// The most gradients that are looked at where no number of steps is given.
  static let mostSteps = 200

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
        ?? .text("steps", "50, refined to a gap of 1 % or \(Self.mostSteps)"),
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
    let points = quadrature.points(steps ?? Self.firstSteps)
    let start = try baseline.replacement(for: image)
    let gradient = try InputGradient(
      image, targets: targets, of: classifier, work: work, evaluations: points.count + 2)
    let ends = try Evaluator(classifier, targets: targets, work: work)([start, image.input])
    let way = Way(image, from: start)
    let sums = try way.sums(points, gradient)
    var attributions = targets.indices.map { t in
      attribution(
        way.map(sums[t]), targets[t], image, ends.map { $0[t] }, evaluations: points.count + 2)
    }
    let rough = targets.indices.filter { t in
      let gap = attributions[t].completenessGap ?? 0
      return abs(gap) > Self.tolerance * abs(ends[1][t] - ends[0][t])
    }
    guard steps == nil else { return attributions }
    // One by one: where one output bends is not where another does, and which others are explained
    // must not change a map.
    for t in rough {
      let found = try refined(
        way, image, target: targets[t], of: classifier, ends: ends.map { $0[t] },
        first: points.count, work: work)
      guard let found else { break }
      attributions[t] = found
    }
    return attributions
  }

  /// The attribution of an integral that is refined where a target's output bends; `nil` for a model
  /// that does not tell its outputs beside its gradients.
  private func refined(
    _ way: Way, _ image: ExplainedImage, target: Int, of classifier: any DifferentiableClassifier,
    ends: [Double], first: Int, work: Work
  ) throws -> Attribution? {
    let gradient = try InputGradient(
      image, targets: [target], of: classifier, work: work,
      evaluations: BendingPath.firstPieces + 1)
    var hasOutputs = true
    func look(_ positions: [Double]) throws -> [BendingPath.Look] {
      let looks = try way.looks(positions, gradient)
      hasOutputs = hasOutputs && looks.count == positions.count
      return looks
    }
    var path = try BendingPath(look: look)
    guard hasOutputs else { return nil }
    try path.refine(tolerance: Self.tolerance, limit: Self.mostSteps - first) { positions in
      work.plan(positions.count)
      return try look(positions)
    }
    let map = path.map
    let difference = ends[1] - ends[0]
    var note = "the way was divided at \(path.looks.count) points where the output bends"
    let share = path.wildness
    let gap = abs(difference - map.reduce(0, +)) / abs(difference)
    if !share.isFinite {
      note += "; both ends of it have the same output, so that there is no difference to divide"
    } else if gap > Self.tolerance || share > BendingPath.mostUncertainty {
      note +=
        ", the limit: the output bends too often along the way, and pieces of it that add up to "
        + "\(share.wholePercent) of the difference are not resolved"
    }
    return attribution(
      map, target, image, ends, evaluations: first + path.looks.count + 2, diagnostics: [note])
  }

  private func attribution(
    _ map: [Double], _ target: Int, _ image: ExplainedImage, _ ends: [Double], evaluations: Int,
    diagnostics: [String] = []
  ) -> Attribution {
    Attribution(
      target: target, values: image.map(map), evaluations: evaluations,
      completenessGap: ends[1] - ends[0] - map.reduce(0, +), baseValue: ends[0],
      explainedValue: ends[1], diagnostics: diagnostics)
  }

  /// The straight way from a baseline to the image.
  struct Way {
    private let image: ExplainedImage
    private let start: Tensor
    private let way: Tensor

    init(_ image: ExplainedImage, from start: Tensor) {
      self.image = image
      self.start = start
      way = image.input - start
    }

    private func image(at position: Double) -> Tensor {
      let t = Float(position)
      return start.zip(way) { $0 + t * $1 }
    }

    /// Visits what the gradient finds at points of the way, in groups.
    private func visit(
      _ positions: [Double], _ gradient: InputGradient, _ body: (Int, BackwardPass) throws -> Void
    ) throws {
      for first in stride(from: 0, to: positions.count, by: InputGradient.group) {
        let group = first..<min(first + InputGradient.group, positions.count)
        let passes = try gradient.passes(positions[group].map(image))
        for (index, pass) in zip(group, passes) { try body(index, pass) }
      }
    }

    /// The weighted sums of the gradients at points of the way, one a target.
    func sums(
      _ points: [(position: Double, weight: Double)], _ gradient: InputGradient
    ) throws -> [[Double]] {
      var sums = [[Double]](
        repeating: [Double](repeating: 0, count: way.count), count: gradient.targets.count)
      try visit(points.map(\.position), gradient) { index, pass in
        let weight = points[index].weight
        for (t, cotangent) in pass.cotangents.enumerated() {
          cotangent.withUnsafePointer { g in
            // Not through the arrays, which would be asked for their owners at every number.
            sums[t].withUnsafeMutableBufferPointer { sum in
              for i in sum.indices { sum[i] += weight * Double(g[i]) }
            }
          }
        }
      }
      return sums
    }

    /// Maps, their sums and the outputs of the gradient's one target at points of the way; nothing of
    /// points whose outputs the model does not tell.
    func looks(_ positions: [Double], _ gradient: InputGradient) throws -> [BendingPath.Look] {
      var looks: [BendingPath.Look] = []
      try visit(positions, gradient) { index, pass in
        guard let logits = pass.logits else { return }
        let map = image.product(way, pass.cotangents[0])
        looks.append(
          BendingPath.Look(
            position: positions[index], output: Double(logits[0, gradient.targets[0]]),
            map: map.map { Float($0) }, slope: map.reduce(0, +)))
      }
      return looks
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
