internal import PrismTensor

extension Tensor {
  /// The positions from the largest value to the smallest; equal values keep the order of the
  /// positions.
  var descendingOrder: [Int] {
    let values = scalars
    return values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
  }

  /// Throws unless two maps have one size and are finite.
  func check(with other: Tensor) throws(ExplanationError) {
    guard shape.rank == 2, shape == other.shape else {
      throw .maskSize(given: other.shape, expected: shape)
    }
    guard isFinite, other.isFinite else { throw .notFinite(layer: "the map") }
  }
}
