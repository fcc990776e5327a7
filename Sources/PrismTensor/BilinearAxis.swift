/// Along one axis of a plain bilinear resize: the two neighbours of every new element, and the
/// share of the second.
package struct BilinearAxis: Sendable {
  /// The neighbour before.
  package private(set) var first: [Int] = []
  /// The neighbour after; at the edge the same.
  package private(set) var second: [Int] = []
  /// The share of the second, from 0 to 1.
  package private(set) var weight: [Float] = []

  /// Finds the neighbours for a resize from one number of elements to another.
  package init(from count: Int, to newCount: Int) {
    let scale = Float(count) / Float(newCount)
    for i in 0..<newCount {
      let position = max(0, scale * (Float(i) + 0.5) - 0.5)
      let index = min(Int(position), count - 1)
      first.append(index)
      second.append(min(index + 1, count - 1))
      weight.append(min(max(position - Float(index), 0), 1))
    }
  }
  /// Finds the neighbours where the elements beyond an edge are those inside it, mirrored about the
  /// outermost one.
  package init(mirroring count: Int, to newCount: Int) {
    let last = Double(count - 1)
    for i in 0..<newCount {
      var position = (Double(i) + 0.5) * Double(count) / Double(newCount) - 0.5
      if position < 0 { position = min(-position, last) }
      if position > last { position = max(2 * last - position, 0) }
      let index = min(Int(position), count - 1)
      first.append(index)
      second.append(min(index + 1, count - 1))
      weight.append(Float(position - Double(index)))
    }
  }
}

/// The two elements around a place on an axis, whose centres are at halves.
package struct BilinearNeighbours: Sendable {
  /// The element before.
  package let first: Int
  /// The element after; at the edge the same.
  package let second: Int
  /// How far the place is from the first to the second, from 0 to 1.
  package let share: Double

  /// Finds the elements.
  ///
  /// - Parameters:
  ///   - place: From 0 at the axis' beginning to `count` at its end; what is beyond counts as the
  ///     end.
  ///   - count: The number of elements, at least 1.
  package init(of place: Double, count: Int) {
    let position = min(max(place - 0.5, 0), Double(count - 1))
    first = Int(position)
    second = min(first + 1, count - 1)
    share = position - Double(first)
  }
}
