internal import PrismKernels

/// A 3×3 convolution without stride by Winograd's F(m×m, 3×3).
struct WinogradStep: PackedStepKind, BatchedStepKind, RegionStepKind, TiledStepKind {
  let shape: ConvolutionShape
  let m: Int
  let points: WinogradPoints
  /// Whether the weights are worth reading once for a whole batch.
  private(set) var isBatched: Bool

  /// Makes the kind for a convolution, where it suits one: elsewhere the direct sum is better.
  init?(_ shape: ConvolutionShape, precision: Plan.Precision, kernels: Kernels) {
    guard shape.suitsWinograd else { return nil }
    func weights(_ m: Int) -> Int {
      kernels.winogradPackedSize(
        inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, m: m)
    }
    // The products of few tiles take less time than it takes to read the weights of F(4×4).
    let readsMost = weights(4) >= 1 << 21 && kernels.winogradTiles(shape, m: 4) <= 16
    self.shape = shape
    m = precision == .strict || (precision == .careful && readsMost) ? 2 : 4
    points = precision == .careful ? .near : .whole
    let large = precision == .careful && m == 2 ? 1 << 20 : 1 << 21
    isBatched = weights(m) >= large && kernels.winogradTiles(shape, m: m) <= 64
  }

  /// The same where a few tiles of each of several images are computed.
  func batchedForParts(_ kernels: Kernels) -> WinogradStep {
    var step = self
    step.isBatched = isBatched || packedSize(kernels) >= 1 << 20
    return step
  }

  func label(of step: Step) -> String { "winograd F(\(m)×\(m)) \(sizes(of: step))" }

  func flops(of step: Step) -> Int { shape.flops }

  func divisions(of step: Step) -> Int { shape.rowDivisions }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    max(kernels.winogradScratchSize(shape, m: m), kernels.winogradPatchSize(shape, m: m))
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard var job = job(step, context) else { return }
    job.rows = part.range(of: kernels.winogradTiles(shape, m: m))
    kernels.winograd(job, m: m)
  }

  /// The job over all tiles.
  func job(_ step: Step, _ context: Context) -> ConvolutionJob? {
    var job = step.convolutionJob(shape, context)
    job?.points = points
    return job
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    guard var job = job(step, context) else { return }
    (job.rows, job.columns) = tiles(over: region)
    kernels.winograd(job, m: m)
  }

  // MARK: - Batches

  var batched: (any BatchedStepKind)? { isBatched ? self : nil }

  var readsBeforeWriting: Bool { true }

  func sharedSize(images: Int) -> Int { WinogradBatch(self, images: images).sharedSize }

  func execute(
    _ step: Step, workspace: Workspace, images: Int, kernels: Kernels, pool: WorkerPool
  ) {
    WinogradBatch(self, images: images)
      .execute(step, workspace: workspace, kernels: kernels, pool: pool)
  }

  // MARK: - Weights

  var format: String { "winograd F(\(m)×\(m)) \(points)" }

  func packedSize(_ kernels: Kernels) -> Int {
    kernels.winogradPackedSize(
      inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, m: m)
  }

  func packingPanels(_ kernels: Kernels) -> Int {
    kernels.pointwisePanels(outputChannels: shape.outputChannels)
  }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    kernels.packWinograd(
      weights: weights, bias: bias, inputChannels: shape.inputChannels,
      outputChannels: shape.outputChannels, m: m, points: points, panelStart: panels.lowerBound,
      panelEnd: panels.upperBound, into: packed)
  }
}
