public import PrismRuntime
internal import PrismTensor

/// Shapley values of segments, by weighted regression over samples in which segments are on or off.
///
/// A subset of i of the M segments has the weight `(M − 1) / (C(M, i) · i · (M − i))`; the
/// regression is forced through the masked and the whole image, so that base value plus sum is the
/// output exactly. With samples for all 2ᴹ − 2 subsets the values are exact. No segment is dropped
/// (shap keeps ten).
///
/// With ``Draws/stratified``, unless told otherwise, the Shapley value, which is a sum over all
/// subsets, is estimated from few of them; so the definition is kept. The standard error of every
/// number says how far another seed's result would be; of trained networks about half of the
/// package's samples are as certain. Definitions: Lundberg and Lee, "A Unified Approach to
/// Interpreting Model Predictions", NeurIPS 2017; the solution with its constraint and the paired
/// draws: Covert and Lee, "Improving KernelSHAP", AISTATS 2021.
public struct KernelSHAP: BlackBoxExplainer {
  /// Which subsets are evaluated.
  public enum Draws: String, Sendable, CaseIterable, Codable {
    /// Sizes of subsets in turn as often as they deserve, each subset with its complement and none
    /// twice, and a guess of the output at all others. With more than 500 segments or 131072
    /// samples they are ``weighted``.
    case stratified
    /// Sizes are taken in full from both ends as long as the samples suffice, as in the package
    /// shap; the rest is drawn by weight, each subset with its complement.
    case weighted
  }

