internal import PrismKernels

/// A Winograd convolution and the maximum pooling after it, computed together in bands of rows: the map between them, the
/// largest of many networks, is never whole.
///
/// Only where the windows of the pooling do not overlap and a row of tiles fills whole windows, so that bands share
/// nothing. The bits are those of the two steps one after the other.
struct PooledConvolution: Sendable {
  let convolution: Step
  /// The sizes of the convolution.
  let shape: ConvolutionShape
  /// Of F(m×m, 3×3).
  let m: Int
  /// The sizes of the pooling.
  let pool: ConvolutionShape
  /// The floats of scratch that the convolution needs itself.
  let stepScratch: Int

  /// The floats between convolution and pooling from which on a map is worth not to be whole.
  static let leastSize = 1 << 20

  /// The floats of a band, at most where a row of tiles allows it: enough tiles for whole blocks of the convolution.
  private static let bandSize = 192 << 10

  /// Whether bands of a convolution's tiles are whole windows of a pooling.
  static func suits(_ shape: ConvolutionShape, m: Int, pool: ConvolutionShape) -> Bool {
    shape.outputHeight * shape.outputWidth * shape.outputChannels >= leastSize
      && pool.kernelHeight == pool.strideHeight && m % pool.strideHeight == 0
      && pool.paddingTop == 0
  }

  private var columns: Int { (shape.outputWidth + m - 1) / m }

  /// The rows of the pooling's output that a row of tiles gives.
  private var pooledRows: Int { m / pool.strideHeight }

  /// The rows of tiles that the pooling looks at, which threads can divide.
  var tileRows: Int { (pool.outputHeight + pooledRows - 1) / pooledRows }

  private var rowSize: Int { shape.outputWidth * shape.outputChannels }

  private var bandRows: Int { max(1, min(tileRows, Self.bandSize / (m * rowSize))) }

  /// The floats of scratch that a thread needs.
  var scratchSize: Int { ArenaLayout.aligned(bandRows * m * rowSize) + stepScratch }

  /// Computes one of `parts` equal parts of the output.
  func execute(
    _ context: Context, _ kernels: Kernels, output: Place, part: Int, of parts: Int
  ) {
    let band = context.scratch
    var context = context
    context.scratch += ArenaLayout.aligned(bandRows * m * rowSize)
    guard var first = convolution.convolutionJob(shape, context) else { return }
    let end = tileRows * (part + 1) / parts
    var start = tileRows * part / parts
    while start < end {
      let next = min(start + bandRows, end)
      (first.rowStart, first.rowEnd) = (start * columns, next * columns)
      // Where row 0 would be.
      first.output = band - start * m * rowSize
      first.outputStride = shape.outputChannels
      kernels.winograd(first, m: m)
      var second = ConvolutionJob(
        shape: pool, input: UnsafePointer(first.output), inputStride: shape.outputChannels,
        weights: UnsafePointer(band), output: context.pointer(output),
        outputStride: output.stride)
      second.rowStart = start * pooledRows
      second.rowEnd = min(next * pooledRows, pool.outputHeight)
      kernels.maximumPool(second)
      start = next
    }
  }
}
