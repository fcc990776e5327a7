internal import PrismTensor

/// Wilcoxon's signed-rank test of paired differences, two-sided.
///
/// Zeros are left out, equal magnitudes share the mean of their ranks. With up to ``exactLimit``
/// differences the p-value is exact for the ranks that there are (every difference may have had the
/// other sign); beyond, it is the normal approximation with the variance corrected for ties.
/// Definition: Wilcoxon, "Individual comparisons by ranking methods", Biometrics 1945.
public struct SignedRankTest: Sendable, Equatable {
  /// The most differences whose distribution is counted out.
  public static let exactLimit = 50

  /// The number of differences that are not zero.
  public let count: Int
  /// The sum of the ranks of the positive differences.
  public let positiveRanks: Double
  /// How probable ranks as uneven as these are by chance; 1 without any difference.
  public let p: Double

  /// Tests differences.
  ///
  /// - Parameter differences: One a pair.
  public init(_ differences: [Double]) {
    let differences = differences.filter { $0 != 0 && $0.isFinite }
    count = differences.count
    let (ranks, ties) = Self.ranks(of: differences.map(abs))
    positiveRanks = zip(ranks, differences).reduce(0) { $1.1 > 0 ? $0 + $1.0 : $0 }
    p =
      count == 0
      ? 1
      : count <= Self.exactLimit
        ? Self.exact(ranks, positiveRanks) : Self.approximate(ranks.count, ties, positiveRanks)
  }

  /// The ranks from 1 on, and `Σ (t³ − t)` over groups of t equals.
  private static func ranks(of values: [Double]) -> (ranks: [Double], ties: Double) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var (start, ties) = (0, 0.0)
    while start < order.count {
      var end = start
      while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
      for place in start...end { ranks[order[place]] = Double(start + end) / 2 + 1 }
      let size = Double(end - start + 1)
      ties += size * size * size - size
      start = end + 1
    }
    return (ranks, ties)
  }

  /// Counts over all signs; twice a rank is a whole number.
  private static func exact(_ ranks: [Double], _ positive: Double) -> Double {
    let doubled = ranks.map { Int((2 * $0).rounded()) }
    let total = doubled.reduce(0, +)
    var chances = [Double](repeating: 0, count: total + 1)
    chances[0] = 1
    var reach = 0
    for rank in doubled {
      for sum in stride(from: reach, through: 0, by: -1) {
        let half = chances[sum] / 2
        chances[sum] = half
        chances[sum + rank] += half
      }
      reach += rank
    }
    let least = min(Int((2 * positive).rounded()), total - Int((2 * positive).rounded()))
    return min(1, 2 * chances[...least].reduce(0, +))
  }

  private static func approximate(_ count: Int, _ ties: Double, _ positive: Double) -> Double {
    let n = Double(count)
    let variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48
    guard variance > 0 else { return 1 }
    let distance = abs(positive - n * (n + 1) / 4) / variance.squareRoot()
    return complementaryErrorFunction(distance / 2.0.squareRoot())
  }

  /// The p-values of several tests, corrected by Holm's method for having made them all.
  ///
  /// Definition: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
  /// Journal of Statistics 1979.
  ///
  /// - Parameter values: The p-values.
  /// - Returns: As many, in the same order; none is smaller than it was.
  public static func holm(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var adjusted = values
    var largest = 0.0
    for (place, index) in order.enumerated() {
      largest = max(largest, min(1, values[index] * Double(values.count - place)))
      adjusted[index] = largest
    }
    return adjusted
  }
}
