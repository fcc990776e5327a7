// One jump from the facade to the variant.

package import PrismKernelsBaseline

#if arch(x86_64)
  import PrismKernelsAVX2
  import PrismKernelsAVX512
#endif

extension Kernels {
  /// Applies an epilogue to rows: a sum with another tensor, a clamp, SiLU, sigmoid.
  package func finish(
    _ input: UnsafePointer<Float>, stride: Int, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, epilogue: Epilogue
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.finish(
        input, stride: stride, into: output, outputStride: outputStride, rows: rows,
        channels: channels, epilogue: epilogue)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.finish(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, epilogue: epilogue)
      case .avx512:
        PrismKernelsAVX512.Elementwise.finish(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, epilogue: epilogue)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.finish(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, epilogue: epilogue)
    #endif
    }
  }

  /// Writes the bits of a rectifier's output.
  package func keep(
    _ input: UnsafePointer<Float>, stride: Int, keep: Keep, rows: Int, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.keep(
        input, stride: stride, keep: keep, rows: rows, channels: channels)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.keep(
          input, stride: stride, keep: keep, rows: rows, channels: channels)
      case .avx512:
        PrismKernelsAVX512.Elementwise.keep(
          input, stride: stride, keep: keep, rows: rows, channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.keep(
          input, stride: stride, keep: keep, rows: rows, channels: channels)
    #endif
    }
  }

  /// Applies a prologue to rows: scale, shift, ReLU by channel.
  package func scaleShift(
    _ input: UnsafePointer<Float>, stride: Int, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, prologue: Prologue
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.scaleShift(
        input, stride: stride, into: output, outputStride: outputStride, rows: rows,
        channels: channels, prologue: prologue)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.scaleShift(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, prologue: prologue)
      case .avx512:
        PrismKernelsAVX512.Elementwise.scaleShift(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, prologue: prologue)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.scaleShift(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, prologue: prologue)
    #endif
    }
  }

  /// Adds rows, times one factor a channel, to others.
  package func addScaled(
    _ input: UnsafePointer<Float>, stride: Int, scale: UnsafePointer<Float>,
    to other: UnsafePointer<Float>, otherStride: Int, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.addScaled(
        input, stride: stride, scale: scale, to: other, otherStride: otherStride, into: output,
        outputStride: outputStride, rows: rows, channels: channels)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.addScaled(
          input, stride: stride, scale: scale, to: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
      case .avx512:
        PrismKernelsAVX512.Elementwise.addScaled(
          input, stride: stride, scale: scale, to: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.addScaled(
          input, stride: stride, scale: scale, to: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #endif
    }
  }

  /// Multiplies rows element by element.
  package func multiply(
    _ input: UnsafePointer<Float>, stride: Int, by other: UnsafePointer<Float>, otherStride: Int,
    into output: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.multiply(
        input, stride: stride, by: other, otherStride: otherStride, into: output,
        outputStride: outputStride, rows: rows, channels: channels)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.multiply(
          input, stride: stride, by: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
      case .avx512:
        PrismKernelsAVX512.Elementwise.multiply(
          input, stride: stride, by: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.multiply(
          input, stride: stride, by: other, otherStride: otherStride, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #endif
    }
  }

  /// Divides rows element by element, with so much added to the magnitude of every divisor; zero
  /// where the sign, if there are such, times `side` is not positive.
  package func divide(
    _ input: UnsafePointer<Float>, stride: Int, by other: UnsafePointer<Float>, otherStride: Int,
    epsilon: Float, signs: UnsafePointer<Float>?, signStride: Int, side: Float,
    into output: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.divide(
        input, stride: stride, by: other, otherStride: otherStride, epsilon: epsilon,
        signs: signs, signStride: signStride, side: side, into: output,
        outputStride: outputStride, rows: rows, channels: channels)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.divide(
          input, stride: stride, by: other, otherStride: otherStride, epsilon: epsilon,
          signs: signs, signStride: signStride, side: side, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
      case .avx512:
        PrismKernelsAVX512.Elementwise.divide(
          input, stride: stride, by: other, otherStride: otherStride, epsilon: epsilon,
          signs: signs, signStride: signStride, side: side, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.divide(
          input, stride: stride, by: other, otherStride: otherStride, epsilon: epsilon,
          signs: signs, signStride: signStride, side: side, into: output,
          outputStride: outputStride, rows: rows, channels: channels)
    #endif
    }
  }

  /// Normalises every row by its own mean and variance, then scales and shifts by channel.
  package func normalizeRows(
    _ input: UnsafePointer<Float>, stride: Int, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, epsilon: Float
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.normalizeRows(
        input, stride: stride, into: output, outputStride: outputStride, rows: rows,
        channels: channels, scale: scale, shift: shift, epsilon: epsilon)
    #if arch(x86_64)
      case .avx2:
        PrismKernelsAVX2.Elementwise.normalizeRows(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, scale: scale, shift: shift, epsilon: epsilon)
      case .avx512:
        PrismKernelsAVX512.Elementwise.normalizeRows(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, scale: scale, shift: shift, epsilon: epsilon)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.normalizeRows(
          input, stride: stride, into: output, outputStride: outputStride, rows: rows,
          channels: channels, scale: scale, shift: shift, epsilon: epsilon)
    #endif
    }
  }

  /// The numbers of a vector register.
  package var vectorWidth: Int {
    switch instructionSet {
    case .baseline: 4
    case .avx2: 8
    case .avx512: 16
    }
  }

  /// Writes the softmax of one row.
  package func softmax(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, channels: Int
  ) {
    switch instructionSet {
    case .baseline:
      PrismKernelsBaseline.Elementwise.softmax(input, into: output, channels: channels)
    #if arch(x86_64)
      case .avx2: PrismKernelsAVX2.Elementwise.softmax(input, into: output, channels: channels)
      case .avx512: PrismKernelsAVX512.Elementwise.softmax(input, into: output, channels: channels)
    #else
      case .avx2, .avx512:
        PrismKernelsBaseline.Elementwise.softmax(input, into: output, channels: channels)
    #endif
    }
  }
}
