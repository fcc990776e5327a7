// The walk back through activations: cotangents times slopes.

#if PRISM_AVX512 || PRISM_AVX2
  import PrismKernelsBaseline
#endif

#if PRISM_AVX512
  /// The bits of a vector of numbers.
  typealias Bits = UInt16
  /// One bit for every lane.
  @_transparent var laneBits: VI {
    VI(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
  }
#elseif PRISM_AVX2
  /// The bits of a vector of numbers.
  typealias Bits = UInt8
  /// One bit for every lane.
  @_transparent var laneBits: VI { VI(1, 2, 4, 8, 16, 32, 64, 128) }
#else
  /// The bits of a vector of numbers.
  typealias Bits = UInt8
  /// One bit for every lane.
  @_transparent var laneBits: VI { VI(1, 2, 4, 8) }
#endif

/// The bytes of the bits of a vector.
@_transparent var bitsSize: Int { MemoryLayout<Bits>.size }

/// Combines the lanes.
@inline(always)
func allLanes(_ v: VI) -> Bits {
  #if PRISM_AVX512
    let eight = v.lowHalf | v.highHalf
    let four = eight.lowHalf | eight.highHalf
  #elseif PRISM_AVX2
    let four = v.lowHalf | v.highHalf
  #else
    let four = v
  #endif
  let two = four.lowHalf | four.highHalf
  return Bits(truncatingIfNeeded: two[0] | two[1])
}

/// The gate of a block that begins at a row and a channel; for bits at a multiple of a vector.
@inline(always)
func advanced(_ gate: Gate, row: Int, channel: Int) -> Gate {
  var result = gate.advanced(row: row)
  result.values += gate.slope == .bits ? channel / W &* bitsSize : 4 &* channel
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
        with: laneBits, where: (v .> splat(0)) .& (v .< high))
      target.storeBytes(of: allLanes(set), as: Bits.self)
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
  case .withinSix:
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

/// Writes cotangents of an activation's input; gate and residual begin at the first element.
@inline(never)
func gateRows(
  _ gate: Gate, _ p: Source, _ ldp: Int, _ q: Destination, _ ldq: Int, residual: Source?, ldr: Int,
  residualFirst: Bool, rows: Int, columns: Int
) {
  if gate.slope == .bits {
    return gateRowsByBits(gate, p, ldp, q, ldq, residual, ldr, residualFirst, rows, columns)
  }
  // A loop for each of the usual slopes.
  if !gate.isGuided && gate.scale == nil {
    switch gate.slope {
    case .positive:
      return gateRows(
        .positive, gate, p, ldp, q, ldq, residual, ldr, residualFirst, rows, columns)
    case .withinSix:
      return gateRows(
        .withinSix, gate, p, ldp, q, ldq, residual, ldr, residualFirst, rows, columns)
    case .silu:
      return gateRows(.silu, gate, p, ldp, q, ldq, residual, ldr, residualFirst, rows, columns)
    case .sigmoid, .hardSwish, .hardSigmoid, .gelu, .bits: break
    }
  }
  var i = 0
  while i < rows {
    let kept = gate.values.assumingMemoryBound(to: Float.self) + i &* gate.stride
    let source = p + i &* ldp
    let target = q + i &* ldq
    let added = offset(residual, i &* ldr)
    var j = 0
    while j < columns {
      let n = columns &- j
      var v = loadUpTo(source + j, n)
      var y = loadUpTo(kept + j, n)
      if let scale = gate.scale, let shift = gate.shift {
        y = fma(loadUpTo(shift + j, n), y, loadUpTo(scale + j, n))
      }
      if residualFirst, let added { v = v + loadUpTo(added + j, n) }
      if gate.isGuided {
        v = splat(0).replacing(with: maximum(v, splat(0)), where: y .> splat(0))
      }
      v = sloped(v, y, gate.slope)
      if !residualFirst, let added { v = v + loadUpTo(added + j, n) }
      storeUpTo(v, target + j, n)
      j &+= W
    }
    i &+= 1
  }
}

/// The same for a slope that is a constant wherever this is used.
@inline(always)
func gateRows(
  _ slope: Slope, _ gate: Gate, _ p: Source, _ ldp: Int, _ q: Destination, _ ldq: Int,
  _ residual: Source?, _ ldr: Int, _ residualFirst: Bool, _ rows: Int, _ columns: Int
) {
  var i = 0
  while i < rows {
    let kept = gate.values.assumingMemoryBound(to: Float.self) + i &* gate.stride
    let source = p + i &* ldp
    let target = q + i &* ldq
    if let residual {
      let added = residual + i &* ldr
      var j = 0
      while j < columns {
        let n = columns &- j
        let r = loadUpTo(added + j, n)
        let v = loadUpTo(source + j, n)
        let y = loadUpTo(kept + j, n)
        let result = residualFirst ? sloped(v + r, y, slope) : sloped(v, y, slope) + r
        storeUpTo(result, target + j, n)
        j &+= W
      }
    } else {
      var j = 0
      while j < columns {
        let n = columns &- j
        storeUpTo(sloped(loadUpTo(source + j, n), loadUpTo(kept + j, n), slope), target + j, n)
        j &+= W
      }
    }
    i &+= 1
  }
}

/// The same for bits.
@inline(never)
func gateRowsByBits(
  _ gate: Gate, _ p: Source, _ ldp: Int, _ q: Destination, _ ldq: Int, _ residual: Source?,
  _ ldr: Int, _ residualFirst: Bool, _ rows: Int, _ columns: Int
) {
  let low = splat(gate.isGuided ? 0 : -.infinity)
  let whole = columns &- columns % W
  var i = 0
  while i < rows {
    let source = p + i &* ldp
    let target = q + i &* ldq
    var bits = gate.values + i &* gate.stride
    if let residual {
      let added = residual + i &* ldr
      var j = 0
      while j < columns {
        let n = columns &- j
        let r = loadUpTo(added + j, n)
        let v = loadUpTo(source + j, n)
        let result =
          residualFirst ? passed(maximum(v + r, low), bits) : passed(maximum(v, low), bits) + r
        storeUpTo(result, target + j, n)
        bits += bitsSize
        j &+= W
      }
    } else {
      var j = 0
      while j < whole {
        store(passed(maximum(load(source + j), low), bits), target + j)
        bits += bitsSize
        j &+= W
      }
      if j < columns {
        let n = columns &- j
        storePartial(passed(maximum(loadPartial(source + j, n), low), bits), target + j, n)
      }
    }
    i &+= 1
  }
}
