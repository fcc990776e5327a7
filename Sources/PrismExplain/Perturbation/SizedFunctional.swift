internal import PrismTensor

/// What a method asks of the outputs of all subsets of the segments: one number a segment, a sum
/// over the subsets in which a subset's coefficient depends on its size and on whether the segment
/// is in it.
///
/// Every linear regression whose weights depend on sizes alone is of this kind when it is over all
/// subsets.
struct SizedFunctional: Sendable {
  let segments: Int
  /// The coefficients of a segment that is in a subset and of one that is not, by the size of the
  /// subset; those of all subsets of a size together.
  let inside, outside: [Double]
  /// The coefficients of one further number, by size alone: the mean output.
  let level: [Double]
  /// The weight of all subsets of a size in the regression; they add up to 1.
  let masses: [Double]

  /// How many subsets have a size.
  static func subsets(_ segments: Int, size: Int) -> Double {
    (0..<min(size, segments - size)).reduce(1.0) {
      ($0 * Double(segments - $1) / Double($1 + 1)).rounded()
    }
  }

  /// The Shapley value: `Σ (f(S ∪ j) − f(S)) / (M · C(M − 1, |S|))` over the subsets without j.
  static func shapley(segments d: Int) -> SizedFunctional {
    let kernel = (0...d).map { 0 < $0 && $0 < d ? 1 / (Double($0) * Double(d - $0)) : 0 }
    let total = kernel.reduce(0, +)
    return SizedFunctional(
      segments: d, inside: (0...d).map { $0 > 0 ? 1 / Double($0) : 0 },
      outside: (0...d).map { $0 < d ? -1 / Double(d - $0) : 0 },
      level: [Double](repeating: 0, count: d + 1), masses: kernel.map { $0 / total })
  }

  /// The coefficients of a weighted linear regression with an intercept over all subsets.
  ///
  /// - Parameters:
  ///   - d: The number of segments; at least 2.
  ///   - weight: The weight of a subset by its size.
  /// - Returns: The slope of every segment, and the mean as the level.
  static func regression(segments d: Int, weight: (Int) -> Double) -> SizedFunctional {
    let masses = (0...d).map { subsets(d, size: $0) * weight($0) }
    let total = masses.reduce(0, +)
    let shares = masses.map { $0 / total }
    let n = Double(d)
    // The moments of the bits: their mean, and both eigenvalues of their covariances, a matrix with
    // one number on the diagonal and another elsewhere. Each is a sum without differences, which
    // narrow weights would leave nothing of.
    func moment(_ term: (Double) -> Double) -> Double {
      shares.enumerated().reduce(0) { $0 + $1.element * term(Double($1.offset)) }
    }
    let mean = moment { $0 / n }
    let apart = moment { $0 * (n - $0) / (n * (n - 1)) }
    let off = moment { n - $0 }
    let together = moment { s in ((n - s) - off) * ((n - s) - off) / n }
    // The inverse of that matrix.
    let diagonal = 1 / apart
    let elsewhere = (1 / together - 1 / apart) / n
    /// - Parameter bit: The bit less its mean.
    func coefficients(_ bit: Double) -> [Double] {
      shares.enumerated().map { s, share in
        share * (diagonal * bit + elsewhere * (off - (n - Double(s))))
      }
    }
    return SizedFunctional(
      segments: d, inside: coefficients(off / n), outside: coefficients(-mean), level: shares,
      masses: shares)
  }

  /// Whether weights are not so narrow that nothing but the whole image has any.
  var isDefined: Bool { inside.allSatisfy(\.isFinite) && outside.allSatisfy(\.isFinite) }

  /// The mean coefficient of a size, squared, over the segments.
  private func square(_ inside: Double, _ outside: Double, _ size: Int) -> Double {
    let share = Double(size) / Double(segments)
    return inside * inside * share + outside * outside * (1 - share)
  }

  /// How many draws the pairs of a subset and its complement deserve, by the size of the smaller:
  /// as the deviation of what they add, where outputs are equally uncertain.
  var drawing: [Double] {
    (0...segments / 2).map { size in
      func root(_ size: Int) -> Double {
        square(inside[size], outside[size], size).squareRoot()
      }
      guard size > 0 else { return 0 }
      return 2 * size == segments ? root(size) : root(size) + root(segments - size)
    }
  }

  /// The coefficients of a pair of a subset and its complement.
  struct Pair {
    /// Those of a segment in the subset, and of one that is not.
    let inside, outside: Double
    let level: Double

    /// The mean square over the segments.
    let square: Double
  }

  /// The coefficients of half the difference or half the sum of the outputs of pairs, by the size of
  /// the subset that comes first.
  func pairs(_ parity: Parity) -> [Pair] {
    (0...segments / 2).map { size in
      let other = segments - size
      let sign: Double = parity == .odd ? -1 : 1
      let factor = size == other ? 0.5 : 1
      let a = factor * (inside[size] + sign * outside[other])
      let b = factor * (outside[size] + sign * inside[other])
      return Pair(
        inside: a, outside: b, level: factor * (level[size] + sign * level[other]),
        square: square(a, b, size))
    }
  }

  /// The two parts of an output: that which changes its sign where all bits are reversed, and that
  /// which does not.
  enum Parity: CaseIterable {
    case odd, even
  }
}
