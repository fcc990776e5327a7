/// A picture's resizing along one axis: every new pixel is a sum of old ones times weights in fixed
/// point, rounded to 8 bits.
package struct ResamplingJob {
  /// The picture `[H, W, 3]`.
  package var source: UnsafePointer<UInt8>
  /// `W`, at least 1.
  package var width: Int
  /// The result, `[H, W', 3]` along rows and `[H', W, 3]` along columns.
  package var target: UnsafeMutablePointer<UInt8>
  /// `W'` or `H'`.
  package var newCount: Int
  /// The first old pixel, or row, of every new one.
  package var starts: UnsafePointer<Int>
  /// How many weights a new row has; along rows, how many pairs of them a new pixel has.
  package var taps: Int
  /// The weights: along columns `[H', taps]`, all of whose rows are there; along rows
  /// `[W', taps, 2, 4]`, each of them four times.
  package var weights: UnsafePointer<Int32>

  /// The numbers that work along rows needs room for.
  package var scratchCount: Int { width + 2 * taps }

  /// Makes a job.
  package init(
    source: UnsafePointer<UInt8>, width: Int, target: UnsafeMutablePointer<UInt8>, newCount: Int,
    starts: UnsafePointer<Int>, taps: Int, weights: UnsafePointer<Int32>
  ) {
    self.source = source
    self.width = width
    self.target = target
    self.newCount = newCount
    self.starts = starts
    self.taps = taps
    self.weights = weights
  }
}
