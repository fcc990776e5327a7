public import PrismRuntime
internal import PrismTensor

/// A linear model of the output in the neighbourhood of the image, whose features are segments being on or off.
///
/// Sample 0 has all segments on; the others have each on or off with equal chance, and what is off is masked (by the
/// segment's mean). A sample with the share s of its segments on weighs `exp(−(1 − √s)² / (2 · width²))`: the root of an
/// exponential kernel on the cosine distance to sample 0. A ridge regression (penalty 1, the intercept free) over the
/// weighted samples gives every segment's number; the score is its weighted R². All numbers are the defaults of the
/// package lime 0.2.0.1. Definition: Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016.
///
/// The draws are ``Draws/paired`` unless told otherwise: after sample 0 every second sample is the complement of the one
/// before it. Bits with equal chances have complements with equal chances, so that the definition is kept, and what is
/// linear in the bits is told apart with fewer samples. The standard error of every number (a sandwich estimate, with
/// pairs as its units) says how far another seed's result would be.
public struct LIME: BlackBoxExplainer {
  /// Where the bits come from.
  public enum Draws: String, Sendable, CaseIterable {
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
    needs: [.segments, .baseline], cost: "one forward pass a sample",
    paper: "Ribeiro, Singh and Guestrin, Why Should I Trust You?, KDD 2016")
  /// The number of samples, or the limit where ``stopping`` is given.
  public let samples: Int
  /// How the image is divided.
  public let segmenter: Segmenter
  /// What masks the segments that are off.
  public let masker: Masker
  /// The width of the kernel.
  public let kernelWidth: Double
  /// The penalty of the ridge regression.
  public let ridge: Double
  /// The number that is explained.
  public let output: ExplainedOutput
  /// Where the bits come from.
  public let draws: Draws
  /// The seed of the bits.
  public let seed: UInt64
  /// When to stop before all samples are drawn.
  public let stopping: StoppingRule?

  /// Makes the method; the defaults are those of the package lime.
  public init(
    samples: Int = 1000, segmenter: Segmenter = .quickshift(), masker: Masker = .segmentMean,
    kernelWidth: Double = 0.25, ridge: Double = 1, output: ExplainedOutput = .logit,
    draws: Draws = .paired, seed: UInt64 = 0, stopping: StoppingRule? = nil
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
      .integer("samples", samples), .text("segments", segmenter.description),
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
    guard samples >= 2 else {
      throw ExplanationError.parameter("the number of samples", "must be at least 2")
    }
    guard kernelWidth > 0, ridge >= 0, ridge.isFinite else {
      throw ExplanationError.parameter(
        "the kernel width", "must be above 0, and the ridge not negative")
    }
    try stopping?.check()
    let segmentation = try segmenter.segments(of: image)
    let images = try SegmentedImage(image, masker: masker, segmentation: segmentation)
    let coalitions = try draw(segmentation.count)
    let evaluator = Evaluator(
      classifier, targets: targets, output: output, work: work)
    var (fit, scores, taken, isSure) = (Fit(), [Double](), 0, false)
    let looks = stopping.looks(limit: samples)
    for look in looks {
      let start = taken
      scores += try evaluator(look - start) { images.write($1, coalitions, sample: start + $0) }
      taken = look
      let attempt = Result { () throws(ExplanationError) in
        try self.fit(coalitions.prefix(look), scores: scores, targets: targets.count)
      }
      // Few samples may not tell the segments apart; more come.
      if case .failure(.tooFewSamples) = attempt, look < samples { continue }
      fit = try attempt.get()
      isSure = targets.indices.allSatisfy { t in
        stopping?.isSure(
          fit.coefficients[t], errors: fit.standardErrors[t], looks: looks.count) ?? false
      }
      if isSure { break }
    }
    let notes =
      stopping.map { [$0.note(isSure: isSure, parts: "segments", taken: taken)] } ?? []
    return targets.indices.map { t in
      Attribution(
        target: targets[t], values: segmentation.map(fit.coefficients[t]), evaluations: taken,
        baseValue: fit.intercepts[t], score: fit.scores[t],
        standardError: segmentation.errorMap(fit.standardErrors[t]),
        segments: SegmentAttribution(
          segmentation: segmentation, values: fit.coefficients[t],
          standardErrors: fit.standardErrors[t]),
        diagnostics: notes
          + (fit.isConstant[t] ? ["blank map: the output is the same for all samples"] : []))
    }
  }

