internal import PrismKernels

/// The channels of several groups in turn.
struct ShuffleStep: PixelStepKind {
  let groups: Int

  func label(of step: Step) -> String { "shuffle of \(groups) \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    let (input, output) = (step.input, step.output)
    let count = output.channels / groups
    let (source, target) = (context.pointer(input), context.pointer(output))
    for row in rows {
      let (x, y) = (source + row * input.stride, target + row * output.stride)
      for group in 0..<groups {
        let x = x + group * count
        for k in 0..<count { y[k &* groups &+ group] = x[k] }
      }
    }
  }
}
