public import PrismRuntime
internal import PrismTensor

/// A linear model of the output in the neighbourhood of the image, whose features are segments
/// being on or off.
///
/// Sample 0 has all segments on; the others have each on or off with equal chance, and what is off
/// is masked (by the segment's mean). A sample with the share s of its segments on weighs
/// `exp(−(1 − √s)² / (2 · width²))`: the root of an exponential kernel on the cosine distance to
/// sample 0. A ridge regression (penalty 1, the intercept free) over the weighted samples gives
/// every segment's number; the score is its weighted R². All numbers are the defaults of the
/// package lime 0.2.0.1. Definition: Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD
/// 2016.
///
/// What the regression comes to with ever more samples is a sum over all subsets of the segments.
/// With ``Draws/stratified``, unless told otherwise, that sum is estimated from few of them; so the
/// definition is kept. The penalty, which has no weight there, is left out. The standard error of
/// every number says how far another seed's result would be; of trained networks about half of the
/// package's 1000 samples are as certain.
public struct LIME: BlackBoxExplainer {
  /// Where the bits come from.
  public enum Draws: String, Sendable, CaseIterable, Codable {
    /// Sizes of subsets in turn as often as they deserve, each subset with its complement, and a
    /// guess of the output at all others. With more than 500 segments or 131072 samples they are
    /// ``paired``.
    case stratified
    /// Every second sample complements the one before.
    case paired
    /// Every sample for itself.
    case independent
    /// Those of the package lime with the seed as `random_seed`, number for number.
    case lime
  }

