public import PrismRuntime
internal import PrismTensor

/// How much an explanation depends on the seed of its draws.
///
/// The map is made with some seeds; the stability is the mean of Spearman's rank correlation over
/// all pairs of maps, 1 for methods that draw nothing.
public struct SeedStability: Sendable, Equatable, Codable {
  /// The number of seeds: 0, 1, 2 and so on.
  public let seeds: Int

  /// Makes the metric.
  public init(seeds: Int = 3) {
    self.seeds = seeds
  }

  /// Judges a method on one image.
  ///
  /// - Parameters:
  ///   - targets: The logits to explain.
  ///   - image: The image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  ///   - explainer: The method with a seed.
  /// - Returns: One number a target; `nil` where a map is constant.
  /// - Throws: ``ExplanationError``, and what the method throws.
  public func callAsFunction(
    targets: [Int], image: ExplainedImage, of classifier: any DifferentiableClassifier,
    work: Work = .unwatched,
    _ explainer: (_ seed: UInt64) -> any Explainer
  ) throws -> [Double?] {
    guard seeds >= 2 else {
      throw ExplanationError.parameter("the number of seeds", "must be at least 2")
    }
    let maps = try (0..<seeds).map {
      try explainer(UInt64($0)).explain(
        image, targets: targets, of: classifier, work: work)
    }
    return try targets.indices.map { t in
      var correlations: [Double?] = []
      for a in 0..<seeds {
        for b in 0..<a {
          correlations.append(
            try Agreement(of: maps[a][t].values, and: maps[b][t].values).rankCorrelation)
        }
      }
      let known = correlations.compactMap { $0 }
      return known.count == correlations.count
        ? known.reduce(0, +) / Double(known.count) : nil
    }
  }

  /// Judges a method by its name and settings, whose seed is replaced.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - settings: What the user chose.
  ///   - targets: The logits to explain.
  ///   - image: The image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  /// - Returns: One number a target; `nil` where a map is constant; 1 without a run for methods
  ///   that draw nothing.
  /// - Throws: ``ExplanationError``, and what the method throws.
  public func callAsFunction(
    _ method: ExplanationMethod, settings: ExplanationMethod.Settings, targets: [Int],
    image: ExplainedImage, of classifier: any DifferentiableClassifier, work: Work = .unwatched
  ) throws -> [Double?] {
    guard method.choices.contains(.seed) else { return targets.map { _ in 1 } }
    return try self(targets: targets, image: image, of: classifier, work: work) { seed in
      var settings = settings
      settings.seed = seed
      return method.explainer(settings)
    }
  }
}
