// The ends of the kernels: what an epilogue does to finished sums.

#if PRISM_AVX512 || PRISM_AVX2
  import PrismKernelsBaseline
#endif

/// Returns a curve of a vector.
@inline(always)
func curved(_ v: V, _ curve: Curve) -> V {
  switch curve {
  case .none: v
  case .silu: swish(v)
  case .sigmoid: logistic(v)
  case .hardSigmoid: minimum(maximum(fma(splat(0.5), v, splat(1 / 6)), splat(0)), splat(1))
  case .hardSwish: v * (minimum(maximum(v + splat(3), splat(0)), splat(6)) * splat(1 / 6))
  case .gelu: gaussian(v)
  case .geluTanh: gaussianByTanh(v)
  }
}

/// The part of an epilogue that is a second pass over a tile while it is in the first-level cache:
/// a curve, then a residual that comes after the activation.
struct Finish {
  var curve: Curve
  var residual: Source?
  var ldr: Int
  /// Whether the residual comes before the activation; then the clamp is done here as well.
  var residualFirst = false
  var low = -Float.infinity
  var high = Float.infinity
  /// What stands in the place of clamp and curve; its values begin at the first element of the
  /// block.
  var gate: Gate?
  /// Where the bits of the result go; they begin with the first element of the block.
  var keep: Keep?

  /// No second pass.
  @inline(always)
  init() {
    curve = .none
    residual = nil
    ldr = 0
  }

  /// Takes the second pass out of an epilogue whose residual points at the first element of the
  /// block, which is at a row and a channel of the output.
  @inline(always)
  init(_ epilogue: Epilogue, residual: Source?, row: Int, channel: Int) {
    if let gate = epilogue.gate { self.gate = advanced(gate, row: row, channel: channel) }
    if let keep = epilogue.keep { self.keep = advanced(keep, row: row, channel: channel) }
    curve = epilogue.curve
    self.residual = epilogue.residualAfterActivation ? residual : nil
    ldr = epilogue.residualStride
  }

  @inline(always)
  var isNeeded: Bool {
    if case .none = curve { return residual != nil || gate != nil || keep != nil }
    return true
  }

  /// Changes `rows` stored rows; the first of them is row `row` of the block.
  @inline(never)
  func run(_ c: Destination, _ ldc: Int, row: Int, rows: Int, columns: Int) {
    if let gate {
      let job = GateRows(
        gate: advanced(gate, row: row, channel: 0), source: Source(c), stride: ldc,
        residual: offset(residual, row &* ldr), residualStride: ldr, residualFirst: residualFirst)
      return gateRows(job, into: c, ldc, rows: rows, columns: columns)
    }
    if let keep {
      if residual != nil { finish(c, ldc, row: row, rows: rows, columns: columns) }
      return keepRows(keep.advanced(row: row), Source(c), ldc, rows: rows, columns: columns)
    }
    if residual == nil {
      // A loop for each curve: one that chooses among them again and again takes half as long more.
      switch curve {
      case .none: break
      case .silu: return finishSilu(c, ldc, rows, columns)
      case .sigmoid: return finishSigmoid(c, ldc, rows, columns)
      case .hardSigmoid: return finishHardSigmoid(c, ldc, rows, columns)
      case .hardSwish: return finishHardSwish(c, ldc, rows, columns)
      case .gelu: return finishGelu(c, ldc, rows, columns)
      case .geluTanh: return finishGeluTanh(c, ldc, rows, columns)
      }
    }
    finish(c, ldc, row: row, rows: rows, columns: columns)
  }

  @inline(always)
  private func finish(_ c: Destination, _ ldc: Int, row: Int, rows: Int, columns: Int) {
    var i = 0
    while i < rows {
      let p = c + i &* ldc
      var j = 0
      while j < columns {
        let n = columns &- j
        var v = loadUpTo(Source(p + j), n)
        if residualFirst, let residual {
          v = v + loadUpTo(residual + ((row &+ i) &* ldr &+ j), n)
          v = minimum(maximum(v, splat(low)), splat(high))
        }
        v = curved(v, curve)
        if !residualFirst, let residual { v = v + loadUpTo(residual + ((row &+ i) &* ldr &+ j), n) }
        storeUpTo(v, p + j, n)
        j &+= W
      }
      i &+= 1
    }
  }
}