  /// The method's name on the command line.
  public let name = "lime"
  /// The method's name as it is written in texts.
  public let title = "LIME"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.segments, .baseline], unit: .explained, cost: "one forward pass a sample",
    paper: "Ribeiro, Singh and Guestrin, Why Should I Trust You?, KDD 2016")
  /// The number of samples, or the limit where ``stopping`` is given.
  public let samples: Int?
  /// How the image is divided.
  public let segmenter: Segmenter
  /// What masks the segments that are off.
  public let masker: Masker
  /// The width of the kernel.
  public let kernelWidth: Double
  /// The penalty of the ridge regression; of no weight with ``Draws/stratified``.
  public let ridge: Double
  /// The number that is explained.
  public let output: ExplainedOutput
  /// Where the bits come from.
  public let draws: Draws
  /// The seed of the bits.
  public let seed: UInt64
  /// When to stop before all samples are drawn.
  public let stopping: StoppingRule?

  /// The samples of the package lime, and those that are as certain.
  static let (publishedSamples, usualSamples) = (1000, 500)

  /// Makes the method; the defaults are those of the package lime, but for the draws.
  public init(
    samples: Int? = nil, segmenter: Segmenter = .quickshift(), masker: Masker = .segmentMean,
    kernelWidth: Double = 0.25, ridge: Double = 1, output: ExplainedOutput = .logit,
    draws: Draws = .stratified, seed: UInt64 = 0, stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.segmenter = segmenter
    self.masker = masker
    self.kernelWidth = kernelWidth
    self.ridge = ridge
    self.output = output
    self.draws = draws
    self.seed = seed
    self.stopping = stopping
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer(
        "samples",
        samples ?? (draws == .stratified ? Self.usualSamples : Self.publishedSamples)),
      .text("segments", segmenter.description),
      .text("mask", masker.description), .number("kernelWidth", kernelWidth),
      .number("ridge", ridge), .text("output", output.rawValue), .text("draws", draws.rawValue),
      .seed(seed),
    ] + stopping.parameters
  }

  /// Explains predictions for one image: one set of samples and one factorisation for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    guard samples ?? 2 >= 2 else {
      throw ExplanationError.parameter("the number of samples", "must be at least 2")
    }
    guard kernelWidth > 0, ridge >= 0, ridge.isFinite else {
      throw ExplanationError.parameter(
        "the kernel width", "must be above 0, and the ridge not negative")
    }
    let search = try SurrogateSearch(
      image, segmenter: segmenter, masker: masker, stopping: stopping,
      evaluator: Evaluator(classifier, targets: targets, output: output, work: work))
    let d = search.segmentation.count
    let functional =
      draws == .stratified && SizedDraws.suffice(segments: d, samples: samples ?? 0)
      ? SizedFunctional.regression(segments: d) { weight(on: $0, of: d) } : nil
    let isEstimated = functional?.isDefined ?? false
    let samples = samples ?? (isEstimated ? Self.usualSamples : Self.publishedSamples)
    try search.check(samples: samples)
    let found = try run(
      search, samples: samples, for: isEstimated ? functional : nil, targets: targets.count,
      work: work)
    let fallback =
      draws == .stratified && !isEstimated
      ? [SizedDraws.note(segments: d, samples: samples, isDefined: functional?.isDefined ?? true)]
      : []
    return targets.indices.map { t in
      found.attribution(
        t, evaluations: found.taken, baseValue: found.fit.intercepts[t],
        // Sample 0 is the whole image.
        explainedValue: found.scores[t],
        notes: fallback
          + (found.fit.isConstant[t] ? ["blank map: the output is the same for all samples"] : []))
    }
  }

  /// Evaluates samples and fits a model to them.
  private func run(
    _ search: SurrogateSearch, samples: Int, for functional: SizedFunctional?, targets: Int,
    work: Work
  ) throws -> SurrogateSearch.Found {
    let d = search.segmentation.count
    if let functional {
      let fit = try SizedFit(functional, samples: samples, seed: seed, work: work)
      let limit = fit.draws.coalitions.count
      work.plan(limit)
      return try search.run(fit.draws.coalitions, looks: stopping.looks(limit: limit)) {
        count, scores in
        try fit(count, scores: scores, targets: targets, isForced: false, work: work)
      }
    }
    let coalitions = try draw(d, samples: samples, work: work)
    work.plan(samples)
    return try search.run(coalitions, looks: stopping.looks(limit: samples)) { count, scores in
      try fit(coalitions.prefix(count), scores: scores, targets: targets, work: work)
    }
  }

  /// The weight of a sample with some of the segments on.
  private func weight(on count: Int, of segments: Int) -> Double {
    let distance = 1 - (Double(count) / Double(segments)).squareRoot()
    return exponential(-distance * distance / (2 * kernelWidth * kernelWidth))
  }

  /// The samples' bits.
  func draw(_ segments: Int, samples: Int, work: Work = .unwatched) throws -> Coalitions {
    var coalitions = Coalitions(segments: segments)
    if draws == .lime {
      guard let seed = UInt32(exactly: seed) else {
        throw ExplanationError.parameter(
          "the seed", "must be below 4294967296 to reproduce the package lime")
      }
      var random = MersenneTwister(seed: seed)
      for sample in 0..<samples {
        if sample.isMultiple(of: 1024) { try work.check() }
        coalitions.append { _ in random.next() & 1 == 1 || sample == 0 }
      }
      return coalitions
    }
    coalitions.append { _ in true }
    while coalitions.count < samples {
      if coalitions.count.isMultiple(of: 1024) { try work.check() }
      if draws != .independent, coalitions.count % 2 == 0 {
        coalitions.appendComplement()
      } else {
        var random = SeededRandom(seed: seed, sample: coalitions.count)
        var word: UInt64 = 0
        coalitions.append { j in
          if j % 64 == 0 { word = random.next() }
          return word >> UInt64(j % 64) & 1 == 1
        }
      }
    }
    return coalitions
  }

  /// The ridge regression in closed form: with weighted centring, `β = (Xᵀ W X + α I)⁻¹ Xᵀ W y`.
  func fit(
    _ coalitions: Coalitions, scores: [Double], targets: Int, work: Work
  ) throws -> SurrogateFit {
    let (n, d) = (coalitions.count, coalitions.segments)
    let samples = WeightedCoalitions(
      coalitions,
      weights: (0..<n).map { weight(on: coalitions.active($0).count, of: d) })
    let total = samples.weights.reduce(0, +)
    var (matrix, sums) = try samples.moments(work: work)
    let means = sums.map { $0 / total }
    for i in 0..<d {
      for j in 0..<d { matrix[i * d + j] -= total * means[i] * means[j] }
      matrix[i * d + i] += ridge
    }
    guard let factor = try Cholesky(matrix, size: d) else {
      throw ExplanationError.tooFewSamples(n, segments: d)
    }
    let centres = (0..<targets).map { t in
      // The mean of equal numbers is that number, which rounding would hide.
      let isConstant = (0..<n).allSatisfy { scores[$0 * targets + t] == scores[t] }
      return isConstant
        ? scores[t]
        : (0..<n).reduce(0) { $0 + samples.weights[$1] * scores[$1 * targets + t] } / total
    }
    // The means times Σ w (y − ȳ) = 0 need not be taken off.
    let solution = try factor.solve(samples.products(with: scores, less: centres))
    let coefficients = (0..<targets).map { Array(solution[$0 * d..<($0 + 1) * d]) }
    let intercepts = (0..<targets).map { t in
      centres[t] - zip(means, coefficients[t]).reduce(0) { $0 + $1.0 * $1.1 }
    }
    var fit = SurrogateFit(
      of: samples, scores: scores, values: coefficients, intercepts: intercepts, centres: centres)
    let inverse = try factor.inverse()
    let shift = try factor.solve(means)
    // A unit is a pair where draws are paired; sample 0 is no draw, and the last pair may be half.
    fit.standardErrors = try samples.sandwich(
      fit.residuals, from: draws == .lime ? 0 : 1,
      isPaired: draws != .independent && draws != .lime,
      targets: targets,
      parameters: d + 1, work: work
    ) { on in
      (0..<d).map { i in on.reduce(-shift[i]) { $0 + inverse[i * d + $1] } }
    }
    return fit
  }
}
