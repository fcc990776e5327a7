internal import PrismTensor

/// A guess of one part of the output, odd or even, at every subset of the segments, learned from
/// some of them: the posterior mean of a Gaussian process.
///
/// A bit that is on counts as 1, one that is off as −1. The covariance of two subsets has three
/// parts: a linear function (a constant for the even part), steeper for segments that matter by
/// themselves; another one times how far the sizes are from half, twice, so that slopes may change
/// with the size; and what is left of `Π (1 + ρ_j z_j z′_j)`: products of three or more bits, or of
/// two or more, those of segments that matter the likeliest. How much of the last two is chosen by
/// leaving out one pair after the other.
///
/// All numbers are in units of the values' own spread, and what a value has of its own is never
/// less than a thirtieth of what others tell of it: so the covariances are well conditioned
/// whatever the pairs, the same ones twice among them.
struct CoalitionSurrogate {
  /// What of a pair's value can be told from others, beside the noise of 1: what is tried.
  private static let strengths = [0.3, 1, 3, 10, 30]
  /// The same for slopes that change with the size.
  private static let bends = [0.0, 1, 10]
  /// The variance of the linear function: what is usual, and what leaves nothing of one that is all
  /// there is.
  private static let (usualVariance, largeVariance) = (100.0, 1e6)
  /// The largest ρ.
  private static let largestShare = 0.3

  private let parity: SizedFunctional.Parity
  /// The bits of the pairs' first subsets, 1 or −1, row by row.
  private let signs: [Double]
  private let count: Int
  private let segments: Int
  /// The values' root mean square.
  private let scale: Double
  private let rho: [Double]
  /// The variances of the slopes, which add up to 1.
  private let slopeShares: [Double]
  /// The variance of the products.
  private let norm: Double
  private var (strength, bend, linearVariance) = (0.0, 0.0, Self.usualVariance)
  /// The inverse of the pairs' covariances.
  private var inverse: [Double] = []
  /// The weights of the pairs in a guess.
  private var weights: [Double]
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
  ///   - hasProducts: Whether products of bits are learned.
  /// - Throws: `ExplanationError` where LAPACK cannot be used.
  init(
    _ values: [Double], at signs: [Double], segments: Int, parity: SizedFunctional.Parity,
    effects: [Double], importance: [Double], hasProducts: Bool = true
  ) throws(ExplanationError) {
    self.parity = parity
    self.signs = signs
    self.segments = segments
    count = values.count
    errors = values
    weights = [Double](repeating: 0, count: count)
    let square = values.reduce(0) { $0 + $1 * $1 } / Double(max(count, 1))
    scale = square.squareRoot()
    let mean = effects.reduce(0, +) / Double(segments)
    let largest = effects.max() ?? 0
    rho = effects.map {
      let share = mean > 0 ? ($0 + 0.05 * mean) / (largest + 0.05 * mean) : 1
      return Self.largestShare * share.squareRoot()
    }
    let sum = mean > 0 ? 1.3 * mean * Double(segments) : Double(segments)
    slopeShares = effects.map { mean > 0 ? ($0 + 0.3 * mean) / sum : 1 / sum }
    norm = Self.norm(of: rho, parity)
    guard scale.isNormal, scale.isFinite, count > 1 else { return }
    try learn(values.map { $0 / scale }, importance, hasProducts: hasProducts && norm > 0)
  }

  /// The variance of the products of enough bits; 0 where there are none.
  private static func norm(of rho: [Double], _ parity: SizedFunctional.Parity) -> Double {
    var (all, mixed, sum) = (1.0, 1.0, 0.0)
    for share in rho {
      all *= 1 + share
      mixed *= 1 - share
      sum += share
    }
    let norm = parity == .odd ? (all - mixed) / 2 - sum : (all + mixed) / 2 - 1
    return norm > 1e-9 * all && norm.isFinite ? norm : 0
  }

  /// Learns with the bend that foretells best, then with the variance, and then with the strength.
  private mutating func learn(
    _ values: [Double], _ importance: [Double], hasProducts: Bool
  ) throws(ExplanationError) {
    let parts = covariances(hasProducts: hasProducts)
    var least = Double.infinity
    for bend in Self.bends {
      try attempt(values, importance, parts, (0, bend, Self.usualVariance), &least)
    }
    try attempt(values, importance, parts, (0, bend, Self.largeVariance), &least)
    let chosen = (bend, linearVariance)
    for strength in hasProducts ? Self.strengths : [] {
      try attempt(values, importance, parts, (strength, chosen.0, chosen.1), &least)
    }
  }

  /// The parts of the pairs' covariances.
  private struct Covariances {
    var linear, bent, products: [Double]
  }

