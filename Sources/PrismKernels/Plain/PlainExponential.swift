/// The exponential function, to within two units in the last place, as arithmetic that vectorises.
///
/// Splits `x = n · ln 2 + r` and evaluates a polynomial of degree six in `r` (the coefficients of
/// Cephes' `expf`). Overflows to infinity, underflows gradually to zero, and passes NaN on.
@inlinable
@inline(__always)
public func plainExponential(_ x: Float) -> Float {
  let bounded = x < -104 ? -104 : (x > 89 ? 89 : x)
  // Adding 1.5 · 2²³ rounds to the nearest integer and leaves that integer in the low bits.
  let shifted = bounded * 1.442_695_04 + 12_582_912
  let n = Int32(truncatingIfNeeded: shifted.bitPattern) &- 0x4B40_0000
  let whole = shifted - 12_582_912
  let r = (bounded - whole * 0.693_359_375) + whole * 2.121_944_40e-4
  var p: Float = 1.987_569_15e-4
  p = p * r + 1.398_199_950_7e-3
  p = p * r + 8.333_451_907_3e-3
  p = p * r + 4.166_579_589_4e-2
  p = p * r + 1.666_666_545_9e-1
  p = p * r + 5.000_000_120_1e-1
  let value = (p * r * r + r) + 1
  // 2ⁿ in two factors, because n may lie outside the exponents of one `Float`.
  let half = n &>> 1
  let first = Float(bitPattern: UInt32(bitPattern: (half &+ 127) &<< 23))
  let second = Float(bitPattern: UInt32(bitPattern: (n &- half &+ 127) &<< 23))
  return value * first * second
}

/// The logistic function `1 / (1 + exp(−x))`.
@inlinable
@inline(__always)
public func plainSigmoid(_ x: Float) -> Float {
  1 / (1 + plainExponential(-x))
}
