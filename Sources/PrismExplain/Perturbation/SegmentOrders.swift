internal import PrismTensor

/// Orders of segments, each with its reverse.
enum SegmentOrders {
  /// One of each order and its reverse, where there are no more than a limit of such pairs.
  static func everyOrder(of d: Int, limit: Int) -> [[Int]]? {
    var count = 1
    for factor in 2...max(d, 2) {
      count *= factor
      if count / 2 > limit { return nil }
    }
    var orders: [[Int]] = [[]]
    for _ in 0..<d {
      orders = orders.flatMap { order in
        (0..<d).filter { !order.contains($0) }.map { order + [$0] }
      }
    }
    return orders.filter { $0[0] < $0[d - 1] }
  }

  /// A random order, which depends on the seed and its index alone.
  static func order(of d: Int, seed: UInt64, sample: Int) -> [Int] {
    var random = SeededRandom(seed: seed, sample: sample)
    var order = Array(0..<d)
    for i in stride(from: d - 1, to: 0, by: -1) {
      order.swapAt(i, Int(random.next(upperBound: UInt64(i + 1))))
    }
    return order
  }

  /// What each segment adds, the mean of the order and its reverse.
  ///
  /// - Parameters:
  ///   - order: The order.
  ///   - scores: Of its first 1 to d − 1 segments, and then of its last.
  ///   - base: Without segments.
  ///   - full: With all.
  /// - Returns: One number a segment, in the segments' own order.
  static func contributions(
    of order: [Int], _ scores: [Double], base: Double, full: Double
  ) -> [Double] {
    let d = order.count
    let forward = [base] + scores.prefix(d - 1) + [full]
    let backward = [base] + scores.suffix(d - 1) + [full]
    var values = [Double](repeating: 0, count: d)
    for (place, segment) in order.enumerated() {
      let first = forward[place + 1] - forward[place]
      let second = backward[d - place] - backward[d - place - 1]
      values[segment] = (first + second) / 2
    }
    return values
  }
}

extension Coalitions {
  /// Adds the first 1 to d − 1 segments of an order, and then as many of its last.
  mutating func append(_ order: [Int]) {
    for walk in [order, order.reversed()] {
      var places = [Int](repeating: 0, count: walk.count)
      for (place, segment) in walk.enumerated() { places[segment] = place }
      for count in 1..<walk.count { append { places[$0] < count } }
    }
  }
}