  /// Learns, and keeps it where it foretells better than what was learned before.
  private mutating func attempt(
    _ values: [Double], _ importance: [Double], _ parts: Covariances,
    _ choice: (strength: Double, bend: Double, linearVariance: Double), _ least: inout Double
  ) throws(ExplanationError) {
    let (strength, bend, variance) = choice
    var matrix = parts.linear
    for i in matrix.indices { matrix[i] = variance * matrix[i] + bend * parts.bent[i] }
    if strength > 0 {
      for i in matrix.indices { matrix[i] += strength * parts.products[i] }
    }
    for i in 0..<count { matrix[i * count + i] += 1 }
    guard let factor = try Cholesky(matrix, size: count) else { return }
    let inverse = try factor.inverse()
    let weights = try factor.solve(values)
    let misses = (0..<count).map { weights[$0] / inverse[$0 * count + $0] }
    let loss = zip(misses, importance).reduce(0) { $0 + $1.1 * $1.0 * $1.0 }
    guard loss < least, loss.isFinite else { return }
    least = loss
    (self.inverse, self.weights) = (inverse, weights)
    (self.strength, self.bend, linearVariance) = choice
    errors = misses.map { $0 * scale }
  }

  private func covariances(hasProducts: Bool) -> Covariances {
    let empty = [Double](repeating: 0, count: count * count)
    var (linear, bent, products) = (empty, empty, hasProducts ? empty : [])
    let sizes = (0..<count).map { bending(signs[$0 * segments..<($0 + 1) * segments]) }
    signs.withUnsafeBufferPointer { signs in
      for i in 0..<count {
        let own = UnsafeBufferPointer(rebasing: signs[i * segments..<(i + 1) * segments])
        for j in 0...i {
          let other = UnsafeBufferPointer(rebasing: signs[j * segments..<(j + 1) * segments])
          let (weighted, even) = linearCovariances(own, other)
          linear[i * count + j] = weighted
          bent[i * count + j] = even * sizes[i] * sizes[j]
          if hasProducts { products[i * count + j] = productCovariance(own, other) }
        }
      }
    }
    for i in 0..<count {
      for j in 0..<i {
        linear[j * count + i] = linear[i * count + j]
        bent[j * count + i] = bent[i * count + j]
        if hasProducts { products[j * count + i] = products[i * count + j] }
      }
    }
    return Covariances(linear: linear, bent: bent, products: products)
  }

  /// How far a size is from half of the segments, so that its square tells.
  private func bending(size: Double) -> Double {
    let distance = 1 - 2 * size / Double(segments)
    return parity == .odd ? 3 * distance * distance - 1 : distance * distance
  }

  private func bending(_ bits: some Sequence<Double>) -> Double {
    bending(size: bits.reduce(0) { $0 + ($1 > 0 ? 1 : 0) })
  }

  /// The covariances of a linear function, and of one whose slopes are equally likely.
  private func linearCovariances(
    _ first: UnsafeBufferPointer<Double>, _ second: UnsafeBufferPointer<Double>
  ) -> (weighted: Double, even: Double) {
    guard parity == .odd else { return (1, 1) }
    var (weighted, dot) = (0.0, 0.0)
    for k in 0..<segments {
      let sign = first[k] * second[k]
      weighted += slopeShares[k] * sign
      dot += sign
    }
    return (weighted, dot / Double(segments))
  }

  private func productCovariance(
    _ first: UnsafeBufferPointer<Double>, _ second: UnsafeBufferPointer<Double>
  ) -> Double {
    var (same, reversed, sum) = (1.0, 1.0, 0.0)
    for k in 0..<segments {
      let share = rho[k] * first[k] * second[k]
      same *= 1 + share
      reversed *= 1 - share
      sum += share
    }
    return (parity == .odd ? (same - reversed) / 2 - sum : (same + reversed) / 2 - 1) / norm
  }

  /// The guess at a subset, with some weights of the pairs.
  func guess(at bits: [Double], weights: [Double]) -> Double {
    let own = bending(bits)
    return bits.withUnsafeBufferPointer { bits in
      signs.withUnsafeBufferPointer { signs in
        (0..<count).reduce(0.0) { sum, i in
          let other = UnsafeBufferPointer(rebasing: signs[i * segments..<(i + 1) * segments])
          let (weighted, even) = linearCovariances(other, bits)
          var covariance = linearVariance * weighted + bend * bending(other) * own * even
          if strength > 0 { covariance += strength * productCovariance(other, bits) }
          return sum + scale * weights[i] * covariance
        }
      }
    }
  }

  // MARK: - Sums over all subsets

  /// Sizes of subsets that are guessed at with the same weights of the pairs.
  struct Sizes {
    let sizes: [Int]
    let weights: [Double]
  }

  /// The weights of the pairs in the mean of the guesses that leave out one of some pairs each.
  func weights(leavingOutOneOf pairs: [Int]) -> [Double] {
    guard !inverse.isEmpty else { return weights }
    var result = weights
    for pair in pairs {
      let step = errors[pair] / scale / Double(pairs.count)
      for i in 0..<count { result[i] -= inverse[i * count + pair] * step }
    }
    return result
  }

