internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// An image at another size.
struct ResizeStep: RegionStepKind {
  let resize: Resize
  /// The shape of the input, `[1, H, W, C]`.
  let input: Shape

  func label(of step: Step) -> String { "\(resize.method) resize \(sizes(of: step))" }

  func flops(of step: Step) -> Int {
    resize.flops([input], output: [1, step.output.rows, 1, input[3]])
  }

  func divisions(of step: Step) -> Int { step.rowDivisions > 1 ? resize.height : 1 }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, part: Part) {
    execute(step, context, rows: part.range(of: resize.height))
  }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, over region: Region) {
    execute(step, context, rows: region.rows)
  }

  private func execute(_ step: Step, _ context: Context, rows: Range<Int>) {
    let (source, target) = (context.pointer(step.input), context.pointer(step.output))
    let (from, to) = (step.input.stride, step.output.stride)
    let channels = step.output.channels
    for pixel in rows.lowerBound * resize.width..<rows.upperBound * resize.width {
      (target + pixel * to).update(repeating: 0, count: channels)
    }
    resize.forEachShare(input, rows: rows) { old, new, share in
      let (x, y) = (source + old * from, target + new * to)
      for c in 0..<channels { y[c] += x[c] * share }
    }
  }
}
