public import PrismRuntime
internal import PrismTensor

/// Integrated gradients on a way that takes first what the model minds least, so that less noise
/// gathers on the way.
///
/// The way goes from the baseline to the image in steps of equal L1 length. Every step moves the
/// numbers with the smallest magnitudes of the gradient, the lowest ``fraction`` of those that are
/// not yet as far as they may be, and no number may be further from the straight way than
/// ``largestDistance`` of its length. Each move counts with the gradient at the step's beginning.
/// Since single numbers jump, however many steps there are, the sum of the map is the logit less that
/// of the baseline only about; the completeness gap says how much it lacks. Numbers and order are those of the package saliency.
/// Definition: Kapishnikov et al., "Guided Integrated Gradients: an Adaptive Path Method for
/// Removing Noise", CVPR 2021.
public struct GuidedIG: Explainer {
  /// The method's name on the command line.
  public let name = "guidedig"
  /// The method's name as it is written in texts.
  public let title = "Guided IG"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .baseline], unit: .explained,
    cost: "one forward and one backward pass a step and target",
    paper: "Kapishnikov et al., Guided Integrated Gradients, CVPR 2021")

  /// The number of steps.
  public let steps: Int
  /// The share of numbers that are moved at a time.
  public let fraction: Double
  /// How far a number may be from the straight way, relative to the way's length.
  public let largestDistance: Double
  /// Where the way begins.
  public let baseline: Masker

  /// Makes the method.
  public init(
    steps: Int = 200, fraction: Double = 0.25, largestDistance: Double = 0.02,
    baseline: Masker = .constant([0])
  ) {
    self.steps = steps
    self.fraction = fraction
    self.largestDistance = largestDistance
    self.baseline = baseline
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("steps", steps), .number("fraction", fraction),
      .number("largestDistance", largestDistance), .text("baseline", baseline.description),
    ]
  }

  /// Explains predictions for one image; every target has a way of its own.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard (1...100_000).contains(steps) else {
      throw ExplanationError.parameter("the number of steps", "must lie between 1 and 100000")
    }
    for (name, share) in [
      ("the fraction", fraction), ("the largest distance", largestDistance),
    ] where !(0...1).contains(share) {
      throw ExplanationError.parameter(name, "must lie between 0 and 1")
    }
    try image.check(for: classifier, targets: targets)
    work.plan(2 + targets.count * steps)
    let start = try baseline.replacement(for: image)
    let ends = try Evaluator(classifier, targets: targets, work: work)([start, image.input])
    return try targets.enumerated().map { t, target in
      let gradient = try InputGradient(
        image, targets: [target], of: classifier, work: work, evaluations: 0)
      var way = GuidedWay(
        from: start.scalars.map(Double.init), to: image.input.scalars.map(Double.init),
        fraction: fraction, largestDistance: largestDistance)
      for step in 0..<steps {
        let here = Tensor(start.shape, way.place.map { Float($0) })
        way.step(step, of: steps, gradient: try gradient(here)[0].scalars.map(Double.init))
      }
      let map = (0..<image.area).map { p in
        (p * image.channels..<(p + 1) * image.channels).reduce(0) { $0 + way.sums[$1] }
      }
      return Attribution(
        target: target, values: image.map(map), evaluations: steps + 2,
        completenessGap: ends[1][t] - ends[0][t] - map.reduce(0, +), baseValue: ends[0][t],
        explainedValue: ends[1][t])
    }
  }
}

/// The way of ``GuidedIG`` from one point to another.
private struct GuidedWay {
  /// Below this difference two lengths are the same, relative to the larger, or as they are.
  private static let tolerance = 1e-9

  private let start: [Double]
  private let end: [Double]
  private let fraction: Double
  private let largestDistance: Double
  private let length: Double
  /// Where the way is.
  private(set) var place: [Double]
  /// What every number has contributed so far.
  private(set) var sums: [Double]

  init(from start: [Double], to end: [Double], fraction: Double, largestDistance: Double) {
    (self.start, self.end) = (start, end)
    (self.fraction, self.largestDistance) = (fraction, largestDistance)
    place = start
    sums = start.map { _ in 0 }
    length = zip(start, end).reduce(0) { $0 + abs($1.0 - $1.1) }
  }

  /// Goes a step on.
  mutating func step(_ number: Int, of steps: Int, gradient: [Double]) {
    guard length > 0 else { return }
    let share = Double(number + 1) / Double(steps)
    let (least, most) = (max(share - largestDistance, 0), min(share + largestDistance, 1))
    func point(_ i: Int, _ share: Double) -> Double { start[i] + (end[i] - start[i]) * share }
    let goal = length * (1 - share)
    var magnitudes = gradient.map { abs($0) }
    // Every round moves at least one number as far as it may go, or reaches the goal.
    for _ in 0...place.count {
      let before = place
      defer {
        for i in place.indices where place[i] != before[i] {
          sums[i] += (place[i] - before[i]) * gradient[i]
        }
      }
      for i in place.indices where end[i] != start[i] {
        if (place[i] - start[i]) / (end[i] - start[i]) < least { place[i] = point(i, least) }
      }
      let current = zip(place, end).reduce(0) { $0 + abs($1.0 - $1.1) }
      let difference = abs(goal - current)
      if difference <= max(Self.tolerance * max(goal, current), Self.tolerance) { return }
      for i in place.indices where place[i] == point(i, most) { magnitudes[i] = .infinity }
      let limit = magnitudes.element(ofRank: Int(fraction * Double(magnitudes.count - 1)))
      let chosen = place.indices.filter { magnitudes[$0] <= limit && magnitudes[$0] < .infinity }
      let room = chosen.reduce(0) { $0 + abs(place[$1] - point($1, most)) }
      let ratio = room > 0 ? (current - goal) / room : .infinity
      for i in chosen {
        place[i] = ratio > 1 ? point(i, most) : place[i] + (point(i, most) - place[i]) * ratio
      }
      if ratio <= 1 || chosen.isEmpty { return }
    }
  }
}

extension [Double] {
  /// The element that has a place in ascending order.
  fileprivate func element(ofRank rank: Int) -> Double {
    var numbers = self
    var (low, high) = (0, numbers.count - 1)
    while low < high {
      let pivot = numbers[(low + high) / 2]
      var (i, j) = (low, high)
      while i <= j {
        while numbers[i] < pivot { i += 1 }
        while numbers[j] > pivot { j -= 1 }
        if i <= j {
          numbers.swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if rank <= j { high = j } else if rank >= i { low = i } else { break }
    }
    return numbers[rank]
  }
}
