public import PrismRuntime
internal import PrismTensor

/// Shapley values of segments, by weighted regression over samples in which segments are on or off.
///
/// A subset of i of the M segments has the weight `(M − 1) / (C(M, i) · i · (M − i))`; the regression is forced through
/// the masked and the whole image, so that base value plus sum is the output exactly. Subset sizes are taken in full
/// from both ends as long as the samples suffice (as in the package shap); the rest is drawn by weight, each subset with
/// its complement. With samples for all 2ᴹ − 2 subsets the values are exact. No segment is dropped (shap keeps ten).
/// Definitions: Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017; the solution
/// with its constraint and the paired draws: Covert and Lee, "Improving KernelSHAP", AISTATS 2021.
public struct KernelSHAP: BlackBoxExplainer {
  /// The method's name on the command line.
  public let name = "kernelshap"
  /// The method's name as it is written in texts.
  public let title = "KernelSHAP"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.segments, .baseline], cost: "one forward pass a sample, and two",
    paper: "Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017")
  /// The number of samples, or the limit where ``stopping`` is given; `nil` for 2 M + 2048, the package shap's.
  public let samples: Int?
  /// How the image is divided.
  public let segmenter: Segmenter
  /// What masks the segments that are off.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput
  /// The seed of the draws.
  public let seed: UInt64
  /// When to stop before all samples are drawn.
  public let stopping: StoppingRule?

  /// Makes the method.
  public init(
    samples: Int? = nil, segmenter: Segmenter = .quickshift(), masker: Masker = .segmentMean,
    output: ExplainedOutput = .logit, seed: UInt64 = 0, stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.segmenter = segmenter
    self.masker = masker
    self.output = output
    self.seed = seed
    self.stopping = stopping
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      samples.map { .integer("samples", $0) } ?? .text("samples", "2M+2048"),
      .text("segments", segmenter.description), .text("mask", masker.description),
      .text("output", output.rawValue), .seed(seed),
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
    let segmentation = try segmenter.segments(of: image)
    let images = try SegmentedImage(image, masker: masker, segmentation: segmentation)
    let d = segmentation.count
    guard samples ?? 2 >= 2 else {
      throw ExplanationError.parameter("the number of samples", "must be at least 2")
    }
    try stopping?.check()
    let plan = Plan(segments: d, samples: samples ?? 2 * d + 2048, seed: seed)
    let evaluator = Evaluator(
      classifier, targets: targets, output: output, work: work)
    let ends = try evaluator(2) { index, target in
      images.masked.write(target) { _ in index == 1 }
    }
    let count = targets.count
    let (base, whole) = (Array(ends[..<count]), Array(ends[count...]))
    var (fit, scores, taken, isSure) = (Fit(), [Double](), 0, false)
    let limit = plan.coalitions.count
    let looks = stopping.looks(limit: limit, first: plan.enumerated + StoppingRule.firstLook)
    for look in looks {
      let start = taken
      scores += try evaluator(look - start) { index, target in
        images.write(target, plan.coalitions, sample: start + index)
      }
      taken = look
      let attempt = Result { () throws(ExplanationError) in
        try Self.fit(plan.prefix(look), scores: scores, base: base, whole: whole)
      }
      // Few samples may not tell the segments apart; more come.
      if case .failure(.tooFewSamples) = attempt, look < limit { continue }
      fit = try attempt.get()
      isSure = targets.indices.allSatisfy { t in
        stopping?.isSure(fit.values[t], errors: fit.standardErrors[t], looks: looks.count) ?? false
      }
      if isSure { break }
    }
    let notes =
      stopping.map { [$0.note(isSure: isSure, parts: "segments", taken: taken)] } ?? []
    return targets.indices.map { t in
      Attribution(
        target: targets[t], values: segmentation.map(fit.values[t]), evaluations: taken + 2,
        completenessGap: whole[t] - base[t] - fit.values[t].reduce(0, +), baseValue: base[t],
        score: fit.scores[t],
        standardError: segmentation.errorMap(fit.standardErrors[t]),
        segments: SegmentAttribution(
          segmentation: segmentation, values: fit.values[t],
          standardErrors: fit.standardErrors[t]), diagnostics: notes)
    }
  }

  /// The subsets to evaluate and their weights, which add up to 1.
  struct Plan: Sendable {
    private(set) var coalitions: Coalitions
    private(set) var weights: [Double] = []
    /// How many subsets come from sizes that were taken in full; the rest was drawn in pairs.
    private(set) var enumerated = 0

    /// The same with only the first of the drawn pairs, which share the weight of all.
    ///
    /// - Parameter count: The number of subsets that are left, no fewer than the enumerated ones.
    /// - Returns: A plan whose weights add up to 1.
    func prefix(_ count: Int) -> Plan {
      guard count < coalitions.count else { return self }
      var plan = self
      plan.coalitions = coalitions.prefix(count)
      let share = Double(coalitions.count - enumerated) / Double(max(count - enumerated, 1))
      plan.weights = weights[..<enumerated] + weights[enumerated..<count].map { $0 * share }
      return plan
    }

    init(segments d: Int, samples: Int, seed: UInt64) {
      coalitions = Coalitions(segments: d)
      // The weight of all subsets of a size, normalised.
      let sizes = (1..<d).map { Double(d - 1) / (Double($0) * Double(d - $0)) }
      let total = sizes.reduce(0, +)
      var left = 1.0
      var size = 1
      while size <= d / 2 {
        let isOwnPair = 2 * size == d
        let share = sizes[size - 1] / total * (isOwnPair ? 1 : 2)
        let subsets = Self.binomial(d, size) * (isOwnPair ? 1 : 2)
        let free = Double(samples - coalitions.count)
        guard subsets <= free, free * share / left >= subsets * (1 - 1e-8) else { break }
        enumerate(size, weight: share / subsets, withComplements: !isOwnPair)
        left -= share
        size += 1
      }
      enumerated = coalitions.count
      guard size <= d / 2 else { return }
      let drawn = max((samples - enumerated) / 2, 1)
      let open = (size...d - size).map { sizes[$0 - 1] }
      let openTotal = open.reduce(0, +)
      for pair in 0..<drawn {
        var random = SeededRandom(seed: seed, sample: pair)
        var place = Double(random.next() >> 11) * 0x1p-53 * openTotal
        var chosen = size
        for (offset, weight) in open.enumerated() {
          chosen = size + offset
          place -= weight
          if place < 0 { break }
        }
        var order = Array(0..<d)
        var isOn = [Bool](repeating: false, count: d)
        for k in 0..<chosen {
          order.swapAt(k, k + Int(random.next(upperBound: UInt64(d - k))))
          isOn[order[k]] = true
        }
        coalitions.append { isOn[$0] }
        coalitions.appendComplement()
        weights += [left / Double(2 * drawn), left / Double(2 * drawn)]
      }
    }

    private mutating func enumerate(_ size: Int, weight: Double, withComplements: Bool) {
      let d = coalitions.segments
      var chosen = Array(0..<size)
      while true {
        var isOn = [Bool](repeating: false, count: d)
        for j in chosen { isOn[j] = true }
        coalitions.append { isOn[$0] }
        weights.append(weight)
        if withComplements {
          coalitions.appendComplement()
          weights.append(weight)
        }
        guard let last = chosen.indices.last(where: { chosen[$0] < d - size + $0 }) else { return }
        chosen[last] += 1
        for k in last + 1..<max(size, last + 1) { chosen[k] = chosen[k - 1] + 1 }
      }
    }

    static func binomial(_ n: Int, _ k: Int) -> Double {
      (0..<k).reduce(1.0) { ($0 * Double(n - $1) / Double($1 + 1)).rounded() }
    }
  }

  struct Fit {
    var values: [[Double]] = []
    var scores: [Double] = []
    var standardErrors: [[Double]] = []
  }

  /// `min Σ w (y − base − xᵀφ)²` with `Σ φ = whole − base`, by Lagrange's multiplier.
  static func fit(
    _ plan: Plan, scores: [Double], base: [Double], whole: [Double]
  ) throws(ExplanationError) -> Fit {
    let coalitions = plan.coalitions
    let (n, d, targets) = (coalitions.count, coalitions.segments, base.count)
    let matrix = coalitions.moments(weights: plan.weights).products
    guard let factor = Cholesky(matrix, size: d) else { throw .tooFewSamples(n, segments: d) }
    let ones = factor.solve([Double](repeating: 1, count: d))
    let sum = ones.reduce(0, +)
    var right = [Double](repeating: 0, count: targets * d)
    for sample in 0..<n {
      let on = coalitions.active(sample)
      for t in 0..<targets {
        let y = plan.weights[sample] * (scores[sample * targets + t] - base[t])
        for i in on { right[t * d + i] += y }
      }
    }
    let free = factor.solve(right)
    var (values, fits) = ([[Double]](), [Double]())
    var residuals = [Double](repeating: 0, count: n * targets)
    for t in 0..<targets {
      let phi = free[t * d..<(t + 1) * d]
      let excess = (phi.reduce(0, +) - (whole[t] - base[t])) / sum
      let value = zip(phi, ones).map { $0 - excess * $1 }
      let mean = (0..<n).reduce(0) { $0 + plan.weights[$1] * scores[$1 * targets + t] }
      var (unexplained, spread) = (0.0, 0.0)
      for sample in 0..<n {
        let y = scores[sample * targets + t]
        let residual = y - coalitions.active(sample).reduce(base[t]) { $0 + value[$1] }
        residuals[sample * targets + t] = residual
        unexplained += plan.weights[sample] * residual * residual
        spread += plan.weights[sample] * (y - mean) * (y - mean)
      }
      values.append(value)
      fits.append(spread > 0 ? 1 - unexplained / spread : 1)
    }
    guard plan.enumerated < n else {
      let none = [Double](repeating: 0, count: d)
      return Fit(values: values, scores: fits, standardErrors: values.map { _ in none })
    }
    let inverse = factor.inverse()
    let errors = sandwich(
      coalitions, from: plan.enumerated, isPaired: true, targets: targets,
      parameters: plan.enumerated == 0 ? d - 1 : 0
    ) { on in
      let shift = on.reduce(0) { $0 + ones[$1] } / sum
      return (0..<d).map { i in on.reduce(-ones[i] * shift) { $0 + inverse[i * d + $1] } }
    } factor: { sample, t in
      plan.weights[sample] * residuals[sample * targets + t]
    }
    return Fit(values: values, scores: fits, standardErrors: errors)
  }
}
