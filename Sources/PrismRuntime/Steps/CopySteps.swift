internal import PrismKernels

/// A concatenation's operands that could not be written in place: the step's other values.
struct GatherStep: PixelStepKind {
  /// The first channel of every operand in the output.
  let firstChannels: [Int]

  func label(of step: Step) -> String { "copy \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { 1 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels: Range<Int>) {
    let target = context.pointer(step.output) + pixels.lowerBound * step.output.stride
    for (operand, first) in zip(step.others, firstChannels) {
      copyRows(
        context.pointer(operand) + pixels.lowerBound * operand.stride, stride: operand.stride,
        to: target + first, stride: step.output.stride, rows: pixels.count,
        channels: operand.channels)
    }
  }
}

/// The same numbers without gaps between them, for a value of another shape.
struct ViewStep: StepKind {
  func label(of step: Step) -> String { "copy \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { 1 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    let input = step.input
    copyRows(
      context.pointer(input), stride: input.rows == 1 ? input.channels : input.stride,
      to: context.pointer(step.output), stride: input.channels, rows: input.rows,
      channels: input.channels)
  }
}
