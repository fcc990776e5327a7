internal import PrismRuntime

/// Samples of segments with a weight each: the sums of a weighted linear regression over them.
struct WeightedCoalitions {
  let coalitions: Coalitions
  let weights: [Double]

  /// After how many samples work is asked whether it goes on.
  private static let batch = 64

  init(_ coalitions: Coalitions, weights: [Double]) {
    self.coalitions = coalitions
    self.weights = weights
  }

  /// `Σ w x xᵀ` and `Σ w x` over the samples.
  ///
  /// - Throws: `CancellationError` in a cancelled task.
  func moments(work: Work) throws -> (products: [Double], sums: [Double]) {
    let d = coalitions.segments
    var products = [Double](repeating: 0, count: d * d)
    var sums = [Double](repeating: 0, count: d)
    for sample in 0..<coalitions.count {
      if sample % Self.batch == 0 { try work.check() }
      let (on, weight) = (coalitions.active(sample), weights[sample])
      for (k, i) in on.enumerated() {
        sums[i] += weight
        for j in on[...k] { products[i * d + j] += weight }
      }
    }
    for i in 0..<d {
      for j in 0..<i { products[j * d + i] = products[i * d + j] }
    }
    return (products, sums)
  }

  /// `Σ w x (y − c)`, one right-hand side a target after the other.
  ///
  /// - Parameters:
  ///   - scores: y, one row a sample.
  ///   - centres: c, one number a target.
  /// - Returns: `targets · segments` numbers.
  func products(with scores: [Double], less centres: [Double]) -> [Double] {
    let (d, targets) = (coalitions.segments, centres.count)
    var right = [Double](repeating: 0, count: targets * d)
    for sample in 0..<coalitions.count {
      let on = coalitions.active(sample)
      for t in 0..<targets {
        let y = weights[sample] * (scores[sample * targets + t] - centres[t])
        for i in on { right[t * d + i] += y }
      }
    }
    return right
  }

  /// The standard errors of coefficients that are sums of independent units: the sandwich
  /// estimator.
  ///
  /// - Parameters:
  ///   - residuals: What the fit leaves, one row a sample.
  ///   - first: The first sample that was drawn.
  ///   - isPaired: Whether a unit is two samples.
  ///   - targets: The number of right-hand sides.
  ///   - parameters: How many numbers were fitted, for the correction of small samples.
  ///   - work: Is asked whether it goes on.
  ///   - direction: The bread times a sample's bits.
  /// - Returns: One number a coefficient, for every target; infinite where there are too few units.
  /// - Throws: `CancellationError` in a cancelled task.
  func sandwich(
    _ residuals: [Double], from first: Int, isPaired: Bool, targets: Int, parameters: Int,
    work: Work, direction: ([Int]) -> [Double]
  ) throws -> [[Double]] {
    let d = coalitions.segments
    let step = isPaired ? 2 : 1
    let drawn = coalitions.count - first
    let units = (drawn + step - 1) / step
    var sums = [Double](repeating: 0, count: targets * d)
    var squares = sums
    for start in stride(from: first, to: coalitions.count, by: step) {
      if (start - first) % Self.batch == 0 { try work.check() }
      let samples = start..<min(start + step, coalitions.count)
      let directions = samples.map { direction(coalitions.active($0)) }
      for t in 0..<targets {
        for i in 0..<d {
          var term = 0.0
          for (sample, direction) in zip(samples, directions) {
            term += weights[sample] * residuals[sample * targets + t] * direction[i]
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
}
