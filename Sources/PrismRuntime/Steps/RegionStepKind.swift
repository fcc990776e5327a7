internal import PrismAutodiff
internal import PrismKernels

/// Some rows and columns of a map of a known width.
struct Region: Sendable {
  let rectangle: Rectangle
  /// The columns of the map.
  let width: Int

  var rows: Range<Int> { rectangle.rows }
  var columns: Range<Int> { rectangle.columns }

  /// The number of pixels.
  var count: Int { rows.count * columns.count }

  /// Visits the pixels, in row-major order, in runs as long as possible.
  func forEachRun(_ body: (Range<Int>) -> Void) {
    guard columns.count < width else {
      return body(rows.lowerBound * width..<rows.upperBound * width)
    }
    for row in rows {
      body(row * width + columns.lowerBound..<row * width + columns.upperBound)
    }
  }
}

/// A kind of step that can be computed over a part of the map that it makes.
///
/// A pixel has the bits that it has when the whole map is computed.
protocol RegionStepKind: StepKind {
  /// Computes at least the pixels of a region; those beyond it stay as they are where the rest of
  /// the map is what the step makes of its input.
  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region)

  /// Whether no row beyond a region is written, so that threads can take some rows each.
  var computesAlone: Bool { get }
}

extension RegionStepKind {
  var computesAlone: Bool { true }
}

/// A kind of step whose output's pixels depend on the same pixels of its inputs alone.
protocol PixelStepKind: RegionStepKind {
  /// Computes some pixels.
  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels: Range<Int>)
}

extension PixelStepKind {
  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    execute(step, context, kernels, pixels: part.range(of: step.output.rows))
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    region.forEachRun { execute(step, context, kernels, pixels: $0) }
  }
}
