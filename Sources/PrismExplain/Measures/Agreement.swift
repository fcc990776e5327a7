public import PrismTensor

/// How far two maps agree.
public struct Agreement: Sendable, Equatable, Codable {
  /// Spearman's rank correlation; `nil` where a map is constant.
  public let rankCorrelation: Double?
  /// The intersection over the union of the top pixels of both maps.
  public let topOverlap: Double

  /// Compares two maps.
  ///
  /// Equal values share the mean of their ranks in the correlation; among the top pixels they go in
  /// the order of the pixels.
  ///
  /// - Parameters:
  ///   - first: `[H, W]`.
  ///   - second: `[H, W]`.
  ///   - topShare: The share of the pixels that are on top, above 0 and at most 1.
  /// - Throws: ``ExplanationError`` where the sizes differ or a value is not finite.
  public init(
    of first: Tensor, and second: Tensor, topShare: Double = 0.1
  ) throws(ExplanationError) {
    try first.check(with: second)
    guard topShare > 0, topShare <= 1 else {
      throw .parameter("the share of the top pixels", "must be above 0 and at most 1")
    }
    rankCorrelation = Self.correlation(Self.ranks(first), Self.ranks(second))
    let count = max(Int((topShare * Double(first.count)).rounded()), 1)
    let (a, b) = (
      Set(first.descendingOrder.prefix(count)), Set(second.descendingOrder.prefix(count))
    )
    topOverlap = Double(a.intersection(b).count) / Double(a.union(b).count)
  }

  /// The rank of every element, from 1; equal elements share the mean of theirs.
  static func ranks(_ map: Tensor) -> [Double] {
    let values = map.scalars
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
      for place in start...end { ranks[order[place]] = Double(start + end) / 2 + 1 }
      start = end + 1
    }
    return ranks
  }

  private static func correlation(_ a: [Double], _ b: [Double]) -> Double? {
    let mean = Double(a.count + 1) / 2
    var (products, first, second) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      products += (x - mean) * (y - mean)
      first += (x - mean) * (x - mean)
      second += (y - mean) * (y - mean)
    }
    return first > 0 && second > 0 ? products / (first * second).squareRoot() : nil
  }
}
