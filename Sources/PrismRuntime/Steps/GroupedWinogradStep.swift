internal import PrismKernels

/// A 3×3 convolution without stride in groups of channels, each by Winograd's F(m×m, 3×3).
struct GroupedWinogradStep: PackedStepKind, RegionStepKind, TiledStepKind {
  let shape: ConvolutionShape
  private let groups: ChannelGroups
  let m: Int
  private let points: WinogradPoints

  /// Makes the kind for a convolution, where it suits one: elsewhere the direct sum is better.
  init?(
    _ shape: ConvolutionShape, groups: ChannelGroups, precision: Plan.Precision, kernels: Kernels
  ) {
    // The products of fewer tiles take less time than it takes to read their weights.
    guard groups.part.suitsWinograd, kernels.winogradTiles(shape, m: 4) >= 9 else { return nil }
    self.shape = shape
    self.groups = groups
    m = precision == .strict ? 2 : 4
    points = precision == .careful ? .near : .whole
  }

  func label(of step: Step) -> String {
    "\(groups.count) groups winograd F(\(m)×\(m)) \(sizes(of: step))"
  }

  func flops(of step: Step) -> Int { shape.flops / groups.count }

  func divisions(of step: Step) -> Int { shape.rowDivisions }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    kernels.groupedWinogradScratchSize(shape, groups: groups.parts, m: m)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard var job = job(step, context) else { return }
    let tiles = kernels.winogradTiles(shape, m: m)
    // Threads that divide the groups read half of the weights each.
    if groups.parts >= 4 * part.count {
      job.rows = 0..<tiles
      let range = part.range(of: groups.parts)
      let outputs = groups.part.outputChannels
      job.channels = range.lowerBound * outputs..<range.upperBound * outputs
    } else {
      job.rows = part.range(of: tiles)
    }
    kernels.groupedWinograd(job, groups: groups.parts, m: m)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    guard var job = job(step, context) else { return }
    (job.rows, job.columns) = tiles(over: region)
    kernels.groupedWinograd(job, groups: groups.parts, m: m)
  }

  /// The job over all tiles and groups.
  private func job(_ step: Step, _ context: Context) -> ConvolutionJob? {
    var job = step.convolutionJob(shape, context)
    job?.points = points
    return job
  }

  // MARK: - Weights

  var format: String { "grouped winograd F(\(m)×\(m)) \(points)" }

  func packedSize(_ kernels: Kernels) -> Int {
    kernels.groupedWinogradPackedSize(
      groups: groups.parts, inputChannels: groups.part.inputChannels,
      outputChannels: groups.part.outputChannels, m: m)
  }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    groups.forEachPart(weights: weights, bias: bias) { index, weights, bias in
      kernels.packGroupedWinograd(
        weights: weights, bias: bias, group: index, groups: groups.parts,
        inputChannels: groups.part.inputChannels, outputChannels: groups.part.outputChannels, m: m,
        points: points, into: packed)
    }
  }
}
