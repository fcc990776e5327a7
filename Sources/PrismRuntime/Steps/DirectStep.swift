internal import PrismKernels

/// A convolution of any kernel, by the direct sum.
struct DirectStep: PackedStepKind, RowStepKind, RegionStepKind {
  let shape: ConvolutionShape

  func label(of step: Step) -> String {
    "direct \(shape.kernelHeight)×\(shape.kernelWidth) \(sizes(of: step))"
  }

  func flops(of step: Step) -> Int { shape.flops }

  func divisions(of step: Step) -> Int { shape.rowDivisions }

  func scratchSize(of step: Step, kernels: Kernels) -> Int { kernels.denseScratchSize(shape) }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    guard var job = step.convolutionJob(shape, context) else { return }
    // Threads share what is larger, the pixels or the weights, and each reads all of the other.
    let panels = kernels.pointwisePanels(outputChannels: shape.outputChannels)
    if shape.outputHeight * shape.outputWidth < shape.outputChannels && panels >= 4 * part.count {
      let (range, width) = (part.range(of: panels), kernels.pointwisePanelWidth())
      job.channels =
        range.lowerBound * width..<min(range.upperBound * width, shape.outputChannels)
    } else {
      job.rows = part.range(of: shape.outputHeight)
    }
    kernels.dense(job)
  }

  func executeRows(
    _ rows: Range<Int>, of step: Step, _ context: Context, _ kernels: Kernels,
    into target: UnsafeMutablePointer<Float>
  ) {
    guard var job = step.convolutionJob(shape, context) else { return }
    job.rows = rows
    job.output = target
    job.outputStride = step.output.channels
    kernels.dense(job)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    guard var job = step.convolutionJob(shape, context) else { return }
    (job.rows, job.columns) = (region.rows, region.columns)
    kernels.dense(job)
  }

  // MARK: - Weights

  var format: String { "direct" }

  func packedSize(_ kernels: Kernels) -> Int { kernels.densePackedSize(shape) }

  func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<Float>, panels: Range<Int>, kernels: Kernels
  ) {
    kernels.packDense(weights: weights, bias: bias, shape: shape, into: packed)
  }
}