  /// The samples' bits.
  func draw(_ segments: Int) throws(ExplanationError) -> Coalitions {
    var coalitions = Coalitions(segments: segments)
    if draws == .lime {
      guard let seed = UInt32(exactly: seed) else {
        throw .parameter("the seed", "must be below 4294967296 to reproduce the package lime")
      }
      var random = MersenneTwister(seed: seed)
      for sample in 0..<samples {
        coalitions.append { _ in random.next() & 1 == 1 || sample == 0 }
      }
      return coalitions
    }
    coalitions.append { _ in true }
    while coalitions.count < samples {
      if draws == .paired, coalitions.count % 2 == 0 {
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

  struct Fit {
    var coefficients: [[Double]] = []
    var intercepts: [Double] = []
    var scores: [Double] = []
    var standardErrors: [[Double]] = []
    var isConstant: [Bool] = []
  }

  /// The ridge regression in closed form: with weighted centring, `β = (Xᵀ W X + α I)⁻¹ Xᵀ W y`.
  func fit(
    _ coalitions: Coalitions, scores: [Double], targets: Int
  ) throws(ExplanationError) -> Fit {
    let (n, d) = (coalitions.count, coalitions.segments)
    let weights = (0..<n).map { sample in
      let distance = 1 - (Double(coalitions.active(sample).count) / Double(d)).squareRoot()
      return exponential(-distance * distance / (2 * kernelWidth * kernelWidth))
    }
    let total = weights.reduce(0, +)
    var (matrix, sums) = coalitions.moments(weights: weights)
    let means = sums.map { $0 / total }
    for i in 0..<d {
      for j in 0..<d { matrix[i * d + j] -= total * means[i] * means[j] }
      matrix[i * d + i] += ridge
    }
    guard let factor = Cholesky(matrix, size: d) else {
      throw .tooFewSamples(n, segments: d)
    }
    var right = [Double](repeating: 0, count: targets * d)
    var centres = [Double](repeating: 0, count: targets)
    for t in 0..<targets {
      // The mean of equal numbers is that number, which rounding would hide.
      let isConstant = (0..<n).allSatisfy { scores[$0 * targets + t] == scores[t] }
      centres[t] =
        isConstant
        ? scores[t]
        : (0..<n).reduce(0) { $0 + weights[$1] * scores[$1 * targets + t] } / total
    }
    for sample in 0..<n {
      let on = coalitions.active(sample)
      for t in 0..<targets {
        let y = weights[sample] * (scores[sample * targets + t] - centres[t])
        for i in on { right[t * d + i] += y }
        // The means times Σ w (y − ȳ) = 0 need not be taken off.
      }
    }
    let solution = factor.solve(right)
    var fit = Fit()
    var residuals = [Double](repeating: 0, count: n * targets)
    for t in 0..<targets {
      let beta = Array(solution[t * d..<(t + 1) * d])
      let intercept = centres[t] - zip(means, beta).reduce(0) { $0 + $1.0 * $1.1 }
      var (unexplained, spread) = (0.0, 0.0)
      for sample in 0..<n {
        let y = scores[sample * targets + t]
        let residual = y - coalitions.active(sample).reduce(intercept) { $0 + beta[$1] }
        residuals[sample * targets + t] = residual
        unexplained += weights[sample] * residual * residual
        spread += weights[sample] * (y - centres[t]) * (y - centres[t])
      }
      fit.coefficients.append(beta)
      fit.intercepts.append(intercept)
      fit.scores.append(spread > 0 ? 1 - unexplained / spread : 1)
      fit.isConstant.append(spread == 0)
    }
    let inverse = factor.inverse()
    let shift = factor.solve(means)
    // A unit is a pair where draws are paired; sample 0 is no draw, and the last pair may be half.
    let first = draws == .lime ? 0 : 1
    let isPaired = draws == .paired
    fit.standardErrors = sandwich(
      coalitions, from: first, isPaired: isPaired, targets: targets, parameters: d + 1
    ) { on in
      (0..<d).map { i in on.reduce(-shift[i]) { $0 + inverse[i * d + $1] } }
    } factor: { sample, t in
      weights[sample] * residuals[sample * targets + t]
    }
    return fit
  }
}

/// The standard errors of coefficients that are sums of independent units: the sandwich estimator.
///
/// - Parameters:
///   - coalitions: The samples.
///   - first: The first sample that was drawn.
///   - isPaired: Whether a unit is two samples.
///   - targets: The number of right-hand sides.
///   - parameters: How many numbers were fitted, for the correction of small samples.
///   - direction: The bread times a sample's bits.
///   - factor: A sample's weight times its residual.
/// - Returns: One number a coefficient, for every target; infinite where there are too few units.
func sandwich(
  _ coalitions: Coalitions, from first: Int, isPaired: Bool, targets: Int, parameters: Int,
  direction: ([Int]) -> [Double], factor: (Int, Int) -> Double
) -> [[Double]] {
  let d = coalitions.segments
  let step = isPaired ? 2 : 1
  let drawn = coalitions.count - first
  let units = (drawn + step - 1) / step
  var sums = [Double](repeating: 0, count: targets * d)
  var squares = sums
  for start in stride(from: first, to: coalitions.count, by: step) {
    let samples = start..<min(start + step, coalitions.count)
    let directions = samples.map { direction(coalitions.active($0)) }
    for t in 0..<targets {
      for i in 0..<d {
        var term = 0.0
        for (sample, direction) in zip(samples, directions) {
          term += factor(sample, t) * direction[i]
        }
        sums[t * d + i] += term
        squares[t * d + i] += term * term
      }
    }
  }
  guard units > 1, drawn > parameters else {
    return Array(repeating: Array(repeating: .infinity, count: d), count: targets)
  }
  let (u, n) = (Double(units), Double(drawn))
  let correction = u / (u - 1) * (n - 1) / (n - Double(parameters))
  return (0..<targets).map { t in
    (0..<d).map { i in
      let spread = squares[t * d + i] - sums[t * d + i] * sums[t * d + i] / u
      return (max(spread, 0) * correction).squareRoot()
    }
  }
}
