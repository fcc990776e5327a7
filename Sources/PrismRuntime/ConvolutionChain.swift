internal import PrismKernels

/// Convolutions that follow each other, computed together in parts: what lies between them is never whole, and stays in
/// the second-level cache.
///
/// The middle is a depthwise convolution; before it stands a pointwise or a dense one, after it a pointwise one, or
/// either is missing. The parts are bands of rows, of which neighbours share the rows under the kernel; or, on small
/// maps with many channels between a pointwise and the depthwise convolution, blocks of channels, which share nothing.
/// An output's bits are those of the steps one after the other, since each of them is computed in one way, whatever is
/// computed with it.
struct ConvolutionChain: Sendable {
  let before: Step?
  let depthwise: Step
  let after: Step?
  /// The sizes of the depthwise convolution.
  let shape: ConvolutionShape
  /// The floats of scratch that the steps need themselves.
  let stepScratch: Int
  /// The channels in a panel of the weights before the depthwise convolution.
  let panelWidth: Int

  /// The floats between the steps that are in use at a time, at most where a row allows it: a third of a usual
  /// second-level cache of 1 MiB, which leaves room for weights, input and output.
  private static let bandSize = 88 << 10

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
  var scratchSize: Int {
    let block = pixels * Self.blockStride(blockPanels * panelWidth)
    let bands = sizeBefore + sizeAfter
    return (halves != nil ? max(block, bands) : isByChannels ? block : bands) + stepScratch
  }

  // MARK: - Blocks of channels

  /// Whether a depthwise convolution and the pointwise one before it are computed in blocks of channels: where the
  /// weights between them are larger than the map, reading those once counts for more.
  static func isByChannels(_ shape: ConvolutionShape, panelWidth: Int) -> Bool {
    let pixels = shape.inputHeight * shape.inputWidth
    return shape.inputChannels > pixels && pixels * panelWidth <= bandSize
  }

  private var isByChannels: Bool {
    guard after == nil, let before, case .pointwise = before.work else { return false }
    return Self.isByChannels(shape, panelWidth: panelWidth)
  }

  /// A chain on a small map as two steps with the whole map between them: threads divide the first by channels and
  /// share nothing, where they would compute many rows twice.
  var halves: [Step]? {
    guard let before, case .pointwise = before.work, let after,
      Self.isByChannels(shape, panelWidth: panelWidth)
    else { return nil }
    let first = ConvolutionChain(
      before: before, depthwise: depthwise, after: nil, shape: shape, stepScratch: stepScratch,
      panelWidth: panelWidth)
    return [Step(work: .chain(first), input: before.input, output: depthwise.output), after]
  }

  private var pixels: Int { shape.inputHeight * shape.inputWidth }

  private var panels: Int { (shape.inputChannels + panelWidth - 1) / panelWidth }

  /// The panels of channels that are computed at a time.
  private var blockPanels: Int { min(panels, Self.bandSize / (pixels * panelWidth)) }

  /// The floats between two pixels of a block: an odd number of cache lines, so that pixels do not fall on the same.
  private static func blockStride(_ channels: Int) -> Int { ArenaLayout.aligned(channels) | 16 }

  /// Into how many parts the chain can be divided among threads.
  var partCount: Int { isByChannels ? panels : shape.outputHeight }

  /// Computes one of `parts` equal parts of the output.
  func execute(_ context: Context, _ kernels: Kernels, part: Int, of parts: Int) {
    let range = (partCount * part / parts)..<(partCount * (part + 1) / parts)
    if isByChannels {
      // Blocks of about the same size.
      let blocks = (range.count + blockPanels - 1) / blockPanels
      for block in 0..<blocks {
        let (start, end) = (range.count * block / blocks, range.count * (block + 1) / blocks)
        execute(
          context, kernels, panels: (range.lowerBound + start)..<(range.lowerBound + end))
      }
    } else {
      execute(context, kernels, rows: range)
    }
  }

  /// Computes the channels of some panels.
  private func execute(_ context: Context, _ kernels: Kernels, panels: Range<Int>) {
    let block = context.scratch
    var context = context
    context.scratch += pixels * Self.blockStride(blockPanels * panelWidth)
    guard let before, var first = before.pointwiseJob(context),
      var second = depthwise.convolutionJob(shape, context)
    else { return }
    let start = panels.lowerBound * panelWidth
    let end = min(panels.upperBound * panelWidth, shape.inputChannels)
    (first.panelStart, first.panelEnd) = (panels.lowerBound, panels.upperBound)
    first.output = block - start
    first.outputStride = Self.blockStride(end - start)
    kernels.pointwise(first)
    second.input = UnsafePointer(first.output)
    second.inputStride = first.outputStride
    (second.channelStart, second.channelEnd) = (start, end)
    kernels.depthwise(second)
  }

  // MARK: - Bands of rows

  /// Computes some rows of the output.
  private func execute(_ context: Context, _ kernels: Kernels, rows: Range<Int>) {
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
