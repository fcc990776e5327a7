public import PrismRuntime
public import PrismTensor

/// Measures the maps that methods make of one picture, or of a window of a sound.
public struct PictureJudge {
  /// How far beside the right region the pointing game still counts, of the shorter side.
  public static let pointingMargin = 0.03

  private let model: Model
  private let image: ExplainedImage
  private let truths: [Tensor?]
  private let tests: Set<MapTest>
  private let seed: UInt64
  private let batch: Int?
  private let work: Work
  private var removals: [Int: Infidelity.Removals] = [:]

  /// Makes a judge.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - image: The picture, as ``Model/explained(_:)-(Image)`` makes it ready.
  ///   - truths: For every label that is explained the region that is right, not zero inside,
  ///     `[H, W]` at the size of the network's input, or `nil`.
  ///   - tests: What is measured beside what costs nothing.
  ///   - seed: Selects all draws of the tests.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - work: What the evaluations are reported to.
  public init(
    _ model: Model, image: ExplainedImage, truths: [Tensor?], tests: Set<MapTest>,
    seed: UInt64 = 0, batch: Int? = nil, work: Work = .unwatched
  ) {
    self.model = model
    self.image = image
    self.truths = truths
    self.tests = tests
    self.seed = seed
    self.batch = batch
    self.work = work
  }

  /// Measures the maps of a method.
  ///
  /// - Parameters:
  ///   - explanations: One a label, in the order of the truths.
  ///   - method: The method that made them.
  /// - Returns: The measures of every map; those that are not defined for it are missing.
  /// - Throws: `ExplanationError`; `CancellationError` in a cancelled task.
  public mutating func measures(
    of explanations: [Explanation], by method: JudgedMethod
  ) throws -> [[MapMeasure: Double]] {
    var measures: [[MapMeasure: Double]] = []
    for (number, explanation) in explanations.enumerated() {
      guard explanation.values.isFinite else { throw ExplanationError.notFinite(layer: "the map") }
      var values = Self.free(explanation)
      if truths.indices.contains(number), let truth = truths[number] {
        values.merge(try Self.localization(of: explanation.values, in: truth)) { $1 }
      }
      values.merge(try faithfulness(of: explanation)) { $1 }
      measures.append(values)
    }
    let targets = explanations.map(\.target)
    func add(_ measure: MapMeasure, _ found: [Double?]) {
      for (number, value) in found.enumerated() { measures[number][measure] = value }
    }
    if tests.contains(.sensitivity) {
      add(
        .sensitivity,
        try model.sensitivity(
          of: method.explainer, on: image, targets: targets, by: MaximumSensitivity(seed: seed),
          batch: batch, work: work))
    }
    if tests.contains(.randomization) {
      add(
        .randomization,
        try targets.map {
          try model.check(
            [method.explainer], on: image, target: $0, by: ParameterRandomization(seed: seed),
            work: work)[0]?.mean
        })
    }
    if tests.contains(.stability) {
      add(
        .stability,
        try method.seeded.map {
          try model.stability(on: image, targets: targets, batch: batch, work: work, of: $0)
        } ?? targets.map { _ in 1 })
    }
    return measures
  }

  /// What a map says of itself.
  private static func free(_ explanation: Explanation) -> [MapMeasure: Double] {
    let attribution = explanation.attribution
    var values: [MapMeasure: Double] = [.seconds: explanation.seconds]
    values[.sparseness] = attribution.values.giniSparseness
    if let gap = attribution.completenessGap, let sum = attribution.sum {
      // What is explained is the sum and what is missing of it.
      let explained = abs(sum + gap)
      values[.completeness] = explained > 0 ? abs(gap) / explained : nil
    }
    return values
  }

  /// How well a map finds a region; one that is the same everywhere points nowhere.
  private static func localization(
    of map: Tensor, in truth: Tensor
  ) throws -> [MapMeasure: Double] {
    let isConstant = map.minimum == map.maximum
    let shorter = min(map.shape[0], map.shape[1])
    let exact = try Localization(of: map, in: truth)
    let near = try Localization(
      of: map, in: truth, margin: Int((Self.pointingMargin * Double(shorter)).rounded()))
    return [
      .hit: isConstant ? 0 : exact.hitShare, .pointing: isConstant ? 0 : near.hitShare,
      .inside: exact.massInside ?? 0,
      .iou: try Overlap(of: map, in: truth).intersectionOverUnion,
    ]
  }

  private mutating func faithfulness(
    of explanation: Explanation
  ) throws -> [MapMeasure: Double] {
    let judge = MapJudge(
      image: image, classifier: model.classifier(batch: batch), labels: model.labels.count,
      output: model.card.output, seed: seed, work: work)
    let (map, target) = (explanation.values, explanation.target.index)
    var values: [MapMeasure: Double] = [:]
    if tests.contains(.curves) {
      let (insertion, deletion) = (
        try judge.area(.insertion, of: map, target: target, points: MapJudge.fewPoints),
        try judge.area(.deletion, of: map, target: target, points: MapJudge.fewPoints)
      )
      values[.insertion] = insertion
      values[.deletion] = deletion
      values[.difference] = insertion - deletion
    }
    if tests.contains(.road) {
      let road = try RemoveAndDebias(output: judge.output, seed: seed)(
        map, target: target, image: image, of: judge.classifier, work: work)
      values[.roadLeast] = road.leastRelevantFirst
      values[.roadMost] = road.mostRelevantFirst
      values[.road] = road.combined
    }
    if tests.contains(.infidelity) {
      let known = try removals[target] ?? judge.removals(target: target)
      removals[target] = known
      values[.infidelity] = judge.infidelity(of: map, by: known)
    }
    return values
  }
}
