internal import PrismKernels

/// The largest number of every window.
struct MaximumPoolStep: RegionStepKind {
  let shape: ConvolutionShape

  func label(of step: Step) -> String { "maximum pool \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { shape.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    var job = step.poolJob(shape, context)
    job.rows = part.range(of: shape.outputHeight)
    kernels.maximumPool(job)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    var job = step.poolJob(shape, context)
    (job.rows, job.columns) = (region.rows, region.columns)
    kernels.maximumPool(job)
  }
}

/// The mean of every window.
struct AveragePoolStep: RegionStepKind {
  let shape: ConvolutionShape
  /// Whether padding counts as zeros.
  let countsPadding: Bool

  func label(of step: Step) -> String { "average pool \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { shape.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    var job = step.poolJob(shape, context)
    job.rows = part.range(of: shape.outputHeight)
    kernels.averagePool(job, countsPadding: countsPadding)
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    var job = step.poolJob(shape, context)
    (job.rows, job.columns) = (region.rows, region.columns)
    kernels.averagePool(job, countsPadding: countsPadding)
  }
}

/// The mean of every channel.
struct GlobalAverageStep: StepKind {
  func label(of step: Step) -> String { "global average \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.output.channels / 256 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let channels = part.range(of: step.output.channels)
    kernels.globalAverage(
      context.pointer(step.input), inputStride: step.input.stride, pixels: step.input.rows,
      channelStart: channels.lowerBound, channelEnd: channels.upperBound,
      output: context.pointer(step.output))
  }
}
