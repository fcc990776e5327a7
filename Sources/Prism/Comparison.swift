public import PrismRuntime

/// Several methods on one picture, side by side: their maps, how far they agree, and how faithful
/// each is.
public struct Comparison: Sendable, Equatable, Codable {
  /// How faithful one map is to the model.
  public struct Judgement: Sendable, Equatable, Codable {
    /// The area under the probability while pixels are taken away, the largest attribution first;
    /// small is good.
    public let deletion: Double
    /// The area under the probability while pixels are brought in, the largest attribution first;
    /// large is good.
    public let insertion: Double
    /// How far the map, scaled to predict best, is from predicting what the removal of squares does
    /// to the logit, relative to predicting nothing; 0 is perfect, 1 is worthless.
    public let infidelity: Double?
    /// How few pixels hold the map's magnitude: the Gini index, from 0 to 1.
    public let sparseness: Double?
    /// How well the map finds the region that the user knows to be right, where one was given.
    public let localization: Localization?
    /// How much the map changes when the picture hardly does, relative to the map, where asked for;
    /// small is good.
    public var sensitivity: Double?
    /// How much maps of several seeds agree, the mean rank correlation, where asked for; 1 for
    /// methods that draw nothing.
    public var stability: Double?
  }

  /// The explained picture.
  public let image: Image
  /// What the model says about it.
  public let prediction: Prediction
  /// The explanations, `[method][target]`.
  public let explanations: [[Explanation]]
  /// How faithful they are, `[method][target]`; empty where nobody judged.
  public let judgements: [[Judgement]]
  /// How far the maps of two methods agree, `[target][method][method]`; empty where nobody judged.
  public let agreements: [[[Agreement]]]
  /// How the methods stand the randomisation of the network, where asked for: one entry a method,
  /// for the first target; `nil` for a map that is constant.
  public let sanity: [ParameterRandomization.Result?]?

  /// Lays explanations side by side with their judgements.
  ///
  /// - Parameters:
  ///   - image: The explained picture.
  ///   - prediction: What the model says about it.
  ///   - explanations: The explanations, `[method][target]`.
  ///   - judgements: How faithful they are, `[method][target]`, or nothing.
  ///   - agreements: How far they agree, `[target][method][method]`, or nothing.
  ///   - sanity: How the methods stand the randomisation of the network, where tested.
  public init(
    image: Image, prediction: Prediction, explanations: [[Explanation]],
    judgements: [[Judgement]], agreements: [[[Agreement]]],
    sanity: [ParameterRandomization.Result?]?
  ) {
    self.image = image
    self.prediction = prediction
    self.explanations = explanations
    self.judgements = judgements
    self.agreements = agreements
    self.sanity = sanity
  }

  /// Lays explanations side by side without a judgement.
  ///
  /// - Parameters:
  ///   - image: The explained picture.
  ///   - prediction: What the model says about it.
  ///   - explanations: The explanations, `[method][target]`.
  public init(image: Image, prediction: Prediction, explanations: [[Explanation]]) {
    self.init(
      image: image, prediction: prediction, explanations: explanations, judgements: [],
      agreements: [], sanity: nil)
  }

  /// The explained labels.
  public var targets: [Prediction.Entry] { explanations.first?.map(\.target) ?? [] }
}