  /// The method's name on the command line.
  public let name = "kernelshap"
  /// The method's name as it is written in texts.
  public let title = "KernelSHAP"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.segments, .baseline], unit: .explained, cost: "one forward pass a sample, and two",
    paper: "Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017")
  /// The number of samples, or the limit where ``stopping`` is given; `nil` for 2 M + 2048, the
  /// package shap's, or for M + 1024 where draws are ``Draws/stratified``.
  public let samples: Int?
  /// How the image is divided.
  public let segmenter: Segmenter
  /// What masks the segments that are off.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput
  /// Which subsets are evaluated.
  public let draws: Draws
  /// The seed of the draws.
  public let seed: UInt64
  /// When to stop before all samples are drawn.
  public let stopping: StoppingRule?

  /// Makes the method.
  public init(
    samples: Int? = nil, segmenter: Segmenter = .quickshift(), masker: Masker = .segmentMean,
    output: ExplainedOutput = .logit, draws: Draws = .stratified, seed: UInt64 = 0,
    stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.segmenter = segmenter
    self.masker = masker
    self.output = output
    self.draws = draws
    self.seed = seed
    self.stopping = stopping
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      samples.map { .integer("samples", $0) }
        ?? .text("samples", draws == .stratified ? "M+1024" : "2M+2048"),
      .text("segments", segmenter.description), .text("mask", masker.description),
      .text("output", output.rawValue), .text("draws", draws.rawValue), .seed(seed),
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
      throw ExplanationError.parameter(
        "the number of samples",
        "must be at least 2, beside those of the whole and the masked image")
    }
    let evaluator = Evaluator(classifier, targets: targets, output: output, work: work)
    let search = try SurrogateSearch(
      image, segmenter: segmenter, masker: masker, stopping: stopping, evaluator: evaluator)
    let d = search.segmentation.count
    // The masked and the whole image, which the fit goes through, are two more.
    // Where all coalitions are evaluated, they can be told apart.
    let isEstimated =
      draws == .stratified && SizedDraws.suffice(segments: d, samples: samples ?? 0)
    if let samples, d >= 63 || samples < (1 << d) - 2 {
      // A sample and its complement tell the same of the segments, but for one number.
      try search.check(samples: isEstimated ? samples : samples / 2 - 1, fixed: 2)
      try search.checkMemory(samples: samples)
    }
    let samples = samples ?? (isEstimated ? d + 1024 : 2 * d + 2048)
    return isEstimated
      ? try estimated(search, samples: samples, targets: targets, work: work)
      : try fitted(search, samples: samples, evaluator)
  }

  /// The values by a sum over all subsets.
  private func estimated(
    _ search: SurrogateSearch, samples: Int, targets: [Int], work: Work
  ) throws -> [Attribution] {
    let fit = try SizedFit(
      .shapley(segments: search.segmentation.count), samples: samples + 2, seed: seed, work: work)
    let limit = fit.draws.coalitions.count
    work.plan(limit)
    let found = try search.run(fit.draws.coalitions, looks: stopping.looks(limit: limit)) {
      count, scores in
      try fit(count, scores: scores, targets: targets.count, isForced: true, work: work)
    }
    return targets.indices.map { t in
      // The first two samples are the whole and the masked image.
      let (whole, base) = (found.scores[t], found.scores[targets.count + t])
      return found.attribution(
        t, evaluations: found.taken,
        completenessGap: whole - base - found.fit.values[t].reduce(0, +),
        baseValue: base, explainedValue: whole)
    }
  }

  /// The values by a regression over the samples.
  private func fitted(
    _ search: SurrogateSearch, samples: Int, _ evaluator: Evaluator
  ) throws -> [Attribution] {
    let (d, targets, work) = (search.segmentation.count, evaluator.targets, evaluator.work)
    let design = try CoalitionDesign(segments: d, samples: samples, seed: seed, work: work)
    let limit = design.coalitions.count
    work.plan(limit + 2)
    var ends = Coalitions(segments: d)
    ends.append { _ in false }
    ends.append { _ in true }
    let values = try evaluator(search.images(ends))
    let (base, whole) = (Array(values[..<targets.count]), Array(values[targets.count...]))
    let looks = stopping.looks(limit: limit, first: design.enumerated + StoppingRule.firstLook)
    let found = try search.run(design.coalitions, looks: looks) { count, scores in
      try Self.fit(
        design.prefix(count), scores: scores, base: base, whole: whole, work: work)
    }
    return targets.indices.map { t in
      found.attribution(
        t, evaluations: found.taken + 2,
        completenessGap: whole[t] - base[t] - found.fit.values[t].reduce(0, +),
        baseValue: base[t], explainedValue: whole[t],
        notes: draws == .stratified ? [SizedDraws.note(segments: d, samples: limit)] : [])
    }
  }

  /// `min Σ w (y − base − xᵀφ)²` with `Σ φ = whole − base`, by Lagrange's multiplier.
  static func fit(
    _ design: CoalitionDesign, scores: [Double], base: [Double], whole: [Double], work: Work
  ) throws -> SurrogateFit {
    let samples = WeightedCoalitions(design.coalitions, weights: design.weights)
    let (n, d, targets) = (samples.coalitions.count, samples.coalitions.segments, base.count)
    guard let factor = try Cholesky(try samples.moments(work: work).products, size: d) else {
      throw ExplanationError.tooFewSamples(n, segments: d)
    }
    let ones = try factor.solve([Double](repeating: 1, count: d))
    let sum = ones.reduce(0, +)
    let free = try factor.solve(samples.products(with: scores, less: base))
    let values = (0..<targets).map { t in
      let phi = free[t * d..<(t + 1) * d]
      let excess = (phi.reduce(0, +) - (whole[t] - base[t])) / sum
      return zip(phi, ones).map { $0 - excess * $1 }
    }
    let means = (0..<targets).map { t in
      (0..<n).reduce(0) { $0 + design.weights[$1] * scores[$1 * targets + t] }
    }
    var fit = SurrogateFit(
      of: samples, scores: scores, values: values, intercepts: base, centres: means)
    guard design.enumerated < n else {
      let none = [Double](repeating: 0, count: d)
      fit.standardErrors = values.map { _ in none }
      return fit
    }
    let inverse = try factor.inverse()
    fit.standardErrors = try samples.sandwich(
      fit.residuals, from: design.enumerated, isPaired: true, targets: targets,
      parameters: design.enumerated == 0 ? d - 1 : 0, work: work
    ) { on in
      let shift = on.reduce(0) { $0 + ones[$1] } / sum
      return (0..<d).map { i in on.reduce(-ones[i] * shift) { $0 + inverse[i * d + $1] } }
    }
    return fit
  }
}
