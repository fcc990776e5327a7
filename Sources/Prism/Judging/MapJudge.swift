internal import PrismRuntime

/// The measures of faithfulness of maps of one picture.
struct MapJudge {
  /// The points of the curves of insertion and deletion, but for the first.
  static let points = 50
  /// The same where many pictures are judged.
  static let fewPoints = 20
  /// The squares of infidelity: how many, and their side relative to the picture's shorter one.
  static let squares = (count: 100, share: 5)

  let image: ExplainedImage
  private(set) var classifier: any DifferentiableClassifier
  private let labels: Int
  let output: ExplainedOutput
  /// Selects the squares of infidelity.
  private let seed: UInt64
  let work: Work

  init(
    image: ExplainedImage, classifier: any DifferentiableClassifier, labels: Int,
    output: ModelCard.Output, seed: UInt64 = 0, work: Work
  ) {
    self.seed = seed
    self.image = image
    self.classifier = classifier
    self.labels = labels
    self.work = work
    self.output = if case .softmax = output { .softmax } else { .sigmoid }
  }

  /// The area under the curve of insertion or deletion.
  func area(
    _ direction: RemovalCurve.Direction, of map: Tensor, target: Int, points: Int
  ) throws -> Double {
    let step = max(1, (map.count + points - 1) / points)
    return try RemovalCurve(direction, step: step, output: output)(
      map, target: target, image: image, of: classifier, work: work
    ).area
  }

  /// What the removal of squares does to a logit.
  func removals(target: Int) throws -> Infidelity.Removals {
    let (height, width) = (image.input.shape[1], image.input.shape[2])
    return try Infidelity(
      samples: Self.squares.count, side: max(1, min(height, width) / Self.squares.share),
      isScaled: true, seed: seed
    ).removals(target: target, image: image, of: classifier, work: work)
  }

  /// The infidelity of a map, relative to that of a map that predicts nothing.
  func infidelity(of map: Tensor, by removals: Infidelity.Removals) -> Double? {
    let nothing = removals.errorOfNothing
    return nothing > 0 ? removals.error(of: map) / nothing : nil
  }

  /// Judges the maps of one label, or of a contrast, as comparisons show them.
  func judge(
    _ explanations: [Explanation], truth: Tensor?
  ) throws -> [Comparison.Judgement] {
    guard let entry = explanations.first?.target else { return [] }
    var judge = self
    judge.classifier = classifier.contrasting([entry].contrasts)
    return try judge.judge(
      explanations, target: [entry].outputs(labels: labels)[0], truth: truth)
  }

  private func judge(
    _ explanations: [Explanation], target: Int, truth: Tensor?
  ) throws -> [Comparison.Judgement] {
    let removals = try removals(target: target)
    return try explanations.map { explanation in
      let map = explanation.values
      guard map.isFinite else { throw ExplanationError.notFinite(layer: "the map") }
      let curves = try RemovalCurve.Direction.allCases.map {
        try area($0, of: map, target: target, points: Self.points)
      }
      return Comparison.Judgement(
        deletion: curves[0], insertion: curves[1], infidelity: infidelity(of: map, by: removals),
        sparseness: map.giniSparseness,
        localization: try truth.map { try Localization(of: map, in: $0) })
    }
  }
}
