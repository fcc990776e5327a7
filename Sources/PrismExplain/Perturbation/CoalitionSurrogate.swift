internal import PrismTensor

/// A guess of one part of the output, odd or even, at every subset of the segments, learned from some
/// of them: the posterior mean of a Gaussian process.
///
/// A bit that is on counts as 1, one that is off as −1. The covariance of two subsets is that of a
/// linear function (of a constant for the even part), and what is left of
/// `Π (1 + ρ_j z_j z′_j)`: products of three or more bits, or of two or more, those of segments that
/// matter by themselves the likeliest. How much is chosen by leaving out one pair after the other.
struct CoalitionSurrogate {
  /// The shares of the segments that are tried, beside none.
  private static let scales = [0.003, 0.01, 0.03, 0.1, 0.3, 0.8]
  /// The variance of the linear function, and the noise, in those of what is explained.
  private static let (linearVariance, noise) = (100.0, 1e-3)

  private let parity: SizedFunctional.Parity
  /// The bits of the pairs' first subsets, 1 or −1, row by row.
  private let signs: [Double]
  private let count: Int
  private let segments: Int
  /// How many subsets have a size.
  private let subsets: [Double]
  private var rho: [Double]
  private var (linear, products) = (0.0, 0.0)
  /// The inverse of the pairs' covariances.
  private(set) var inverse: [Double] = []
  /// The weights of the pairs in a guess.
  private(set) var weights: [Double] = []
  /// By how much every pair is missed by a guess from the others.
  private(set) var errors: [Double]

  /// Learns from pairs.
  ///
  /// - Parameters:
  ///   - values: The part of the output at the pairs' first subsets.
  ///   - signs: Their bits, 1 or −1, row by row.
  ///   - segments: The number of segments.
  ///   - parity: Which part.
  ///   - effects: How much every segment matters by itself.
  ///   - importance: What an error at a pair costs.
  /// - Throws: `ExplanationError` where LAPACK cannot be used.
  init(
    _ values: [Double], at signs: [Double], segments: Int, parity: SizedFunctional.Parity,
    effects: [Double], importance: [Double]
  ) throws(ExplanationError) {
    self.parity = parity
    self.signs = signs
    self.segments = segments
    count = values.count
    subsets = (0...segments).map { SizedFunctional.subsets(segments, size: $0) }
    rho = [Double](repeating: 0, count: segments)
    errors = values
    weights = [Double](repeating: 0, count: count)
    let square = values.reduce(0) { $0 + $1 * $1 } / Double(max(count, 1))
    guard square > 0, count > 1 else { return }
    let mean = effects.reduce(0, +) / Double(segments)
    let largest = effects.max() ?? 0
    let shares = effects.map { mean > 0 ? ($0 + 0.1 * mean) / (largest + 0.1 * mean) : 1 }
    var best: (loss: Double, attempt: CoalitionSurrogate)?
    for scale in [0] + Self.scales {
      var attempt = self
      attempt.rho = shares.map { min(scale * $0, 0.95) }
      guard let loss = try attempt.learn(values, square: square, importance: importance),
        loss < best?.loss ?? .infinity
      else { continue }
      best = (loss, attempt)
    }
    if let best { take(best.attempt) }
  }

  private mutating func take(_ other: CoalitionSurrogate) {
    (rho, linear, products) = (other.rho, other.linear, other.products)
    (inverse, weights, errors) = (other.inverse, other.weights, other.errors)
  }

