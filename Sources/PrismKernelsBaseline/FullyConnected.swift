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
  /// Four rows of weights are read at a time, from memory once for all `M` rows; where those do not
  /// fit into the second-level cache they are taken in parts, for many rows of weights each.
  package static func run(_ job: FullyConnectedJob) {
    guard job.outputStart < job.outputEnd, job.rows > 0 else { return }
    // The partial sums of some outputs.
    let fitting = 4096 / job.rows &* 4
    let group = fitting < 4 ? 4 : (fitting > 64 ? 64 : fitting)
    withUnsafeTemporaryAllocation(byteCount: group &* job.rows &* W &* 4, alignment: 64) { bytes in
      guard let sums = bytes.bindMemory(to: Float.self).baseAddress else { return }
      var n = job.outputStart
      while n < job.outputEnd {
        let rest = job.outputEnd &- n
        let count = rest < 4 ? rest : (rest < group ? rest / 4 &* 4 : group)
        compute(job, n, count, sums)
        n &+= count
      }
    }
    writePixels(
      shifted(job.epilogue, job.outputStart),
      Source(job.output + job.outputStart), job.outputStride, job.output + job.outputStart,
      job.outputStride, 0, rows: job.rows, channels: job.outputEnd &- job.outputStart)
  }

  /// The numbers of a row that are multiplied at a time where all rows together are too large for
  /// the second-level cache.
  @inline(always)
  static func block(_ job: FullyConnectedJob) -> Int {
    let whole = job.inputs / W &* W
    if job.rows <= 4 || job.rows &* whole <= 96 &* 1024 { return whole }
    let fitting = 64 &* 1024 / job.rows / W &* W
    return fitting < 16 &* W ? 16 &* W : fitting
  }

  /// Computes some outputs, fewer than four or a multiple of it.
  @inline(never)
  static func compute(_ job: FullyConnectedJob, _ first: Int, _ count: Int, _ sums: Destination) {
    let k = job.inputs
    let whole = k / W &* W
    let block = block(job)
    let end = first &+ count
    fillZeros(sums, count &* job.rows &* W)
    var start = 0
    while start < whole {
      let stop = whole &- start < block ? whole : start &+ block
      var n = first
      while n < end {
        let sums = sums + (n &- first) &* job.rows &* W
        if end &- n < 4 {
          oneByAll(job, n, start, stop, sums)
          n &+= 1
        } else {
          var row = 0
          while row &+ 4 <= job.rows {
            fourByFour(job, n, row, start, stop, sums + 4 &* row &* W)
            row &+= 4
          }
          while row < job.rows {
            fourByOne(job, n, row, start, stop, sums + 4 &* row &* W)
            row &+= 1
          }
          n &+= 4
        }
      }
      start = stop
    }
    var n = first
    while n < end {
      let outputs = end &- n < 4 ? 1 : 4
      var row = 0
      while row < job.rows {
        var j = 0
        while j < outputs {
          let sum = load(sums + ((n &- first) &* job.rows &+ row &* outputs &+ j) &* W)
          finish(job, tail(job, sum, n &+ j, row, whole), n &+ j, row)
          j &+= 1
        }
        row &+= 1
      }
      n &+= outputs
    }
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

  /// Fetches the numbers of four outputs that are multiplied after these: a few rows do not keep
  /// the memory busy, and what fetches ahead by itself stops at every page.
  @inline(always)
  static func fetch(_ w0: Source, _ w1: Source, _ w2: Source, _ w3: Source, _ ahead: Int) {
    prefetch(w0 + ahead)
    prefetch(w1 + ahead)
    prefetch(w2 + ahead)
    prefetch(w3 + ahead)
  }

  /// Adds to the partial sums of four outputs and four rows, those of a row side by side.
  @inline(never)
  static func fourByFour(
    _ job: FullyConnectedJob, _ n: Int, _ row: Int, _ start: Int, _ stop: Int, _ sums: Destination
  ) {
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
      let (q0, q1, q2, q3) = (sums, sums + 4 &* W, sums + 8 &* W, sums + 12 &* W)
      var s00 = load(q0), s10 = load(q0 + W), s20 = load(q0 + 2 &* W), s30 = load(q0 + 3 &* W)
      var s01 = load(q1), s11 = load(q1 + W), s21 = load(q1 + 2 &* W), s31 = load(q1 + 3 &* W)
      var s02 = load(q2), s12 = load(q2 + W), s22 = load(q2 + 2 &* W), s32 = load(q2 + 3 &* W)
      var s03 = load(q3), s13 = load(q3 + W), s23 = load(q3 + 2 &* W), s33 = load(q3 + 3 &* W)
      var i = start
      while i < stop {
        // Other rows have the weights in the cache.
        if row == 0 { fetch(w0, w1, w2, w3, 4 &* k &+ i) }
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
      storeFour(s00, s10, s20, s30, q0)
      storeFour(s01, s11, s21, s31, q1)
      storeFour(s02, s12, s22, s32, q2)
      storeFour(s03, s13, s23, s33, q3)
    #else
      twoByFour(job, n, row, start, stop, sums)
      twoByFour(job, n &+ 2, row, start, stop, sums + 2 &* W)
    #endif
  }

  @inline(always)
  static func storeFour(_ a: V, _ b: V, _ c: V, _ d: V, _ sums: Destination) {
    store(a, sums)
    store(b, sums + W)
    store(c, sums + 2 &* W)
    store(d, sums + 3 &* W)
  }

  @inline(never)
  static func twoByFour(
    _ job: FullyConnectedJob, _ n: Int, _ row: Int, _ start: Int, _ stop: Int, _ sums: Destination
  ) {
    let k = job.inputs
    let w0 = job.weights + n &* k
    let w1 = w0 + k
    let a0 = job.input + row &* job.inputStride
    let a1 = a0 + job.inputStride
    let a2 = a1 + job.inputStride
    let a3 = a2 + job.inputStride
    let (q0, q1, q2, q3) = (sums, sums + 4 &* W, sums + 8 &* W, sums + 12 &* W)
    var s00 = load(q0), s10 = load(q0 + W)
    var s01 = load(q1), s11 = load(q1 + W)
    var s02 = load(q2), s12 = load(q2 + W)
    var s03 = load(q3), s13 = load(q3 + W)
    var i = start
    while i < stop {
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
    store(s00, q0)
    store(s10, q0 + W)
    store(s01, q1)
    store(s11, q1 + W)
    store(s02, q2)
    store(s12, q2 + W)
    store(s03, q3)
    store(s13, q3 + W)
  }

  @inline(never)
  static func fourByOne(
    _ job: FullyConnectedJob, _ n: Int, _ row: Int, _ start: Int, _ stop: Int, _ sums: Destination
  ) {
    let k = job.inputs
    let w0 = job.weights + n &* k
    let w1 = w0 + k
    let w2 = w1 + k
    let w3 = w2 + k
    let a = job.input + row &* job.inputStride
    var s0 = load(sums), s1 = load(sums + W), s2 = load(sums + 2 &* W), s3 = load(sums + 3 &* W)
    var i = start
    while i < stop {
      fetch(w0, w1, w2, w3, 4 &* k &+ i)
      let x = load(a + i)
      s0 = fma(s0, load(w0 + i), x)
      s1 = fma(s1, load(w1 + i), x)
      s2 = fma(s2, load(w2 + i), x)
      s3 = fma(s3, load(w3 + i), x)
      i &+= W
    }
    storeFour(s0, s1, s2, s3, sums)
  }

  /// Adds to the partial sums of one output and all rows.
  @inline(never)
  static func oneByAll(
    _ job: FullyConnectedJob, _ n: Int, _ start: Int, _ stop: Int, _ sums: Destination
  ) {
    let w = job.weights + n &* job.inputs
    var row = 0
    while row < job.rows {
      let a = job.input + row &* job.inputStride
      var s = load(sums + row &* W)
      var i = start
      while i < stop {
        s = fma(s, load(w + i), load(a + i))
        i &+= W
      }
      store(s, sums + row &* W)
      row &+= 1
    }
  }

  /// Adds the products that do not fill a vector.
  @inline(always)
  static func tail(_ job: FullyConnectedJob, _ s: V, _ n: Int, _ row: Int, _ whole: Int) -> V {
    guard whole < job.inputs else { return s }
    return addPartial(
      s, job.weights + (n &* job.inputs &+ whole), job.input + (row &* job.inputStride &+ whole),
      job.inputs &- whole)
  }

  @inline(never)
  static func addPartial(_ s: V, _ w: Source, _ a: Source, _ n: Int) -> V {
    fma(s, loadPartial(w, n), loadPartial(a, n))
  }
}
