internal import PrismKernels

extension Step {
  /// Some channels of a step whose channels share nothing, in whole cache lines.
  fileprivate func channels(of part: Part, in count: Int) -> Range<Int> {
    let lines = part.range(of: (count + 15) / 16)
    return (lines.lowerBound * 16)..<min(lines.upperBound * 16, count)
  }

  /// Into how many parts such a step can be divided; 1 where that is not worth it.
  fileprivate var channelDivisions: Int {
    max(input.count, output.count) < 1 << 14 ? 1 : (output.channels + 15) / 16
  }
}

/// The walk back through a maximum pooling; what was pooled and the result are its other values.
struct MaximumPoolPullbackStep: StepKind {
  /// The sizes of the pooling: its input is the step's output.
  let shape: ConvolutionShape

  func label(of step: Step) -> String { "maximum pool pullback \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.channelDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    var job = step.poolJob(shape, context)
    job.channels = step.channels(of: part, in: shape.inputChannels)
    let (image, largest) = (step.others[0], step.others[1])
    kernels.maximumPoolPullback(
      job, image: context.pointer(image), imageStride: image.stride,
      largest: context.pointer(largest), largestStride: largest.stride)
  }
}

/// The walk back through an average pooling.
struct AveragePoolPullbackStep: StepKind {
  /// The sizes of the pooling: its input is the step's output.
  let shape: ConvolutionShape
  /// Whether padding counts as zeros.
  let countsPadding: Bool

  func label(of step: Step) -> String { "average pool pullback \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.channelDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    var job = step.poolJob(shape, context)
    job.channels = step.channels(of: part, in: shape.inputChannels)
    kernels.averagePoolPullback(job, countsPadding: countsPadding)
  }
}

/// The walk back through the mean of every channel: its share for every pixel.
struct SpreadStep: PixelStepKind {
  func label(of step: Step) -> String { "spread \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels: Range<Int>) {
    let output = step.output
    kernels.spread(
      context.pointer(step.input), factor: 1 / Float(output.rows),
      into: context.pointer(output) + pixels.lowerBound * output.stride,
      outputStride: output.stride, rows: pixels.count, channels: output.channels)
  }
}

/// The walk back through the product of an image with one factor a channel, to the factors: the
/// image is the step's other value.
struct ChannelProductStep: StepKind {
  func label(of step: Step) -> String { "channel product \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.channelDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let (input, other) = (step.input, step.others[0])
    let channels = step.channels(of: part, in: input.channels)
    kernels.channelProducts(
      context.pointer(input), stride: input.stride, context.pointer(other),
      otherStride: other.stride, pixels: input.rows, channelStart: channels.lowerBound,
      channelEnd: channels.upperBound, output: context.pointer(step.output))
  }
}
