internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// The tiles in which Winograd's algorithm computes a convolution.
///
/// A tile of `m × m` outputs is computed from a patch of `(m + 2)²` inputs, and its rounding depends
/// on all of them, but not everywhere: the first row of the patch goes into the products of the point
/// 0 alone, and these into the first row of the outputs alone; so do the last row and the point at
/// infinity, and so do columns. A change that meets no more of a patch than its outer rows or columns
/// alters, to the last bit, only the row or column of outputs beside it.
struct TileGrid: Sendable {
  /// The rows and columns of outputs of a tile.
  let side: Int
  /// The rows of padding above the input, and the columns to its left.
  private let top, left: Int

  init(_ kind: any TiledStepKind) {
    (side, top, left) = (kind.m, kind.shape.paddingTop, kind.shape.paddingLeft)
  }

  /// The outputs that a change alters.
  ///
  /// - Parameters:
  ///   - rectangle: The changed rows and columns of the input; not empty.
  ///   - output: The output's shape, `[N, H, W, C]`.
  /// - Returns: The smallest rectangle; empty where the change reaches no output.
  func altered(by rectangle: Rectangle, in output: Shape) -> Rectangle {
    Rectangle(
      rows: altered(by: rectangle.rows, padding: top, count: output[1]),
      columns: altered(by: rectangle.columns, padding: left, count: output[2]))
  }

  private func altered(by input: Range<Int>, padding: Int, count: Int) -> Range<Int> {
    // Of the patch of tile k, whose first pixel is k · side − padding, the inner pixels are
    // k · side − padding + 1 and the next: those of all tiles follow each other. Counted from that of
    // tile 0; one tile more, so that nothing is negative.
    let first = input.lowerBound + padding - 1 + side
    let last = input.upperBound - 1 + padding - 1 + side
    var low = first / side * side
    var high = last / side * side + side
    // The first inner pixel of a tile is the last of the patch before, and the last inner one the
    // first of the patch after.
    if first == low { low -= 1 }
    if last == high - 1 { high += 1 }
    let start = min(max(low - side, 0), count)
    return start..<max(start, min(high - side, count))
  }

  /// The outputs of all tiles that hold some of a rectangle.
  ///
  /// - Parameters:
  ///   - rectangle: Rows and columns of the output.
  ///   - map: All of the output.
  /// - Returns: The smallest rectangle of whole tiles.
  func tiles(over rectangle: Rectangle, in map: Rectangle) -> Rectangle {
    func tiles(_ range: Range<Int>, _ count: Int) -> Range<Int> {
      range.lowerBound / side * side..<min((range.upperBound + side - 1) / side * side, count)
    }
    return Rectangle(
      rows: tiles(rectangle.rows, map.rows.upperBound),
      columns: tiles(rectangle.columns, map.columns.upperBound))
  }
}
