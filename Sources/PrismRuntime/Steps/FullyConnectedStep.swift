internal import PrismKernels
internal import PrismTensor

/// A fully connected layer.
struct FullyConnectedStep: BatchedStepKind {
  /// `[O, I]`.
  let weight: Tensor
  /// `[O]`.
  let bias: Tensor?

  func label(of step: Step) -> String { "dense \(sizes(of: step))" }

  func flops(of step: Step) -> Int {
    2 * step.output.rows * step.input.channels * step.output.channels
  }

  func divisions(of step: Step) -> Int {
    weight.count < 1 << 15 ? 1 : step.output.channels / 16
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    run(
      step, context, kernels, images: 1, stride: nil, outputs: part.range(of: step.output.channels))
  }

  // MARK: - Batches

  var batched: (any BatchedStepKind)? { weight.count >= 1 << 16 ? self : nil }

  var readsBeforeWriting: Bool { false }

  func sharedSize(images: Int) -> Int { 0 }

  func execute(
    _ step: Step, workspace: Workspace, images: Int, kernels: Kernels, pool: WorkerPool
  ) {
    let first = workspace.context(lane: 0, slot: 0, image: 0)
    let channels = step.output.channels
    // Small enough that threads end together, large enough for whole panels of outputs, and as many
    // for one thread as for another.
    let workers = pool.workerCount
    let most = min(workers * 4, channels / 64)
    let parts = most < workers ? max(1, most) : most / workers * workers
    pool.run(tasks: parts) { part, _ in
      run(
        step, first, kernels, images: images, stride: workspace.layout.imageArenaStride,
        outputs: Part(index: part, count: parts).range(of: channels))
    }
  }

  /// Computes some outputs for several images, whose values are a stride apart.
  private func run(
    _ step: Step, _ context: Context, _ kernels: Kernels, images: Int, stride: Int?,
    outputs: Range<Int>
  ) {
    weight.withUnsafePointer { weights in
      func run(_ bias: UnsafePointer<Float>?) {
        var epilogue = step.epilogue(context)
        if let stride { epilogue.residualStride = stride }
        var job = FullyConnectedJob(
          input: context.pointer(step.input), inputStride: stride ?? step.input.channels,
          weights: weights, bias: bias, output: context.pointer(step.output),
          outputStride: stride ?? step.output.channels, rows: images, inputs: weight.shape[1],
          outputs: weight.shape[0], epilogue: epilogue)
        (job.outputStart, job.outputEnd) = (outputs.lowerBound, outputs.upperBound)
        kernels.fullyConnected(job)
      }
      if let bias { bias.withUnsafePointer { run($0) } } else { run(nil) }
    }
  }
}
