internal import PrismKernels

/// Convolutions that follow each other, computed together in parts: what lies between them is never
/// whole, and stays in the second-level cache.
///
/// The middle is a depthwise convolution; before it stands a pointwise or a dense one, after it a
/// pointwise one, or either is missing. The parts are bands of rows, of which neighbours share the
/// rows under the kernel; or, on small maps with many channels between a pointwise and the
/// depthwise convolution, blocks of channels, which share nothing. An output's bits are those of
/// the steps one after the other, since each of them is computed in one way, whatever is computed
/// with it.
struct ConvolutionChain: StepKind {
  let before: (any RowStepKind)?
  let depthwise: DepthwiseStep
  let after: PointwiseStep?
  /// The channels in a panel of the weights before the depthwise convolution.
  let panelWidth: Int

  /// The sizes of the depthwise convolution.
  private var shape: ConvolutionShape { depthwise.shape }

  /// The step's links.
  private func stepBefore(_ step: Step) -> Step { step.links[0] }
  private func stepOfDepthwise(_ step: Step) -> Step { step.links[before == nil ? 0 : 1] }
  private func stepAfter(_ step: Step) -> Step { step.links[step.links.count - 1] }

  func label(of step: Step) -> String {
    step.links.map { $0.kind.label(of: $0) }.joined(separator: ", ")
  }

  func flops(of step: Step) -> Int { step.links.reduce(0) { $0 + $1.kind.flops(of: $1) } }

  /// The floats between the steps that are in use at a time, at most where a row allows it: a third
  /// of a usual second-level cache of 1 MiB, which leaves room for weights, input and output.
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

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    let block = isOnSmallMap ? pixels * Self.blockStride(blockPanels * panelWidth) : 0
    let bands = isByChannels ? 0 : sizeBefore + sizeAfter
    let links = step.links.map { $0.kind.scratchSize(of: $0, kernels: kernels) }
    return max(block, bands) + (links.max() ?? 0)
  }

  // MARK: - Blocks of channels

  /// Whether a depthwise convolution and the pointwise one before it are computed in blocks of
  /// channels: where the weights between them are larger than the map, reading those once counts
  /// for more.
  private static func isByChannels(_ shape: ConvolutionShape, panelWidth: Int) -> Bool {
    let pixels = shape.inputHeight * shape.inputWidth
    return shape.inputChannels > pixels && pixels * panelWidth <= bandSize
  }

  /// Whether the first two convolutions can be computed in blocks of channels.
  private var isOnSmallMap: Bool {
    before is PointwiseStep && Self.isByChannels(shape, panelWidth: panelWidth)
  }

  private var isByChannels: Bool { after == nil && isOnSmallMap }

  /// Whether threads that divide the chain of one image meet after the depthwise convolution.
  var hasHalves: Bool { after != nil && isOnSmallMap }

  /// A chain on a small map as two steps with the whole map between them.
  ///
  /// Threads divide the first by channels and share nothing, where they would compute many rows
  /// twice. What writes bits beside its values is divided step by step, since no two threads may
  /// write the same.
  func divided(_ step: Step) -> [Step] {
    if step.links.contains(where: { $0.tail.activity != nil }) { return step.links }
    guard hasHalves else { return [step] }
    let first = ConvolutionChain(
      before: before, depthwise: depthwise, after: nil, panelWidth: panelWidth)
    let middle = stepOfDepthwise(step)
    return [
      Step(
        kind: first, value: middle.value, input: step.input, output: middle.output,
        links: [stepBefore(step), middle]),
      stepAfter(step),
    ]
  }

  private var pixels: Int { shape.inputHeight * shape.inputWidth }

  private var panels: Int { (shape.inputChannels + panelWidth - 1) / panelWidth }

  /// The panels of channels that are computed at a time.
  private var blockPanels: Int { min(panels, Self.bandSize / (pixels * panelWidth)) }

  /// The floats between two pixels of a block: an odd number of cache lines, so that pixels do not
  /// fall on the same.
  private static func blockStride(_ channels: Int) -> Int { ArenaLayout.aligned(channels) | 16 }

  func divisions(of step: Step) -> Int { partCount }

  private var partCount: Int { isByChannels ? panels : shape.outputHeight }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let range = part.range(of: partCount)
    guard isByChannels else { return executeBands(step, context, kernels, rows: range) }
    // Blocks of about the same size.
    let blocks = (range.count + blockPanels - 1) / blockPanels
    for block in 0..<blocks {
      let share = Part(index: block, count: blocks).range(of: range.count)
      executeBlock(
        step, context, kernels,
        panels: (range.lowerBound + share.lowerBound)..<(range.lowerBound + share.upperBound))
    }
  }

  /// Computes the channels of some panels.
  private func executeBlock(
    _ step: Step, _ context: Context, _ kernels: Kernels, panels: Range<Int>
  ) {
    let block = context.scratch
    var context = context
    context.scratch += pixels * Self.blockStride(blockPanels * panelWidth)
    guard let before = before as? PointwiseStep, var first = before.job(stepBefore(step), context),
      var second = stepOfDepthwise(step).convolutionJob(shape, context)
    else { return }
    let start = panels.lowerBound * panelWidth
    let end = min(panels.upperBound * panelWidth, shape.inputChannels)
    first.panels = panels
    first.output = block - start
    first.outputStride = Self.blockStride(end - start)
    kernels.pointwise(first)
    second.input = UnsafePointer(first.output)
    second.inputStride = first.outputStride
    second.channels = start..<end
    kernels.depthwise(second)
  }

  // MARK: - Bands of rows

  /// Computes some rows of the output.
  private func executeBands(
    _ step: Step, _ context: Context, _ kernels: Kernels, rows: Range<Int>
  ) {
    let (bandBefore, bandAfter) = (context.scratch, context.scratch + sizeBefore)
    var context = context
    context.scratch += sizeBefore + sizeAfter
    guard var middle = stepOfDepthwise(step).convolutionJob(shape, context) else { return }

    // The rows `base ..< computed` of the middle's input are in the band.
    var (base, computed) = (0, 0)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: bandRows) {
      let end = min(start + bandRows, rows.upperBound)
      if let before {
        let (top, bottom) = inputRows(under: start..<end)
        if start == rows.lowerBound || computed <= top {
          computed = top
        } else {
          // What the last band shares with this one moves to the front.
          bandBefore.update(
            from: bandBefore + (top - base) * rowBefore, count: (computed - top) * rowBefore)
        }
        base = top
        before.executeRows(
          computed..<bottom, of: stepBefore(step), context, kernels,
          into: bandBefore - base * rowBefore)
        computed = bottom
        middle.input = UnsafePointer(bandBefore - base * rowBefore)
        middle.inputStride = shape.inputChannels
      }
      middle.rows = start..<end
      guard let after else {
        kernels.depthwise(middle)
        continue
      }
      middle.output = bandAfter - start * rowAfter
      middle.outputStride = shape.outputChannels
      kernels.depthwise(middle)
      after.executePixels(
        (start * shape.outputWidth)..<(end * shape.outputWidth), of: stepAfter(step), context,
        kernels, from: UnsafePointer(bandAfter - start * rowAfter))
    }
  }

  /// The rows of the depthwise convolution's input, inside the map, that some rows of its output
  /// need.
  private func inputRows(under rows: Range<Int>) -> (top: Int, bottom: Int) {
    let top = rows.lowerBound * shape.strideHeight - shape.paddingTop
    let last = (rows.upperBound - 1) * shape.strideHeight - shape.paddingTop
    return (max(0, top), min(shape.inputHeight, last + shape.kernelHeight))
  }
}
