internal import PrismKernels

/// A Winograd convolution of all images of a chunk, in three phases, so that its large transformed
/// weights are read once for many of them.
struct WinogradBatch {
  /// The most tiles that are transformed at a time, where an image does not have more: their
  /// numbers then stay in a large cache between the phases, and reading the weights is still a
  /// small part of the work.
  static let mostTiles = 200

  private let kind: WinogradStep
  private let images: Int
  private let tilesPerImage: Int
  /// The most images that are taken through the phases together; no more for fewer images.
  private let most: Int

  init(_ kind: WinogradStep, images: Int) {
    self.kind = kind
    self.images = images
    let (shape, m) = (kind.shape, kind.m)
    tilesPerImage = ((shape.outputHeight + m - 1) / m) * ((shape.outputWidth + m - 1) / m)
    most = max(1, min(images, Self.mostTiles / tilesPerImage))
  }

  private var shape: ConvolutionShape { kind.shape }
  private var m: Int { kind.m }

  private func inputSize(_ kernels: Kernels) -> Int {
    ArenaLayout.aligned(
      kernels.winogradInputBufferSize(
        inputChannels: shape.inputChannels, m: m, capacity: tilesPerImage * most))
  }

  /// The floats of both shared buffers, for whatever instruction set runs them.
  var sharedSize: Int {
    InstructionSet.available.map { set in
      let kernels = Kernels(set)
      return inputSize(kernels)
        + ArenaLayout.aligned(
          kernels.winogradProductBufferSize(
            outputChannels: shape.outputChannels, m: m, capacity: tilesPerImage * most))
    }.max() ?? 0
  }

  func execute(_ step: Step, workspace: Workspace, kernels: Kernels, pool: WorkerPool) {
    // Shares of about the same size.
    let turns = (images + most - 1) / most
    for turn in 0..<turns {
      execute(
        step, (images * turn / turns)..<(images * (turn + 1) / turns), workspace: workspace,
        kernels: kernels, pool: pool)
    }
  }

  private func execute(
    _ step: Step, _ range: Range<Int>, workspace: Workspace, kernels: Kernels, pool: WorkerPool
  ) {
    guard let weights = step.weights else { return }
    let transformed = workspace.shared
    let products = transformed + inputSize(kernels)
    let capacity = tilesPerImage * range.count
    // A single image's tiles are divided, of several images each goes to one thread.
    let parts = max(1, min(pool.workerCount / range.count, tilesPerImage))
    func job(_ task: Int, _ worker: Int) -> (job: ConvolutionJob, slot: Int)? {
      let (image, part) = (task / parts, Part(index: task % parts, count: parts))
      let context = workspace.context(
        lane: worker, slot: range.lowerBound + image, image: range.lowerBound + image)
      guard var job = kind.job(step, context) else { return nil }
      job.rows = part.range(of: tilesPerImage)
      return (job, image * tilesPerImage + job.rowStart)
    }
    pool.run(tasks: range.count * parts) { task, worker in
      guard let (job, slot) = job(task, worker) else { return }
      kernels.winogradInput(job, m: m, into: transformed, capacity: capacity, slot: slot)
    }
    let points = (m + 2) * (m + 2)
    pool.run(tasks: points) { point, _ in
      kernels.winogradMultiply(
        shape, m: m, weights: weights.pointer, input: transformed, products: products,
        capacity: capacity, slotStart: 0, slotEnd: capacity, pointStart: point,
        pointEnd: point + 1)
    }
    pool.run(tasks: range.count * parts) { task, worker in
      guard let (job, slot) = job(task, worker) else { return }
      kernels.winogradOutput(job, m: m, products: products, capacity: capacity, slot: slot)
    }
  }
}
