internal import PrismKernels

/// Convolutions that follow each other, computed together in parts: what lies between them is never
/// whole, and stays in the second-level cache.
///
/// The middle is a depthwise convolution or the walk back through one; before it stands a pointwise
/// or a dense one, after it a pointwise one, or either is missing. The parts are bands of rows, of
/// which neighbours share the rows under the kernel; or, on small maps with many channels between a
/// pointwise and the depthwise convolution, blocks of channels, which share nothing. An output's
/// bits are those of the steps one after the other, since each of them is computed in one way,
/// whatever is computed with it.
struct ConvolutionChain: StepKind {
  let before: (any RowStepKind)?
  let depthwise: any DepthwiseStepKind
  let after: PointwiseStep?
  /// The channels in a panel of the weights before the depthwise convolution.
  let panelWidth: Int
  /// The rows of the depthwise convolution's output that are computed at a time.
  private let bandRows: Int

  init(
    before: (any RowStepKind)?, depthwise: any DepthwiseStepKind, after: PointwiseStep?,
    panelWidth: Int
  ) {
    self.before = before
    self.depthwise = depthwise
    self.after = after
    self.panelWidth = panelWidth
    let (source, target) = (depthwise.source, depthwise.target)
    func size(_ rows: Int) -> Int {
      (before == nil ? 0 : depthwise.sourceRows(rows) * source.width * depthwise.channels)
        + (after == nil ? 0 : rows * target.width * depthwise.channels)
    }
    var rows = 1
    while rows < target.height, size(rows + 1) <= Self.bandSize { rows += 1 }
    bandRows = rows
  }

  /// The map that the depthwise convolution reads, and the one that it writes.
  private var source: (height: Int, width: Int) { depthwise.source }
  private var target: (height: Int, width: Int) { depthwise.target }

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

  private var rowBefore: Int { source.width * depthwise.channels }
  private var rowAfter: Int { target.width * depthwise.channels }

  private var sizeBefore: Int {
    guard before != nil else { return 0 }
    return ArenaLayout.aligned(depthwise.sourceRows(bandRows) * rowBefore)
  }

  private var sizeAfter: Int { after == nil ? 0 : ArenaLayout.aligned(bandRows * rowAfter) }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    let block = isOnSmallMap ? pixels * Self.blockStride(blockPanels * panelWidth) : 0
    let bands = isByChannels ? 0 : sizeBefore + sizeAfter
    let links = step.links.map { $0.kind.scratchSize(of: $0, kernels: kernels) }
    return max(block, bands) + (links.max() ?? 0)
  }

  // MARK: - Blocks of channels

  /// Whether a depthwise convolution and the pointwise one before it can be computed in blocks of
  /// channels: where the weights between them are larger than the map, reading those once counts
  /// for more.
  private var isOnSmallMap: Bool {
    before is PointwiseStep && depthwise.suitsChannels && depthwise.channels > pixels
      && pixels * panelWidth <= Self.bandSize
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

  private var pixels: Int { source.height * source.width }

  private var panels: Int { (depthwise.channels + panelWidth - 1) / panelWidth }

  /// The panels of channels that are computed at a time.
  private var blockPanels: Int { min(panels, Self.bandSize / (pixels * panelWidth)) }

  /// The floats between two pixels of a block: an odd number of cache lines, so that pixels do not
  /// fall on the same.
  private static func blockStride(_ channels: Int) -> Int { ArenaLayout.aligned(channels) | 16 }

  func divisions(of step: Step) -> Int { partCount }

  private var partCount: Int { isByChannels ? panels : target.height }

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
      var second = stepOfDepthwise(step).convolutionJob(depthwise.shape, context)
    else { return }
    let start = panels.lowerBound * panelWidth
    let end = min(panels.upperBound * panelWidth, depthwise.channels)
    first.panels = panels
    first.output = block - start
    first.outputStride = Self.blockStride(end - start)
    kernels.pointwise(first)
    second.input = UnsafePointer(first.output)
    second.inputStride = first.outputStride
    second.channels = start..<end
    depthwise.run(second, kernels)
  }

  // MARK: - Bands of rows

  /// Computes some rows of the output.
  private func executeBands(
    _ step: Step, _ context: Context, _ kernels: Kernels, rows: Range<Int>
  ) {
    let (bandBefore, bandAfter) = (context.scratch, context.scratch + sizeBefore)
    var context = context
    context.scratch += sizeBefore + sizeAfter
    guard var middle = stepOfDepthwise(step).convolutionJob(depthwise.shape, context) else {
      return
    }

    // The rows `base ..< computed` of the middle's input are in the band.
    var (base, computed) = (0, 0)
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: bandRows) {
      let end = min(start + bandRows, rows.upperBound)
      if let before {
        let rows = depthwise.sourceRows(under: start..<end)
        let (top, bottom) = (rows.lowerBound, rows.upperBound)
        if start == rows.lowerBound || computed <= top {
          computed = top
        } else {
          // What the last band shares with this one moves to the front.
          bandBefore.update(
            from: bandBefore + (top - base) * rowBefore, count: (computed - top) * rowBefore)
        }
        base = top
        // The walk back may have all that it needs from the band before.
        if computed < bottom {
          before.executeRows(
            computed..<bottom, of: stepBefore(step), context, kernels,
            into: bandBefore - base * rowBefore)
        }
        computed = bottom
        middle.input = UnsafePointer(bandBefore - base * rowBefore)
        middle.inputStride = depthwise.channels
      }
      middle.rows = start..<end
      guard let after else {
        depthwise.run(middle, kernels)
        continue
      }
      middle.output = bandAfter - start * rowAfter
      middle.outputStride = depthwise.channels
      depthwise.run(middle, kernels)
      after.executePixels(
        (start * target.width)..<(end * target.width), of: stepAfter(step), context, kernels,
        from: UnsafePointer(bandAfter - start * rowAfter))
    }
  }
}