extension Model {
  /// Explains labels of a picture by several methods and judges the maps.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainers: The methods.
  ///   - targets: The labels, from a ``Prediction`` of the same picture; at least one.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - truth: The region that is known to be right, not zero inside, `[H, W]` at the size of the
  ///     network's input.
  ///   - sanity: The test by randomised layers, where wanted; it runs every method once a stage.
  ///   - work: What the evaluations are reported to.
  /// - Returns: Everything that is known about the maps.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func compare(
    _ image: Image, with explainers: [any Explainer], targets: [Prediction.Entry],
    batch: Int? = nil, truth: Tensor? = nil, sanity: ParameterRandomization? = nil,
    work: Work = .unwatched
  ) throws -> Comparison {
    var seen = explained(image)
    let prediction = try predict(&seen)
    let explained = seen
    let explanations = try explainers.map {
      try explain(explained, with: $0, targets: targets, batch: batch, work: work)
    }
    let judged = try judge(
      explanations, of: explained, truths: targets.map { _ in truth }, batch: batch, work: work)
    var results: [ParameterRandomization.Result?]?
    if let sanity, let target = targets.first {
      results = try check(explainers, on: explained, target: target, by: sanity, work: work)
    }
    return Comparison(
      image: image, prediction: prediction, explanations: explanations,
      judgements: judged.judgements, agreements: judged.agreements, sanity: results)
  }

  /// Judges maps of one picture.
  ///
  /// - Parameters:
  ///   - explanations: The maps, `[method][target]`, every method with the same targets.
  ///   - image: What they explain.
  ///   - truths: For every target the region that is known to be right, not zero inside, `[H, W]`,
  ///     or `nil`.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - work: What the evaluations are reported to.
  /// - Returns: The judgements `[method][target]`, and how far the maps agree
  ///   `[target][method][method]`.
  /// - Throws: `ExplanationError`; `CancellationError` in a cancelled task.
  public func judge(
    _ explanations: [[Explanation]], of image: ExplainedImage, truths: [Tensor?],
    batch: Int? = nil, work: Work = .unwatched
  ) throws -> (judgements: [[Comparison.Judgement]], agreements: [[[Agreement]]]) {
    let targets = explanations.first?.indices ?? 0..<0
    let judge = MapJudge(
      image: image, classifier: classifier(batch: batch), labels: labels.count,
      output: card.output, work: work)
    let judged = try targets.map { t in
      try judge.judge(
        explanations.map { $0[t] }, truth: truths.indices.contains(t) ? truths[t] : nil)
    }
    let agreements = try targets.map { t in
      try explanations.map { first in
        try explanations.map { try Agreement(of: first[t].values, and: $0[t].values) }
      }
    }
    return (explanations.indices.map { m in targets.map { judged[$0][m] } }, agreements)
  }

  /// How much a method's maps change when the picture hardly does.
  ///
  /// - Parameters:
  ///   - explainer: The method.
  ///   - image: The picture.
  ///   - targets: The labels.
  ///   - test: The noise.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - work: What the evaluations are reported to.
  /// - Returns: One number a target; `nil` where the map is zero.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func sensitivity(
    of explainer: any Explainer, on image: ExplainedImage, targets: [Prediction.Entry],
    by test: MaximumSensitivity = MaximumSensitivity(), batch: Int? = nil, work: Work = .unwatched
  ) throws -> [Double?] {
    try namingLayers {
      try test(
        explainer, targets: targets.outputs(labels: labels.count), image: image,
        of: classifier(batch: batch).contrasting(targets.contrasts), work: work)
    }
  }

  /// How much a method's maps depend on the seed of its draws.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - targets: The labels.
  ///   - test: The number of seeds.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - work: What the evaluations are reported to.
  ///   - explainer: The method with a seed.
  /// - Returns: One number a target; `nil` where a map is constant.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func stability(
    on image: ExplainedImage, targets: [Prediction.Entry], by test: SeedStability = SeedStability(),
    batch: Int? = nil, work: Work = .unwatched, of explainer: (_ seed: UInt64) -> any Explainer
  ) throws -> [Double?] {
    try namingLayers {
      try test(
        targets: targets.outputs(labels: labels.count), image: image,
        of: classifier(batch: batch).contrasting(targets.contrasts), work: work, explainer)
    }
  }
}

extension Model {
  /// Checks whether methods' maps depend on what the network has learnt.
  ///
  /// - Parameters:
  ///   - explainers: The methods.
  ///   - image: The picture.
  ///   - target: The label that is explained.
  ///   - test: The test by randomised layers; the model itself is not changed.
  ///   - work: What the evaluations are reported to.
  /// - Returns: One result a method; `nil` for one whose map is constant.
  /// - Throws: ``ModelError``, `ExplanationError`.
  public func check(
    _ explainers: [any Explainer], on image: Image, target: Prediction.Entry,
    by test: ParameterRandomization, work: Work = .unwatched
  ) throws -> [ParameterRandomization.Result?] {
    try check(explainers, on: explained(image), target: target, by: test, work: work)
  }

  /// Checks whether methods' maps of a picture that ``explained(_:)-(Image)`` has made ready depend
  /// on what the network has learnt.
  ///
  /// - Throws: ``ModelError``, `ExplanationError`.
  public func check(
    _ explainers: [any Explainer], on image: ExplainedImage, target: Prediction.Entry,
    by test: ParameterRandomization, work: Work = .unwatched
  ) throws -> [ParameterRandomization.Result?] {
    try namingLayers {
      try test(
        explainers, target: [target].outputs(labels: labels.count)[0], image: image,
        of: classifier, contrasts: [target].contrasts, work: work)
    }
  }
}
