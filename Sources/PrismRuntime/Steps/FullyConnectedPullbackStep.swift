internal import PrismKernels
internal import PrismTensor

/// The walk back through a fully connected layer, with its weights as they are.
struct FullyConnectedPullbackStep: BatchedStepKind {
  /// `[O, I]`.
  let weight: Tensor

  func label(of step: Step) -> String { "dense pullback \(sizes(of: step))" }

  func flops(of step: Step) -> Int { 2 * weight.count }

  func divisions(of step: Step) -> Int { weight.count < 1 << 15 ? 1 : weight.shape[1] / 16 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    run(step, context, kernels, images: 1, stride: nil, part: part)
  }

  // MARK: - Batches

  var batched: (any BatchedStepKind)? { weight.count >= 1 << 20 ? self : nil }

  var readsBeforeWriting: Bool { false }

  func sharedSize(images: Int) -> Int { 0 }

  func execute(
    _ step: Step, workspace: Workspace, images: Int, kernels: Kernels, pool: WorkerPool
  ) {
    let first = workspace.context(lane: 0, slot: 0, image: 0)
    let parts = max(1, min(pool.workerCount, weight.shape[1] / 64))
    pool.run(tasks: parts) { part, _ in
      run(
        step, first, kernels, images: images, stride: workspace.layout.imageArenaStride,
        part: Part(index: part, count: parts))
    }
  }

  /// Computes some cotangents for several images, whose values are a stride apart.
  private func run(
    _ step: Step, _ context: Context, _ kernels: Kernels, images: Int, stride: Int?, part: Part
  ) {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let vectors = part.range(of: (inputs + 15) / 16)
    weight.withUnsafePointer { weights in
      var epilogue = step.epilogue(context)
      if let stride {
        epilogue.residualStride = stride
        epilogue.gate?.setStride(floats: stride)
      }
      var job = FullyConnectedJob(
        input: context.pointer(step.input), inputStride: stride ?? step.input.channels,
        weights: weights, bias: nil, output: context.pointer(step.output),
        outputStride: stride ?? step.output.channels, rows: images, inputs: inputs,
        outputs: inputs, epilogue: epilogue)
      (job.outputStart, job.outputEnd) = (
        vectors.lowerBound * 16, min(vectors.upperBound * 16, inputs)
      )
      kernels.fullyConnectedPullback(job, outputs: outputs)
    }
  }
}
