import PrismKernels
import PrismTestSupport

/// Numbers from a fixed sequence.
struct Sequence64 {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  /// A number in -1 ..< 1.
  mutating func next() -> Float {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
  }
}

/// A guarded buffer of numbers in -1 ..< 1.
func random(_ count: Int, _ seed: UInt64, misalignment: Int = 0) -> GuardedBuffer {
  var numbers = Sequence64(seed)
  return GuardedBuffer(count: count, misalignment: misalignment) { _ in numbers.next() }
}

/// An exact sum and the sum of its magnitudes.
struct Exact {
  var value: Double
  var magnitude: Double
}

/// The activation of an epilogue in double precision.
func activation(_ e: Epilogue, _ x: Double) -> Double {
  let clamped = min(max(x, Double(e.low)), Double(e.high))
  switch e.curve {
  case .none: return clamped
  case .silu: return clamped / (1 + exponential(-clamped))
  case .sigmoid: return 1 / (1 + exponential(-clamped))
  case .hardSigmoid: return min(max(clamped / 6 + 0.5, 0), 1)
  case .hardSwish: return clamped * min(max(clamped + 3, 0), 6) / 6
  case .gelu: return 0.5 * clamped * (1 + errorFunction(clamped / 2.0.squareRoot()))
  case .geluTanh:
    let inner = 1.5957691216057308 * (clamped + 0.044715 * clamped * clamped * clamped)
    return clamped / (1 + exponential(-inner))
  }
}

/// Finishes an exact sum: residual and activation.
func finished(_ sum: Double, _ e: Epilogue, residual: Double?) -> Double {
  guard let residual else { return activation(e, sum) }
  return e.residualAfterActivation
    ? activation(e, sum) + residual : activation(e, sum + residual)
}

/// A convolution in double precision, dense or depthwise.
///
/// The input `[H, W, C]` has the prologue already applied.
func convolution(
  _ s: ConvolutionShape, input: (_ y: Int, _ x: Int, _ c: Int) -> Double,
  weight: (_ o: Int, _ i: Int, _ ky: Int, _ kx: Int) -> Double, bias: (Int) -> Double,
  depthwise: Bool
) -> [Exact] {
  var result: [Exact] = []
  result.reserveCapacity(s.outputHeight * s.outputWidth * s.outputChannels)
  for y in 0..<s.outputHeight {
    for x in 0..<s.outputWidth {
      for o in 0..<s.outputChannels {
        var sum = bias(o)
        var magnitude = abs(sum)
        for ky in 0..<s.kernelHeight {
          let row = y * s.strideHeight - s.paddingTop + ky
          guard row >= 0, row < s.inputHeight else { continue }
          for kx in 0..<s.kernelWidth {
            let column = x * s.strideWidth - s.paddingLeft + kx
            guard column >= 0, column < s.inputWidth else { continue }
            for i in depthwise ? o..<(o + 1) : 0..<s.inputChannels {
              let product = input(row, column, i) * weight(o, depthwise ? 0 : i, ky, kx)
              sum += product
              magnitude += abs(product)
            }
          }
        }
        result.append(Exact(value: sum, magnitude: magnitude))
      }
    }
  }
  return result
}

/// The kernels this machine can run.
let variants = InstructionSet.available

/// Half a unit in the last place of one.
let unit = 0x1p-24
