internal import PrismKernels

/// Computes rows of pixels in bands, on all processors.
///
/// Every row must depend on nothing that another one writes, so that the result is the same for any
/// number of bands.
///
/// - Parameters:
///   - rows: How many rows there are.
///   - width: The pixels of a row; where there are few in all, one thread is faster than two.
///   - body: Computes some of the rows.
func inBands(rows: Int, width: Int, _ body: @Sendable (Range<Int>) -> Void) {
  let bands = min(rows, width * rows >> 14, 16)
  guard bands > 1 else { return body(0..<rows) }
  Workers.pool.run(tasks: bands) { band, _ in
    body((band * rows / bands)..<((band + 1) * rows / bands))
  }
}
