internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// The steps of a plan in their order, and the memory they need.
struct Program {
  /// Steps that belong together.
  enum Phase {
    /// Steps that one thread takes one image through.
    case image(Steps)
    /// Steps that one thread takes several images through, all of them through one step before the next.
    case group(Steps)
    /// A step that reads its weights once for all images of a batch.
    case batch(Step)
  }

  /// Steps in the form in which one thread takes them, and in that in which several divide each of them.
  struct Steps {
    let whole: [Step]
    let divided: [Step]

    init(_ steps: [Step]) {
      whole = steps
      divided = steps.flatMap { step in
        if case .chain(let chain) = step.work, let halves = chain.halves { return halves }
        return [step]
      }
    }
  }

  /// A value to return.
  struct Wanted {
    let shape: Shape
  }

  var input: ValueID
  var phases: [Phase] = []
  var wanted: [Wanted] = []
  /// The floats of a thread's arena.
  var arenaSize = 0
  var scratchSize = 0
  /// The floats of an image's arena, which holds what lives beyond a phase.
  var imageArenaSize = 0

  /// The floats between the arenas, and between the scratch memories, of two threads.
  var arenaStride: Int { ArenaLayout.aligned(arenaSize) }
  var scratchStride: Int { ArenaLayout.aligned(scratchSize) }

  /// The floats between the arenas of two images of a batch: an odd number of cache lines, so that the same value of
  /// several images, which a batched step reads side by side, does not fall on the same lines of a cache.
  var imageArenaStride: Int { ArenaLayout.aligned(imageArenaSize) | 16 }

  /// The floats that batched steps share, for a number of images.
  func sharedSize(images: Int) -> Int {
    phases.reduce(0) { size, phase in
      guard case .batch(let step) = phase, case .winograd(let shape, let m) = step.work else {
        return size
      }
      return max(size, BatchedWinograd(step, shape, m: m, images: images).sharedSize)
    }
  }

  /// Computes a step for all images of a chunk.
  func executeBatched(
    _ step: Step, workspace: Workspace, images: Int, kernels: Kernels, pool: WorkerPool
  ) {
    switch step.work {
    case .dense(let weight, let bias):
      let first = workspace.context(lane: 0, image: 0)
      let source = UnsafePointer(first.pointer(step.input))
      let target = first.pointer(step.output)
      // Small enough that threads end together, large enough for whole panels of outputs.
      let parts = max(1, min(pool.workerCount * 4, step.output.channels / 64))
      pool.run(tasks: parts) { part, _ in
        let range =
          (step.output.channels * part / parts)..<(step.output.channels * (part + 1) / parts)
        step.runDense(
          weight, bias, source, target, rows: images, inputStride: imageArenaStride,
          outputStride: imageArenaStride, range, kernels, step.epilogue(first))
      }
    case .winograd(let shape, let m):
      BatchedWinograd(step, shape, m: m, images: images)
        .execute(workspace: workspace, kernels: kernels, pool: pool)
    default: break
    }
  }
}

/// A Winograd convolution of all images of a chunk, in three phases, so that its large transformed weights are read
/// once for many of them.
struct BatchedWinograd {
  /// The most tiles that are transformed at a time, where an image does not have more: their numbers then stay in a
  /// large cache between the phases, and reading the weights is still a small part of the work.
  static let mostTiles = 200

  private let step: Step
  private let shape: ConvolutionShape
  private let m: Int
  private let images: Int
  private let tilesPerImage: Int
  /// The most images that are taken through the phases together; no more for fewer images.
  private let most: Int

  init(_ step: Step, _ shape: ConvolutionShape, m: Int, images: Int) {
    self.step = step
    self.shape = shape
    self.m = m
    self.images = images
    tilesPerImage = ((shape.outputHeight + m - 1) / m) * ((shape.outputWidth + m - 1) / m)
    most = max(1, min(images, Self.mostTiles / tilesPerImage))
  }

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

  func execute(workspace: Workspace, kernels: Kernels, pool: WorkerPool) {
    // Shares of about the same size.
    let turns = (images + most - 1) / most
    for turn in 0..<turns {
      execute(
        (images * turn / turns)..<(images * (turn + 1) / turns), workspace: workspace,
        kernels: kernels, pool: pool)
    }
  }

  private func execute(
    _ range: Range<Int>, workspace: Workspace, kernels: Kernels, pool: WorkerPool
  ) {
    guard let weights = step.weights else { return }
    let transformed = workspace.shared.pointer
    let products = transformed + inputSize(kernels)
    let capacity = tilesPerImage * range.count
    // A single image's tiles are divided, of several images each goes to one thread.
    let parts = max(1, min(pool.workerCount / range.count, tilesPerImage))
    func job(_ task: Int, _ worker: Int) -> (job: ConvolutionJob, slot: Int) {
      let (image, part) = (task / parts, task % parts)
      let context = workspace.context(lane: worker, image: range.lowerBound + image)
      var job = ConvolutionJob(
        shape: shape, input: context.pointer(step.input), inputStride: step.input.stride,
        weights: weights.pointer, output: context.pointer(step.output),
        outputStride: step.output.stride, epilogue: step.epilogue(context),
        scratch: workspace.scratch(worker))
      job.rowStart = tilesPerImage * part / parts
      job.rowEnd = tilesPerImage * (part + 1) / parts
      return (job, image * tilesPerImage + job.rowStart)
    }
    pool.run(tasks: range.count * parts) { task, worker in
      let (job, slot) = job(task, worker)
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
      let (job, slot) = job(task, worker)
      kernels.winogradOutput(job, m: m, products: products, capacity: capacity, slot: slot)
    }
  }
}
