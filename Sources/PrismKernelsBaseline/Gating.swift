// The walk back through activations: cotangents times slopes.

#if PRISM_AVX512 || PRISM_AVX2
  import PrismKernelsBaseline
#endif

#if PRISM_AVX512
  /// One bit for every lane.
  @_transparent var laneBits: VI {
    VI(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
  }
#elseif PRISM_AVX2
  /// One bit for every lane.
  @_transparent var laneBits: VI { VI(1, 2, 4, 8, 16, 32, 64, 128) }
#else
  /// One bit for every lane.
  @_transparent var laneBits: VI { VI(1, 2, 4, 8) }
#endif

/// The bytes of the bits of a vector.
@_transparent var bitsSize: Int { MemoryLayout<Bits>.size }

/// The gate of a block that begins at a row and a channel; for bits at a multiple of a vector.
@inline(always)
func advanced(_ gate: Gate, row: Int, channel: Int) -> Gate {
  // Not by the gate's own function, which would be a call into another module for every tile.
  var result = gate
  result.values +=
    gate.slope == .bits
    ? row &* gate.stride &+ channel / W &* bitsSize : 4 &* (row &* gate.stride &+ channel)
  if let scale = gate.scale { result.scale = scale + channel }
  if let shift = gate.shift { result.shift = shift + channel }
  return result
}

/// The place for bits of a block that begins at a row and a channel, a multiple of a vector.
@inline(always)
func advanced(_ keep: Keep, row: Int, channel: Int) -> Keep {
  var result = keep.advanced(row: row)
  result.bits += channel / W &* bitsSize
  return result
}

/// Writes the bits of stored numbers.
@inline(never)
func keepRows(_ keep: Keep, _ c: Source, _ ldc: Int, rows: Int, columns: Int) {
  let high = splat(keep.isBounded ? 6 : .infinity)
  var i = 0
  while i < rows {
    let source = c + i &* ldc
    var target = keep.bits + i &* keep.stride
    var j = 0
    while j < columns {
      let v = loadUpTo(source + j, columns &- j)
      let set = VI(repeating: 0).replacing(
        with: VI(repeating: -1), where: (v .> splat(0)) .& (v .< high))
      target.storeBytes(of: signs(set), as: Bits.self)
      target += bitsSize
      j &+= W
    }
    i &+= 1
  }
}

/// Passes a cotangent where bits are set.
@inline(always)
func passed(_ v: V, _ bits: UnsafeRawPointer) -> V {
  let set = VI(repeating: Int32(truncatingIfNeeded: bits.loadUnaligned(as: Bits.self)))
  return splat(0).replacing(with: v, where: (set & laneBits) .!= VI(repeating: 0))
}

/// Returns a cotangent times a slope at a kept number.
@inline(always)
func sloped(_ v: V, _ kept: V, _ slope: Slope) -> V {
  switch slope {
  case .positive: return splat(0).replacing(with: v, where: kept .> splat(0))
  case .inside:
    return splat(0).replacing(with: v, where: (kept .> splat(0)) .& (kept .< splat(6)))
  case .silu:
    let s = logistic(kept)
    return v * s * fma(splat(1), kept, splat(1) - s)
  case .sigmoid: return v * kept * (splat(1) - kept)
  case .hardSwish:
    let s = fma(splat(0.5), kept, splat(1 / 3))
    let inner = splat(0).replacing(with: v * s, where: kept .> splat(-3))
    return inner.replacing(with: v, where: kept .>= splat(3))
  case .hardSigmoid:
    return splat(0).replacing(
      with: v * splat(1 / 6), where: (kept .> splat(-3)) .& (kept .< splat(3)))
  case .gelu:
    let half = splat(0.5)
    let share = fma(half, half, errorFunction(kept * splat(0.707_106_78)))
    let density = splat(0.398_942_28) * exponential(kept * kept * splat(-0.5))
    return v * fma(share, kept, density)
  case .bits: return v
  }
}

/// Cotangents of an activation's output and what is added to those of its input; both and the gate
/// begin at the first element that is written.
struct GateRows {
  var gate: Gate
  var source: Source
  var stride: Int
  var residual: Source?
  var residualStride: Int
  /// Whether the residual belongs to the cotangents of the output.
  var residualFirst: Bool
}

/// Writes cotangents of an activation's input: a loop for each of the usual gates.
@inline(never)
func gateRows(_ job: GateRows, into q: Destination, _ ldq: Int, rows: Int, columns: Int) {
  let isPlain = !job.gate.isGuided && job.gate.scale == nil
  switch job.gate.slope {
  case .bits: gateByBits(job, q, ldq, rows, columns)
  case .silu where isPlain: gate(job, q, ldq, rows, columns) { v, y, _ in sloped(v, y, .silu) }
  case .gelu where isPlain: gate(job, q, ldq, rows, columns) { v, y, _ in sloped(v, y, .gelu) }
  case .positive where isPlain:
    gate(job, q, ldq, rows, columns) { v, y, _ in sloped(v, y, .positive) }
  case .inside where isPlain:
    gate(job, q, ldq, rows, columns) { v, y, _ in sloped(v, y, .inside) }
  case .positive where !job.gate.isGuided && !isPlain:
    guard let scale = job.gate.scale, let shift = job.gate.shift else { return }
    gate(job, q, ldq, rows, columns) { v, y, j in
      sloped(v, fma(load(shift + j), y, load(scale + j)), .positive)
    }
  default:
    var i = 0
    while i < rows {
      gateRest(job, i, 0, q + i &* ldq, columns)
      i &+= 1
    }
  }
}

/// Writes rows by a function of whole vectors, which is a constant wherever this is used.
@inline(always)
func gate(
  _ job: GateRows, _ q: Destination, _ ldq: Int, _ rows: Int, _ columns: Int,
  _ body: (V, V, Int) -> V
) {
  let values = job.gate.values.assumingMemoryBound(to: Float.self)
  var i = 0
  while i < rows {
    let source = job.source + i &* job.stride
    let kept = values + i &* job.gate.stride
    let target = q + i &* ldq
    var j = 0
    if let residual = offset(job.residual, i &* job.residualStride) {
      while j &+ W <= columns {
        let r = load(residual + j)
        let v = load(source + j)
        let y = load(kept + j)
        store(job.residualFirst ? body(v + r, y, j) : body(v, y, j) + r, target + j)
        j &+= W
      }
    } else {
      while j &+ W <= columns {
        store(body(load(source + j), load(kept + j), j), target + j)
        j &+= W
      }
    }
    if j < columns { gateRest(job, i, j, target, columns) }
    i &+= 1
  }
}

/// Writes rows by bits.
@inline(always)
func gateByBits(_ job: GateRows, _ q: Destination, _ ldq: Int, _ rows: Int, _ columns: Int) {
  let low = splat(job.gate.isGuided ? 0 : -.infinity)
  var i = 0
  while i < rows {
    let source = job.source + i &* job.stride
    let target = q + i &* ldq
    var bits = job.gate.values + i &* job.gate.stride
    var j = 0
    if let residual = offset(job.residual, i &* job.residualStride) {
      while j &+ W <= columns {
        let r = load(residual + j)
        let v = load(source + j)
        store(
          job.residualFirst ? passed(maximum(v + r, low), bits) : passed(maximum(v, low), bits) + r,
          target + j)
        bits += bitsSize
        j &+= W
      }
    } else {
      while j &+ W <= columns {
        store(passed(maximum(load(source + j), low), bits), target + j)
        bits += bitsSize
        j &+= W
      }
    }
    if j < columns { gateRest(job, i, j, target, columns) }
    i &+= 1
  }
}

/// Writes a row from a column on, whatever the gate.
@inline(never)
func gateRest(_ job: GateRows, _ row: Int, _ start: Int, _ target: Destination, _ columns: Int) {
  let gate = advanced(job.gate, row: row, channel: 0)
  let source = job.source + row &* job.stride
  let residual = offset(job.residual, row &* job.residualStride)
  var j = start
  while j < columns {
    let n = columns &- j
    var v = loadUpTo(source + j, n)
    var r = splat(0)
    if let residual { r = loadUpTo(residual + j, n) }
    if job.residualFirst { v = v + r }
    if gate.isGuided { v = maximum(v, splat(0)) }
    if gate.slope == .bits {
      v = passed(v, gate.values + j / W &* bitsSize)
    } else {
      var y = loadUpTo(gate.values.assumingMemoryBound(to: Float.self) + j, n)
      if let scale = gate.scale, let shift = gate.shift {
        y = fma(loadUpTo(shift + j, n), y, loadUpTo(scale + j, n))
      }
      if gate.isGuided { v = splat(0).replacing(with: v, where: y .> splat(0)) }
      v = sloped(v, y, gate.slope)
    }
    if !job.residualFirst { v = v + r }
    storeUpTo(v, target + j, n)
    j &+= W
  }
}
