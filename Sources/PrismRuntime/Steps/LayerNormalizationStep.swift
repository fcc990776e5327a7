internal import PrismKernels
internal import PrismTensor

/// Every pixel normalised over its channels.
struct LayerNormalizationStep: PixelStepKind {
  /// `[C]`.
  let scale, shift: Tensor
  let epsilon: Float

  func label(of step: Step) -> String { "layer normalisation \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    let (input, output) = (step.input, step.output)
    scale.withUnsafePointer { scale in
      shift.withUnsafePointer { shift in
        kernels.normalizeRows(
          context.pointer(input) + rows.lowerBound * input.stride, stride: input.stride,
          into: context.pointer(output) + rows.lowerBound * output.stride,
          outputStride: output.stride, rows: rows.count, channels: output.channels, scale: scale,
          shift: shift, epsilon: epsilon)
      }
    }
  }
}