  /// Learns with the shares as they are.
  ///
  /// - Returns: The loss, or `nil` where the covariances cannot be told apart.
  private mutating func learn(
    _ values: [Double], square: Double, importance: [Double]
  ) throws(ExplanationError) -> Double? {
    linear = Self.linearVariance * square / (parity == .odd ? Double(segments) : 1)
    var (all, mixed, sum) = (1.0, 1.0, 0.0)
    for share in rho {
      all *= 1 + share
      mixed *= 1 - share
      sum += share
    }
    let norm = parity == .odd ? (all - mixed) / 2 - sum : (all + mixed) / 2 - 1
    // Without products all that is not linear is noise.
    let hasProducts = norm > 1e-9
    products = hasProducts ? square / norm : 0
    var matrix = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in 0...i {
        matrix[i * count + j] = covariance(i, j)
        matrix[j * count + i] = matrix[i * count + j]
      }
      matrix[i * count + i] += square * (hasProducts ? Self.noise : 1)
    }
    guard let factor = try Cholesky(matrix, size: count) else { return nil }
    inverse = try factor.inverse()
    weights = try factor.solve(values)
    var loss = 0.0
    for i in 0..<count {
      errors[i] = weights[i] / inverse[i * count + i]
      loss += importance[i] * errors[i] * errors[i]
    }
    return loss
  }

  private func covariance(_ i: Int, _ j: Int) -> Double {
    signs.withUnsafeBufferPointer { signs in
      covariance(
        UnsafeBufferPointer(rebasing: signs[i * segments..<(i + 1) * segments]),
        UnsafeBufferPointer(rebasing: signs[j * segments..<(j + 1) * segments]))
    }
  }

  /// The guess at a subset, with some weights of the pairs.
  func guess(at bits: [Double], weights: [Double]) -> Double {
    bits.withUnsafeBufferPointer { bits in
      signs.withUnsafeBufferPointer { signs in
        (0..<count).reduce(0.0) { sum, i in
          let own = UnsafeBufferPointer(rebasing: signs[i * segments..<(i + 1) * segments])
          return sum + weights[i] * covariance(own, bits)
        }
      }
    }
  }

  private func covariance(
    _ first: UnsafeBufferPointer<Double>, _ second: UnsafeBufferPointer<Double>
  ) -> Double {
    var (same, reversed, sum, dot) = (1.0, 1.0, 0.0, 0.0)
    for k in 0..<segments {
      let sign = first[k] * second[k]
      let share = rho[k] * sign
      same *= 1 + share
      reversed *= 1 - share
      sum += share
      dot += sign
    }
    return parity == .odd
      ? linear * dot + products * ((same - reversed) / 2 - sum)
      : linear + products * ((same + reversed) / 2 - 1)
  }

  // MARK: - Sums over all subsets

  /// The weights of the pairs in the mean of the guesses that leave out one of some pairs each.
  func weights(leavingOutOneOf pairs: [Int]) -> [Double] {
    guard !inverse.isEmpty else { return weights }
    var result = weights
    for pair in pairs {
      let step = errors[pair] / Double(pairs.count)
      for i in 0..<count { result[i] -= inverse[i * count + pair] * step }
    }
    return result
  }

  /// What a guess adds to a functional at some sizes.
  ///
  /// - Parameters:
  ///   - weights: The weights of the pairs in the guess.
  ///   - sizes: The sizes of the pairs' first subsets.
  ///   - coefficients: The functional's coefficients, by size.
  /// - Returns: One number a segment, and the level behind them.
  func sums(
    weights: [Double], sizes: [Int], coefficients: [SizedFunctional.Pair]
  ) -> [Double] {
    var result = [Double](repeating: 0, count: segments + 1)
    guard !inverse.isEmpty else { return result }
    addLinear(weights, sizes, coefficients, to: &result)
    guard products > 0 else { return result }
    for i in 0..<count where weights[i] != 0 {
      for (sign, share) in [(1.0, 0.5), (-1.0, parity == .odd ? -0.5 : 0.5)] {
        addProducts(i, sign, weights[i] * share * products, sizes, coefficients, to: &result)
      }
    }
    // The terms of first order, or the constant, are not among the products.
    let lower = (0..<count).reduce(0.0) { $0 + weights[$1] }
    for size in sizes {
      let (pair, s) = (coefficients[size], Double(size))
      if parity == .even {
        let mean = pair.outside + (pair.inside - pair.outside) * s / Double(segments)
        for j in 0..<segments { result[j] -= products * lower * mean }
        result[segments] -= products * lower * pair.level
      }
    }
    return result
  }

  /// The linear function's share, with what of it is among the products taken off.
  private func addLinear(
    _ weights: [Double], _ sizes: [Int], _ coefficients: [SizedFunctional.Pair],
    to result: inout [Double]
  ) {
    let n = Double(segments)
    guard parity == .odd else {
      let sum = weights.reduce(0, +) * linear
      for size in sizes {
        let pair = coefficients[size]
        let mean = pair.outside + (pair.inside - pair.outside) * Double(size) / n
        for j in 0..<segments { result[j] += sum * mean }
        result[segments] += sum * pair.level
      }
      return
    }
    // The slope of every bit.
    var slopes = [Double](repeating: 0, count: segments)
    for i in 0..<count {
      for k in 0..<segments {
        slopes[k] += weights[i] * signs[i * segments + k] * (linear - products * rho[k])
      }
    }
    let total = slopes.reduce(0, +)
    for size in sizes {
      let (pair, s) = (coefficients[size], Double(size))
      // The mean of a bit (1 or −1), with another one that is on, and with itself on.
      let alone = 2 * s / n - 1
      let both = n > 1 ? 2 * s * (s - 1) / (n * (n - 1)) - s / n : 0
      let difference = pair.inside - pair.outside
      for j in 0..<segments {
        result[j] +=
          pair.outside * alone * total
          + difference * (both * (total - slopes[j]) + s / n * slopes[j])
      }
      result[segments] += pair.level * alone * total
    }
  }

  /// The share of a product of one factor a bit.
  private func addProducts(
    _ i: Int, _ sign: Double, _ weight: Double, _ sizes: [Int],
    _ coefficients: [SizedFunctional.Pair], to result: inout [Double]
  ) {
    // The factors of bits that are on and off, and the polynomial whose coefficients are the sums
    // over all subsets of a size.
    let shares = (0..<segments).map { sign * rho[$0] * signs[i * segments + $0] }
    var polynomial = [Double](repeating: 0, count: segments + 1)
    polynomial[0] = 1
    for (k, share) in shares.enumerated() {
      for s in stride(from: k + 1, to: 0, by: -1) {
        polynomial[s] = (1 - share) * polynomial[s] + (1 + share) * polynomial[s - 1]
      }
      polynomial[0] *= 1 - share
    }
    var without = [Double](repeating: 0, count: segments + 1)
    for (j, share) in shares.enumerated() {
      Self.divide(polynomial, by: share, into: &without)
      for size in sizes where size > 0 {
        let pair = coefficients[size]
        let on = (1 + share) * without[size - 1]
        result[j] +=
          weight
          * (pair.outside * polynomial[size] + (pair.inside - pair.outside) * on)
          / subsets[size]
      }
    }
    for size in sizes {
      result[segments] += weight * coefficients[size].level * polynomial[size] / subsets[size]
    }
  }

  /// A polynomial without one of its factors, `1 − share + (1 + share) t`, from the end at which
  /// errors shrink.
  private static func divide(
    _ polynomial: [Double], by share: Double, into quotient: inout [Double]
  ) {
    let degree = polynomial.count - 1
    quotient[degree] = 0
    if share > 0 {
      for s in stride(from: degree, to: 0, by: -1) {
        quotient[s - 1] = (polynomial[s] - (1 - share) * quotient[s]) / (1 + share)
      }
    } else {
      quotient[0] = polynomial[0] / (1 - share)
      for s in stride(from: 1, to: degree, by: 1) {
        quotient[s] = (polynomial[s] - (1 + share) * quotient[s - 1]) / (1 - share)
      }
    }
  }
}
