internal import PrismKernels

/// A convolution with a 1×1 kernel and no stride: a product of pixels and weights.
struct PointwiseStep: PackedStepKind, RowStepKind, RegionStepKind {
  let shape: ConvolutionShape

  func label(of step: Step) -> String { "pointwise \(sizes(of: step))" }

  func flops(of step: Step) -> Int {
    2 * step.output.rows * step.input.channels * step.output.channels
  }

  func divisions(of step: Step) -> Int {
    let (input, output) = (step.input, step.output)
    if input.rows * input.channels * output.channels < 1 << 15 { return 1 }
    return max(input.rows / 8, output.channels / 32)
  }

  func scratchSize(of step: Step, kernels: Kernels) -> Int {
    kernels.pointwiseScratchSize(
      inputChannels: step.input.channels, inputStride: step.input.stride,
      outputChannels: step.output.channels, hasPrologue: !step.head.isNone)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard var job = job(step, context) else { return }
    let panels = kernels.pointwisePanels(outputChannels: step.output.channels)
    if sharesRows(of: step, panels: panels, parts: part.count) {
      job.rows = part.range(of: step.input.rows)
    } else {
      job.panels = part.range(of: panels)
    }
    kernels.pointwise(job)
  }

  /// Whether threads share the pixels, and each reads all weights, or the other way round.
  ///
  /// They share what is larger; but panels that cannot be shared evenly cost more than weights that
  /// are few, and so do pixels that each thread copies.
  private func sharesRows(of step: Step, panels: Int, parts: Int) -> Bool {
    let (rows, inputs, outputs) = (step.input.rows, step.input.channels, step.output.channels)
    if rows < 8 * parts { return false }
    if rows >= outputs || panels < 4 * parts { return true }
    return rows >= 48 * parts && inputs * outputs <= 1 << 18
      && (panels % parts > 0 || !step.head.isNone)
  }

  func executeRows(
    _ rows: Range<Int>, of step: Step, _ context: Context, _ kernels: Kernels,
    into target: UnsafeMutablePointer<Float>
  ) {
    guard var job = job(step, context) else { return }
    job.rows = (rows.lowerBound * shape.inputWidth)..<(rows.upperBound * shape.inputWidth)
    job.output = target
    job.outputStride = step.output.channels
    kernels.pointwise(job)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    guard var job = job(step, context) else { return }
    region.forEachRun { pixels in
      job.rows = pixels
      kernels.pointwise(job)
    }
  }

  /// Computes some pixels from other memory, where pixel 0 would be at `source`.
  func executePixels(
    _ pixels: Range<Int>, of step: Step, _ context: Context, _ kernels: Kernels,
    from source: UnsafePointer<Float>
  ) {
    guard var job = job(step, context) else { return }
    job.rows = pixels
    job.input = source
    job.inputStride = step.input.channels
    kernels.pointwise(job)
  }

  /// The job over all pixels and panels.
  func job(_ step: Step, _ context: Context) -> PointwiseJob? {
    guard let weights = step.weights else { return nil }
    return PointwiseJob(
      input: context.pointer(step.input), inputStride: step.input.stride,
      weights: weights.pointer, output: context.pointer(step.output),
      outputStride: step.output.stride, rows: step.input.rows,
      inputChannels: step.input.channels, outputChannels: step.output.channels,
      epilogue: step.epilogue(context), prologue: step.prologue(context), scratch: context.scratch)
  }

  // MARK: - Weights

  var format: String { "pointwise" }

  func packedSize(_ kernels: Kernels) -> Int {
    kernels.pointwisePackedSize(
      inputChannels: shape.inputChannels, outputChannels: shape.outputChannels)
  }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    kernels.packPointwise(
      weights: weights, inputStep: 1, outputStep: shape.inputChannels, bias: bias,
      inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, into: packed)
  }
}
