internal import PrismKernels

/// A Winograd convolution and the maximum pooling after it, computed together in bands of rows: the
/// map between them, the largest of many networks, is never whole.
///
/// Only where the windows of the pooling do not overlap and a row of tiles fills whole windows, so
/// that bands share nothing. The bits are those of the two steps one after the other.
struct PooledConvolution: StepKind {
  let convolution: WinogradStep
  /// The sizes of the pooling.
  let pool: ConvolutionShape

  private var shape: ConvolutionShape { convolution.shape }
  private var m: Int { convolution.m }

  /// Makes the kind, where bands of a convolution's tiles are whole windows of a pooling.
  init?(_ convolution: WinogradStep, _ pooling: MaximumPoolStep) {
    let (shape, pool) = (convolution.shape, pooling.shape)
    guard shape.outputHeight * shape.outputWidth * shape.outputChannels >= Self.leastSize,
      pool.kernelHeight == pool.strideHeight, convolution.m % pool.strideHeight == 0,
      pool.paddingTop == 0
    else { return nil }
    self.convolution = convolution
    self.pool = pool
  }

  func label(of step: Step) -> String {
    "\(convolution.label(of: step.links[0])), maximum pool"
  }

  func flops(of step: Step) -> Int { convolution.flops(of: step.links[0]) }

  func divisions(of step: Step) -> Int { tileRows }

  /// The floats between convolution and pooling from which on a map is worth not to be whole.
  static let leastSize = 1 << 20

  /// The floats of a band, at most where a row of tiles allows it: enough tiles for whole blocks of
  /// the convolution.
  private static let bandSize = 192 << 10

  private var columns: Int { (shape.outputWidth + m - 1) / m }

  /// The rows of the pooling's output that a row of tiles gives.
  private var pooledRows: Int { m / pool.strideHeight }

  /// The rows of tiles that the pooling looks at, which threads can divide.
  private var tileRows: Int { (pool.outputHeight + pooledRows - 1) / pooledRows }

  private var rowSize: Int { shape.outputWidth * shape.outputChannels }

  private var bandRows: Int { max(1, min(tileRows, Self.bandSize / (m * rowSize))) }

  private var bandCount: Int { ArenaLayout.aligned(bandRows * m * rowSize) }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    bandCount + convolution.scratchSize(of: step.links[0], kernels: kernels)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let band = context.scratch
    var context = context
    context.scratch += bandCount
    guard var first = convolution.job(step.links[0], context) else { return }
    let range = part.range(of: tileRows)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: bandRows) {
      let end = min(start + bandRows, range.upperBound)
      first.rows = (start * columns)..<(end * columns)
      // Where row 0 would be.
      first.output = band - start * m * rowSize
      first.outputStride = shape.outputChannels
      kernels.winograd(first, m: m)
      var second = ConvolutionJob(
        shape: pool, input: UnsafePointer(first.output), inputStride: shape.outputChannels,
        weights: UnsafePointer(band), output: context.pointer(step.output),
        outputStride: step.output.stride)
      second.rows = (start * pooledRows)..<min(end * pooledRows, pool.outputHeight)
      kernels.maximumPool(second)
    }
  }
}
