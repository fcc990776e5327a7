internal import PrismKernels

/// Convolutions that follow each other, computed together in bands of rows: what lies between them is never whole, and
/// stays in the second-level cache.
///
/// The middle is a depthwise convolution; before it stands a pointwise or a dense one, after it a pointwise one, or
/// either is missing. An output's bits are those of the steps one after the other, since a row of each of them is
/// computed in one way, whichever rows are computed with it.
struct ConvolutionChain: Sendable {
  let before: Step?
  let depthwise: Step
  let after: Step?
  /// The sizes of the depthwise convolution.
  let shape: ConvolutionShape
  /// The floats of scratch that the steps need themselves.
  let stepScratch: Int

  /// The floats between the steps that are in use at a time, at most where a row allows it: a third of a usual
  /// second-level cache of 1 MiB, which leaves room for weights, input and output.
  private static let bandSize = 88 << 10

  /// The floats between two steps from which on a chain is worth its repeated rows.
  static let leastSize = 128 << 10

  private var rowBefore: Int { shape.inputWidth * shape.inputChannels }
  private var rowAfter: Int { shape.outputWidth * shape.outputChannels }

  /// The rows of the depthwise convolution's output that are computed at a time.
  private var bandRows: Int {
    let (first, next) = (
      before == nil ? 0 : shape.kernelHeight * rowBefore + (after == nil ? 0 : rowAfter),
      (before == nil ? 0 : shape.strideHeight * rowBefore) + (after == nil ? 0 : rowAfter)
    )
    return max(1, min(shape.outputHeight, 1 + (Self.bandSize - first) / max(next, 1)))
  }

  private var sizeBefore: Int {
    guard before != nil else { return 0 }
    let rows = (bandRows - 1) * shape.strideHeight + shape.kernelHeight
    return ArenaLayout.aligned(min(rows, shape.inputHeight) * rowBefore)
  }

  private var sizeAfter: Int { after == nil ? 0 : ArenaLayout.aligned(bandRows * rowAfter) }

  /// The floats of scratch that a thread needs.
  var scratchSize: Int { sizeBefore + sizeAfter + stepScratch }

  /// Computes some rows of the output.
  func execute(_ context: Context, _ kernels: Kernels, rows: Range<Int>) {
    let (bandBefore, bandAfter) = (context.scratch, context.scratch + sizeBefore)
    var context = context
    context.scratch += sizeBefore + sizeAfter
    guard var middle = depthwise.convolutionJob(shape, context) else { return }

    // The rows `base ..< computed` of the middle's input are in the band.
    var (base, computed) = (0, 0)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: bandRows) {
      let end = min(start + bandRows, rows.upperBound)
      if let before {
        let top = max(0, start * shape.strideHeight - shape.paddingTop)
        let bottom = min(
          shape.inputHeight, (end - 1) * shape.strideHeight - shape.paddingTop + shape.kernelHeight)
        if start == rows.lowerBound || computed <= top {
          computed = top
        } else {
          // What the last band shares with this one moves to the front.
          bandBefore.update(
            from: bandBefore + (top - base) * rowBefore, count: (computed - top) * rowBefore)
        }
        base = top
        before.executeRows(
          computed..<bottom, context, kernels, into: bandBefore - base * rowBefore)
        computed = bottom
        middle.input = UnsafePointer(bandBefore - base * rowBefore)
        middle.inputStride = shape.inputChannels
      }
      (middle.rowStart, middle.rowEnd) = (start, end)
      guard let after else {
        kernels.depthwise(middle)
        continue
      }
      middle.output = bandAfter - start * rowAfter
      middle.outputStride = shape.outputChannels
      kernels.depthwise(middle)
      after.executePixels(
        (start * shape.outputWidth)..<(end * shape.outputWidth), context, kernels,
        from: UnsafePointer(bandAfter - start * rowAfter))
    }
  }
}

extension Step {
  /// Computes some rows of a convolution's output into other memory, where row 0 would be at `target`.
  fileprivate func executeRows(
    _ rows: Range<Int>, _ context: Context, _ kernels: Kernels,
    into target: UnsafeMutablePointer<Float>
  ) {
    switch work {
    case .pointwise(let width):
      guard var job = pointwiseJob(context) else { return }
      (job.rowStart, job.rowEnd) = (rows.lowerBound * width, rows.upperBound * width)
      job.output = target
      job.outputStride = output.channels
      kernels.pointwise(job)
    case .direct(let shape):
      guard var job = convolutionJob(shape, context) else { return }
      (job.rowStart, job.rowEnd) = (rows.lowerBound, rows.upperBound)
      job.output = target
      job.outputStride = output.channels
      kernels.dense(job)
    default: break
    }
  }

  /// Computes some pixels of a pointwise convolution from other memory, where pixel 0 would be at `source`.
  fileprivate func executePixels(
    _ pixels: Range<Int>, _ context: Context, _ kernels: Kernels,
    from source: UnsafePointer<Float>
  ) {
    guard var job = pointwiseJob(context) else { return }
    (job.rowStart, job.rowEnd) = (pixels.lowerBound, pixels.upperBound)
    job.input = source
    job.inputStride = input.channels
    kernels.pointwise(job)
  }
}