  /// What guesses add to a functional.
  ///
  /// - Parameters:
  ///   - groups: The sizes of the pairs' first subsets, with the weights of the pairs in the guess.
  ///   - coefficients: The functional's coefficients, by size.
  /// - Returns: One number a segment, and the level behind them; `nil` where rounding shows in
  ///   their sum, which is known by another way.
  func sums(_ groups: [Sizes], coefficients: [SizedFunctional.Pair]) -> [Double]? {
    var result = [Double](repeating: 0, count: segments + 1)
    guard !inverse.isEmpty else { return result }
    for group in groups { addLinear(group, coefficients, to: &result) }
    if strength > 0 {
      guard addProducts(groups, coefficients, to: &result) else { return nil }
    }
    return result.map { $0 * scale }
  }

  /// The share of linear functions, with what of them is among the products taken off.
  private func addLinear(
    _ group: Sizes, _ coefficients: [SizedFunctional.Pair], to result: inout [Double]
  ) {
    let n = Double(segments)
    let lower = strength > 0 ? strength / norm : 0
    // The slope of every bit, or the constant, at sizes that bend nothing, and what bending adds.
    var (slopes, bent) = ([Double](repeating: 0, count: segments), [Double]())
    bent = slopes
    var (constant, bentConstant) = (0.0, 0.0)
    for i in 0..<count {
      let bits = signs[i * segments..<(i + 1) * segments]
      let own = group.weights[i]
      let bending = bend * bending(bits)
      if parity == .odd {
        for (k, sign) in bits.enumerated() {
          slopes[k] += own * sign * (linearVariance * slopeShares[k] - lower * rho[k])
          bent[k] += own * sign * bending / n
        }
      } else {
        constant += own * (linearVariance - lower)
        bentConstant += own * bending
      }
    }
    for size in group.sizes {
      let (pair, s) = (coefficients[size], Double(size))
      let bending = bending(size: s)
      guard parity == .odd else {
        let value = constant + bending * bentConstant
        let mean = pair.outside + (pair.inside - pair.outside) * s / n
        for j in 0..<segments { result[j] += value * mean }
        result[segments] += value * pair.level
        continue
      }
      let own = (0..<segments).map { slopes[$0] + bending * bent[$0] }
      let total = own.reduce(0, +)
      // The mean of a bit (1 or −1), with another one that is on, and with itself on.
      let alone = 2 * s / n - 1
      let both = n > 1 ? 2 * s * (s - 1) / (n * (n - 1)) - s / n : 0
      let difference = pair.inside - pair.outside
      for j in 0..<segments {
        result[j] +=
          pair.outside * alone * total
          + difference * (both * (total - own[j]) + s / n * own[j])
      }
      result[segments] += pair.level * alone * total
    }
  }

  /// The share of products.
  ///
  /// - Returns: Whether the numbers add up to what is known of their sum.
  private func addProducts(
    _ groups: [Sizes], _ coefficients: [SizedFunctional.Pair], to result: inout [Double]
  ) -> Bool {
    let n = Double(segments)
    let signs: [(sign: Double, share: Double)] = [(1, 0.5), (-1, parity == .odd ? -0.5 : 0.5)]
    var own = [Double](repeating: 0, count: segments)
    var holding = [Double](repeating: 0, count: segments + 1)
    var (total, size) = (0.0, 0.0)
    // What every size adds for a segment that is in the subset, beyond one that is not.
    var steps = [Double](repeating: 0, count: segments + 1)
    for i in 0..<count {
      for (sign, share) in signs {
        let means = SubsetMeans(
          shares: (0..<segments).map { sign * rho[$0] * self.signs[i * segments + $0] })
        var base = 0.0
        for group in groups {
          let weight = group.weights[i] * share * strength / norm
          for s in group.sizes {
            let (pair, mean) = (coefficients[s], weight * means.means[s])
            let isIn = Double(s) / n
            base += mean * pair.outside
            steps[s] = weight * isIn * (pair.inside - pair.outside)
            result[segments] += mean * pair.level
            let known = n * mean * (isIn * pair.inside + (1 - isIn) * pair.outside)
            total += known
            size = max(size, abs(known))
          }
        }
        for j in 0..<segments {
          means.holding(j, into: &holding)
          var sum = base
          for group in groups {
            for s in group.sizes { sum += steps[s] * holding[s] }
          }
          own[j] += sum
        }
      }
    }
    for j in 0..<segments { result[j] += own[j] }
    let magnitude = max(own.reduce(0) { $0 + abs($1) }, size)
    return abs(own.reduce(0, +) - total) <= 1e-6 * magnitude && magnitude.isFinite
  }
}
