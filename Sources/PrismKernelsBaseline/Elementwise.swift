// Passes over rows of numbers.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Elementwise work on rows; the output may be an input with the same stride.
package enum Elementwise {
  /// `out = epilogue(a)`, with the residual added before or after as the epilogue says.
  ///
  /// Sum of two tensors, clamp, SiLU and sigmoid (relative error at most 3e-7 for |x| ≤ 87).
  package static func finish(
    _ a: UnsafePointer<Float>, stride: Int, into out: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, epilogue: Epilogue
  ) {
    writePixels(
      epilogue, a, stride, out, outputStride, 0, rows: rows, channels: channels)
  }

  /// Writes the bits of a rectifier's output.
  package static func keep(
    _ a: UnsafePointer<Float>, stride: Int, keep: Keep, rows: Int, channels: Int
  ) {
    keepRows(keep, a, stride, rows: rows, columns: channels)
  }

  /// `out = relu(a * scale + shift)`, each part only if the prologue has it.
  package static func scaleShift(
    _ a: UnsafePointer<Float>, stride: Int, into out: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, prologue: Prologue
  ) {
    copyPixels(prologue, a, stride, out, outputStride, rows: rows, channels: channels)
  }

  /// `out = b + a * scale`, with one factor a channel.
  package static func addScaled(
    _ a: UnsafePointer<Float>, stride: Int, scale: UnsafePointer<Float>,
    to b: UnsafePointer<Float>, otherStride: Int, into out: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int
  ) {
    var row = 0
    while row < rows {
      let (p, q) = (a + row &* stride, b + row &* otherStride)
      let target = out + row &* outputStride
      var j = 0
      while j &+ W <= channels {
        store(fma(load(q + j), load(p + j), load(scale + j)), target + j)
        j &+= W
      }
      if j < channels {
        let n = channels &- j
        storeUpTo(
          fma(loadUpTo(q + j, n), loadUpTo(p + j, n), loadUpTo(scale + j, n)), target + j, n)
      }
      row &+= 1
    }
  }

  /// `out = a * b`, element by element.
  package static func multiply(
    _ a: UnsafePointer<Float>, stride: Int, by b: UnsafePointer<Float>, otherStride: Int,
    into out: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, channels: Int
  ) {
    var row = 0
    while row < rows {
      var j = 0
      while j < channels {
        let n = channels &- j
        let product =
          loadUpTo(a + (row &* stride &+ j), n) * loadUpTo(b + (row &* otherStride &+ j), n)
        storeUpTo(product, out + (row &* outputStride &+ j), n)
        j &+= W
      }
      row &+= 1
    }
  }

  /// `out = a / b`, element by element, with so much added to the magnitude of every divisor; zero
  /// where the sign, if there are such, times `side` is not positive.
  package static func divide(
    _ a: UnsafePointer<Float>, stride: Int, by b: UnsafePointer<Float>, otherStride: Int,
    epsilon: Float, signs: UnsafePointer<Float>?, signStride: Int, side: Float,
    into out: UnsafeMutablePointer<Float>, outputStride: Int, rows: Int, channels: Int
  ) {
    let zero = splat(0)
    var row = 0
    while row < rows {
      let (p, q) = (a + row &* stride, b + row &* otherStride)
      let target = out + row &* outputStride
      let s = signs.map { $0 + row &* signStride }
      var j = 0
      while j < channels {
        let n = channels &- j
        let divisor = loadUpTo(q + j, n)
        let away = (divisor + splat(epsilon)).replacing(
          with: divisor - splat(epsilon), where: divisor .< zero)
        var quotient = loadUpTo(p + j, n) / away
        if let s {
          quotient = zero.replacing(
            with: quotient, where: loadUpTo(s + j, n) * splat(side) .> zero)
        }
        storeUpTo(quotient, target + j, n)
        j &+= W
      }
      row &+= 1
    }
  }

  /// Normalises every row by its own mean and variance, then scales and shifts by channel.
  ///
  /// Sums are formed in lanes as in `FullyConnected`, and the variance from the differences.
  package static func normalizeRows(
    _ a: UnsafePointer<Float>, stride: Int, into out: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, epsilon: Float
  ) {
    let whole = channels &- channels % W
    var row = 0
    while row < rows {
      let x = a + row &* stride
      let y = out + row &* outputStride
      var sums = splat(0)
      var j = 0
      while j < whole {
        sums = sums + load(x + j)
        j &+= W
      }
      var sum = laneSum(sums)
      while j < channels {
        sum += x[j]
        j &+= 1
      }
      let mean = sum / Float(channels)
      sums = splat(0)
      j = 0
      while j < whole {
        let d = load(x + j) - splat(mean)
        sums = fma(sums, d, d)
        j &+= W
      }
      sum = laneSum(sums)
      while j < channels {
        let d = x[j] - mean
        sum += d * d
        j &+= 1
      }
      let factor = splat(1 / (sum / Float(channels) + epsilon).squareRoot())
      j = 0
      while j < channels {
        let n = channels &- j
        let v = (loadUpTo(x + j, n) - splat(mean)) * factor
        storeUpTo(fma(loadUpTo(shift + j, n), v, loadUpTo(scale + j, n)), y + j, n)
        j &+= W
      }
      row &+= 1
    }
  }

  /// Softmax of one row; the largest value is subtracted first, the sum is formed in lanes as in
  /// `FullyConnected`.
  package static func softmax(
    _ a: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>, channels: Int
  ) {
    var largest = a[0]
    var j = 1
    while j < channels {
      if a[j] > largest { largest = a[j] }
      j &+= 1
    }
    var sums = splat(0)
    j = 0
    while j < channels {
      let n = channels &- j
      var v = exponential(loadUpTo(a + j, n) - splat(largest))
      storeUpTo(v, out + j, n)
      if n < W { v = loadPartial(Source(out + j), n) }
      sums = sums + v
      j &+= W
    }
    let scale = splat(1 / laneSum(sums))
    j = 0
    while j < channels {
      let n = channels &- j
      storeUpTo(loadUpTo(Source(out + j), n) * scale, out + j, n)
      j &+= W
    }
  }
}
