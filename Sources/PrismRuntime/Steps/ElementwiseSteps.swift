internal import PrismAutodiff
internal import PrismKernels

extension Step {
  /// Into how many parts an element-wise pass can be divided; 1 where that is not worth it.
  var rowDivisions: Int { output.count < 1 << 14 ? 1 : output.rows }
}

/// One factor and one summand a channel: the step's head, by itself.
struct ScaleShiftStep: PixelStepKind {
  func label(of step: Step) -> String { "scale and shift \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    let (input, output) = (step.input, step.output)
    kernels.scaleShift(
      context.pointer(input) + rows.lowerBound * input.stride, stride: input.stride,
      into: context.pointer(output) + rows.lowerBound * output.stride,
      outputStride: output.stride, rows: rows.count, channels: output.channels,
      prologue: step.prologue(context))
  }
}

/// One factor a channel, and the sum with the step's other value.
struct AddScaledStep: PixelStepKind {
  /// The factors.
  let scale: FloatBlock

  func label(of step: Step) -> String { "scale and add \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    let (input, output, other) = (step.input, step.output, step.others[0])
    kernels.addScaled(
      context.pointer(input) + rows.lowerBound * input.stride, stride: input.stride,
      scale: scale.pointer, to: context.pointer(other) + rows.lowerBound * other.stride,
      otherStride: other.stride,
      into: context.pointer(output) + rows.lowerBound * output.stride,
      outputStride: output.stride, rows: rows.count, channels: output.channels)
  }
}

/// A function or a sum: the step's tail, by itself.
struct FinishStep: PixelStepKind {
  func label(of step: Step) -> String { "element-wise \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    let (input, output) = (step.input, step.output)
    var epilogue = step.epilogue(context)
    epilogue.residual = epilogue.residual.map { $0 + rows.lowerBound * epilogue.residualStride }
    epilogue.gate = epilogue.gate?.advanced(row: rows.lowerBound)
    epilogue.keep = epilogue.keep?.advanced(row: rows.lowerBound)
    kernels.finish(
      context.pointer(input) + rows.lowerBound * input.stride, stride: input.stride,
      into: context.pointer(output) + rows.lowerBound * output.stride,
      outputStride: output.stride, rows: rows.count, channels: output.channels, epilogue: epilogue)
  }
}

/// The product of two values, number by number; the second is the step's other value.
struct ProductStep: PixelStepKind {
  func label(of step: Step) -> String { "product \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    let (input, output, other) = (step.input, step.output, step.others[0])
    kernels.multiply(
      context.pointer(input) + rows.lowerBound * input.stride, stride: input.stride,
      by: context.pointer(other) + rows.lowerBound * other.stride, otherStride: other.stride,
      into: context.pointer(output) + rows.lowerBound * output.stride,
      outputStride: output.stride, rows: rows.count, channels: output.channels)
  }
}

/// The bits of a rectifier's activity, from its output.
struct ActivityStep: PixelStepKind {
  /// Whether the rectifier is a ReLU6.
  let isBounded: Bool

  func label(of step: Step) -> String { "activity \(step.input.rows)×\(step.input.channels)" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    let (input, output) = (step.input, step.output)
    let keep = Keep(
      bits: UnsafeMutableRawPointer(context.pointer(output)), stride: output.stride,
      isBounded: isBounded)
    kernels.keep(
      context.pointer(input) + rows.lowerBound * input.stride, stride: input.stride,
      keep: keep.advanced(row: rows.lowerBound), rows: rows.count, channels: input.channels)
  }
}

/// The quotients of two values, with so much added to the magnitude of every divisor; the divisors
/// are the step's first other value, a second one has the signs of where there are quotients.
struct QuotientStep: PixelStepKind {
  /// What is added to the magnitude of divisors.
  let epsilon: Float
  /// The sign of where there are quotients; 0 for everywhere.
  let side: Float

  /// Makes the kind.
  ///
  /// - Parameter quotient: What is computed.
  init(_ quotient: StabilizedQuotient) {
    epsilon = quotient.epsilon
    side =
      switch quotient.side {
      case .both: 0
      case .positive: 1
      case .negative: -1
      }
  }

  func label(of step: Step) -> String { "quotient \(sizes(of: step))" }

  func divisions(of step: Step) -> Int { step.rowDivisions }

  func execute(_ step: Step, _ context: Context, _ kernels: Kernels, pixels rows: Range<Int>) {
    func row(_ place: Place) -> UnsafeMutablePointer<Float> {
      context.pointer(place) + rows.lowerBound * place.stride
    }
    let (input, divisor, output) = (step.input, step.others[0], step.output)
    let signs = side == 0 ? nil : step.others[1]
    kernels.divide(
      row(input), stride: input.stride, by: row(divisor), otherStride: divisor.stride,
      epsilon: epsilon, signs: signs.map { UnsafePointer(row($0)) },
      signStride: signs?.stride ?? 0, side: side, into: row(output), outputStride: output.stride,
      rows: rows.count, channels: output.channels)
  }
}