/// Changes stored rows by a curve, which is a constant wherever this is used.
@inline(always)
func finish(_ curve: Curve, _ c: Destination, _ ldc: Int, _ rows: Int, _ columns: Int) {
  var i = 0
  while i < rows {
    let p = c + i &* ldc
    var j = 0
    // Two at a time, whose long chains of operations overlap.
    while j &+ 2 &* W <= columns {
      let first = curved(load(p + j), curve)
      let second = curved(load(p + j + W), curve)
      store(first, p + j)
      store(second, p + j + W)
      j &+= 2 &* W
    }
    while j < columns {
      let n = columns &- j
      storeUpTo(curved(loadUpTo(Source(p + j), n), curve), p + j, n)
      j &+= W
    }
    i &+= 1
  }
}

@inline(never)
func finishSilu(_ c: Destination, _ ldc: Int, _ rows: Int, _ columns: Int) {
  finish(.silu, c, ldc, rows, columns)
}

@inline(never)
func finishSigmoid(_ c: Destination, _ ldc: Int, _ rows: Int, _ columns: Int) {
  finish(.sigmoid, c, ldc, rows, columns)
}

@inline(never)
func finishHardSigmoid(_ c: Destination, _ ldc: Int, _ rows: Int, _ columns: Int) {
  finish(.hardSigmoid, c, ldc, rows, columns)
}

@inline(never)
func finishHardSwish(_ c: Destination, _ ldc: Int, _ rows: Int, _ columns: Int) {
  finish(.hardSwish, c, ldc, rows, columns)
}

@inline(never)
func finishGelu(_ c: Destination, _ ldc: Int, _ rows: Int, _ columns: Int) {
  finish(.gelu, c, ldc, rows, columns)
}

@inline(never)
func finishGeluTanh(_ c: Destination, _ ldc: Int, _ rows: Int, _ columns: Int) {
  finish(.geluTanh, c, ldc, rows, columns)
}

/// Writes finished sums with the whole epilogue: residual, clamp, curve.
@inline(never)
func writePixels(
  _ epilogue: Epilogue, _ p: Source, _ ldp: Int, _ q: Destination, _ ldq: Int, _ pixel: Int,
  rows: Int, channels: Int
) {
  if let gate = epilogue.gate {
    let job = GateRows(
      gate: advanced(gate, row: pixel, channel: 0), source: p, stride: ldp,
      residual: offset(epilogue.residual, pixel &* epilogue.residualStride),
      residualStride: epilogue.residualStride, residualFirst: !epilogue.residualAfterActivation)
    return gateRows(job, into: q, ldq, rows: rows, columns: channels)
  }
  let low = splat(epilogue.low)
  let high = splat(epilogue.high)
  var i = 0
  while i < rows {
    let residual = offset(epilogue.residual, (pixel &+ i) &* epilogue.residualStride)
    var j = 0
    while j < channels {
      let n = channels &- j
      var v = loadUpTo(p + (i &* ldp &+ j), n)
      var r = splat(0)
      if let residual { r = loadUpTo(residual + j, n) }
      if residual != nil && !epilogue.residualAfterActivation { v = v + r }
      v = minimum(maximum(v, low), high)
      v = curved(v, epilogue.curve)
      if residual != nil && epilogue.residualAfterActivation { v = v + r }
      storeUpTo(v, q + (i &* ldq &+ j), n)
      j &+= W
    }
    i &+= 1
  }
  if let keep = epilogue.keep {
    keepRows(keep.advanced(row: pixel), Source(q), ldq, rows: rows, columns: channels)
  }
}
