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
