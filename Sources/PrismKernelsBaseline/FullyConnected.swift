// Fully connected layers with few rows: bound by reading the weights once.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Products of a few rows with a large matrix of weights that is used as it lies in the file.
package enum FullyConnected {
  /// Computes `C[M, N] = A[M, K] · Wᵀ + bias` for the outputs `outputStart ..< outputEnd`, `W`
  /// being `[N, K]`.
  ///
  /// A sum is formed in one vector of partial sums (lane `l` takes `k ≡ l` modulo the vector width,
  /// ascending), which are then added in halves: the order does not depend on `M` or on the range.
  /// Four rows of weights are read at a time, from memory once for all `M` rows.
  package static func run(_ job: FullyConnectedJob) {
    var n = job.outputStart
    while n < job.outputEnd {
      let rest = job.outputEnd &- n
      var row = 0
      if rest >= 4 {
        while row &+ 4 <= job.rows {
          fourByFour(job, n, row)
          row &+= 4
        }
        while row < job.rows {
          fourByOne(job, n, row)
          row &+= 1
        }
        n &+= 4
      } else {
        while row < job.rows {
          oneByOne(job, n, row)
          row &+= 1
        }
        n &+= 1
      }
    }
    guard job.outputStart < job.outputEnd else { return }
    writePixels(
      shifted(job.epilogue, job.outputStart),
      Source(job.output + job.outputStart), job.outputStride, job.output + job.outputStart,
      job.outputStride, 0, rows: job.rows, channels: job.outputEnd &- job.outputStart)
  }

  @inline(always)
  static func shifted(_ epilogue: Epilogue, _ by: Int) -> Epilogue {
    var result = epilogue
    result.residual = offset(epilogue.residual, by)
    if let gate = epilogue.gate { result.gate = advanced(gate, row: 0, channel: by) }
    return result
  }

  @inline(always)
  static func finish(_ job: FullyConnectedJob, _ v: V, _ n: Int, _ row: Int) {
    var sum = laneSum(v)
    if let bias = job.bias { sum = sum + bias[n] }
    job.output[row &* job.outputStride &+ n] = sum
  }

  @inline(never)
  static func fourByFour(_ job: FullyConnectedJob, _ n: Int, _ row: Int) {
    // Two outputs at a time with 16 registers, four with 32; the order of every sum is the same.
    #if PRISM_AVX512 || arch(arm64)
      let k = job.inputs
      let w0 = job.weights + n &* k
      let w1 = w0 + k
      let w2 = w1 + k
      let w3 = w2 + k
      let a0 = job.input + row &* job.inputStride
      let a1 = a0 + job.inputStride
      let a2 = a1 + job.inputStride
      let a3 = a2 + job.inputStride
      var s00 = splat(0), s01 = splat(0), s02 = splat(0), s03 = splat(0)
      var s10 = splat(0), s11 = splat(0), s12 = splat(0), s13 = splat(0)
      var s20 = splat(0), s21 = splat(0), s22 = splat(0), s23 = splat(0)
      var s30 = splat(0), s31 = splat(0), s32 = splat(0), s33 = splat(0)
      var i = 0
      while i &+ W <= k {
        let x0 = load(a0 + i)
        let x1 = load(a1 + i)
        let x2 = load(a2 + i)
        let x3 = load(a3 + i)
        let v0 = load(w0 + i)
        s00 = fma(s00, v0, x0)
        s01 = fma(s01, v0, x1)
        s02 = fma(s02, v0, x2)
        s03 = fma(s03, v0, x3)
        let v1 = load(w1 + i)
        s10 = fma(s10, v1, x0)
        s11 = fma(s11, v1, x1)
        s12 = fma(s12, v1, x2)
        s13 = fma(s13, v1, x3)
        let v2 = load(w2 + i)
        s20 = fma(s20, v2, x0)
        s21 = fma(s21, v2, x1)
        s22 = fma(s22, v2, x2)
        s23 = fma(s23, v2, x3)
        let v3 = load(w3 + i)
        s30 = fma(s30, v3, x0)
        s31 = fma(s31, v3, x1)
        s32 = fma(s32, v3, x2)
        s33 = fma(s33, v3, x3)
        i &+= W
      }
      finish(job, tail(s00, w0, a0, i, k), n, row)
      finish(job, tail(s01, w0, a1, i, k), n, row &+ 1)
      finish(job, tail(s02, w0, a2, i, k), n, row &+ 2)
      finish(job, tail(s03, w0, a3, i, k), n, row &+ 3)
      finish(job, tail(s10, w1, a0, i, k), n &+ 1, row)
      finish(job, tail(s11, w1, a1, i, k), n &+ 1, row &+ 1)
      finish(job, tail(s12, w1, a2, i, k), n &+ 1, row &+ 2)
      finish(job, tail(s13, w1, a3, i, k), n &+ 1, row &+ 3)
      finish(job, tail(s20, w2, a0, i, k), n &+ 2, row)
      finish(job, tail(s21, w2, a1, i, k), n &+ 2, row &+ 1)
      finish(job, tail(s22, w2, a2, i, k), n &+ 2, row &+ 2)
      finish(job, tail(s23, w2, a3, i, k), n &+ 2, row &+ 3)
      finish(job, tail(s30, w3, a0, i, k), n &+ 3, row)
      finish(job, tail(s31, w3, a1, i, k), n &+ 3, row &+ 1)
      finish(job, tail(s32, w3, a2, i, k), n &+ 3, row &+ 2)
      finish(job, tail(s33, w3, a3, i, k), n &+ 3, row &+ 3)
    #else
      twoByFour(job, n, row)
      twoByFour(job, n &+ 2, row)
    #endif
  }

  @inline(never)
  static func twoByFour(_ job: FullyConnectedJob, _ n: Int, _ row: Int) {
    let k = job.inputs
    let w0 = job.weights + n &* k
    let w1 = w0 + k
    let a0 = job.input + row &* job.inputStride
    let a1 = a0 + job.inputStride
    let a2 = a1 + job.inputStride
    let a3 = a2 + job.inputStride
    var s00 = splat(0), s01 = splat(0), s02 = splat(0), s03 = splat(0)
    var s10 = splat(0), s11 = splat(0), s12 = splat(0), s13 = splat(0)
    var i = 0
    while i &+ W <= k {
      let v0 = load(w0 + i)
      let v1 = load(w1 + i)
      let x0 = load(a0 + i)
      s00 = fma(s00, v0, x0)
      s10 = fma(s10, v1, x0)
      let x1 = load(a1 + i)
      s01 = fma(s01, v0, x1)
      s11 = fma(s11, v1, x1)
      let x2 = load(a2 + i)
      s02 = fma(s02, v0, x2)
      s12 = fma(s12, v1, x2)
      let x3 = load(a3 + i)
      s03 = fma(s03, v0, x3)
      s13 = fma(s13, v1, x3)
      i &+= W
    }
    finish(job, tail(s00, w0, a0, i, k), n, row)
    finish(job, tail(s01, w0, a1, i, k), n, row &+ 1)
    finish(job, tail(s02, w0, a2, i, k), n, row &+ 2)
    finish(job, tail(s03, w0, a3, i, k), n, row &+ 3)
    finish(job, tail(s10, w1, a0, i, k), n &+ 1, row)
    finish(job, tail(s11, w1, a1, i, k), n &+ 1, row &+ 1)
    finish(job, tail(s12, w1, a2, i, k), n &+ 1, row &+ 2)
    finish(job, tail(s13, w1, a3, i, k), n &+ 1, row &+ 3)
  }

  @inline(never)
  static func fourByOne(_ job: FullyConnectedJob, _ n: Int, _ row: Int) {
    let k = job.inputs
    let w0 = job.weights + n &* k
    let w1 = w0 + k
    let w2 = w1 + k
    let w3 = w2 + k
    let a = job.input + row &* job.inputStride
    var s0 = splat(0), s1 = splat(0), s2 = splat(0), s3 = splat(0)
    var i = 0
    while i &+ W <= k {
      let x = load(a + i)
      s0 = fma(s0, load(w0 + i), x)
      s1 = fma(s1, load(w1 + i), x)
      s2 = fma(s2, load(w2 + i), x)
      s3 = fma(s3, load(w3 + i), x)
      i &+= W
    }
    finish(job, tail(s0, w0, a, i, k), n, row)
    finish(job, tail(s1, w1, a, i, k), n &+ 1, row)
    finish(job, tail(s2, w2, a, i, k), n &+ 2, row)
    finish(job, tail(s3, w3, a, i, k), n &+ 3, row)
  }

  @inline(never)
  static func oneByOne(_ job: FullyConnectedJob, _ n: Int, _ row: Int) {
    let k = job.inputs
    let w = job.weights + n &* k
    let a = job.input + row &* job.inputStride
    var s = splat(0)
    var i = 0
    while i &+ W <= k {
      s = fma(s, load(w + i), load(a + i))
      i &+= W
    }
    finish(job, tail(s, w, a, i, k), n, row)
  }

  /// Adds the products that do not fill a vector.
  @inline(always)
  static func tail(_ s: V, _ w: Source, _ a: Source, _ i: Int, _ k: Int) -> V {
    i < k ? addPartial(s, w + i, a + i, k &- i) : s
  }

  @inline(never)
  static func addPartial(_ s: V, _ w: Source, _ a: Source, _ n: Int) -> V {
    fma(s, loadPartial(w, n), loadPartial(a, n))
  }
}
