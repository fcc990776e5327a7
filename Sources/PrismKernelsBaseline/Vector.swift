// The vector type of this variant and the few operations every loop is built from.
//
// All of them are `@_transparent` or `@inline(always)`: a SIMD value must never cross a real call
// (it would be passed through memory). Index arithmetic in this module uses `&+` and `&*`: checked
// arithmetic reorders the loads and halves the speed.

#if PRISM_AVX512
  /// One vector register.
  typealias V = SIMD16<Float>
  /// Half of it.
  typealias HalfV = SIMD8<Float>
  /// The integers that share a register with `V`.
  typealias VI = SIMD16<Int32>
  /// Lanes of `V`.
  @_transparent var W: Int { 16 }
#elseif PRISM_AVX2
  /// One vector register.
  typealias V = SIMD8<Float>
  /// Half of it.
  typealias HalfV = SIMD4<Float>
  /// The integers that share a register with `V`.
  typealias VI = SIMD8<Int32>
  /// Lanes of `V`.
  @_transparent var W: Int { 8 }
#else
  /// One vector register.
  typealias V = SIMD4<Float>
  /// Half of it.
  typealias HalfV = SIMD2<Float>
  /// The integers that share a register with `V`.
  typealias VI = SIMD4<Int32>
  /// Lanes of `V`.
  @_transparent var W: Int { 4 }
#endif

typealias Source = UnsafePointer<Float>
typealias Destination = UnsafeMutablePointer<Float>

@inline(always)
func load(_ p: Source) -> V { UnsafeRawPointer(p).loadUnaligned(as: V.self) }

@inline(always)
func load(_ p: Destination) -> V { UnsafeRawPointer(p).loadUnaligned(as: V.self) }

@inline(always)
func store(_ v: V, _ p: Destination) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: V.self)
}

@inline(always)
func splat(_ x: Float) -> V { V(repeating: x) }

/// Returns `c + a * b`, with one rounding where the variant has the instruction.
///
/// On a baseline x86-64 `addingProduct` would be a library call per lane, hence two roundings
/// there.
@inline(always)
func fma(_ c: V, _ a: V, _ b: V) -> V {
  #if PRISM_AVX512 || PRISM_AVX2 || arch(arm64)
    c.addingProduct(a, b)
  #else
    c + a * b
  #endif
}

/// Returns the larger of two, lane by lane; a NaN in `v` stays.
@inline(always)
func maximum(_ v: V, _ low: V) -> V { v.replacing(with: low, where: v .< low) }

/// Returns the smaller of two, lane by lane; a NaN in `v` stays.
@inline(always)
func minimum(_ v: V, _ high: V) -> V { v.replacing(with: high, where: v .> high) }

/// Returns a vector between two others, lane by lane; a NaN in `v` stays.
@inline(always)
func clamped(_ v: V, _ low: V, _ high: V) -> V { minimum(maximum(v, low), high) }

/// Half the lanes of `V`: many networks have channels in multiples of eight.
@_transparent var H: Int { W / 2 }

/// Loads half a vector and fills the other lanes with zero.
@inline(always)
func loadHalf(_ p: Source) -> V {
  V(
    lowHalf: UnsafeRawPointer(p).loadUnaligned(as: HalfV.self),
    highHalf: HalfV(repeating: 0))
}

/// Stores the first half of a vector.
@inline(always)
func storeHalf(_ v: V, _ p: Destination) {
  UnsafeMutableRawPointer(p).storeBytes(of: v.lowHalf, as: HalfV.self)
}

/// Loads `n < W` floats and fills the other lanes with zero.
@inline(always)
func loadPartial(_ p: Source, _ n: Int) -> V {
  if n == H { return loadHalf(p) }
  var v = V(repeating: 0)
  var i = 0
  while i < n {
    v[i] = p[i]
    i &+= 1
  }
  return v
}

/// Stores the first `n < W` lanes.
@inline(always)
func storePartial(_ v: V, _ p: Destination, _ n: Int) {
  if n == H { return storeHalf(v, p) }
  var i = 0
  while i < n {
    p[i] = v[i]
    i &+= 1
  }
}

/// Loads `min(n, W)` floats.
@inline(always)
func loadUpTo(_ p: Source, _ n: Int) -> V { n >= W ? load(p) : loadPartial(p, n) }

/// Stores `min(n, W)` lanes.
@inline(always)
func storeUpTo(_ v: V, _ p: Destination, _ n: Int) {
  if n >= W { store(v, p) } else { storePartial(v, p, n) }
}

/// Returns `p` and an integer `n` in the low bits of a number, so that `2^n · p` is `e^x`, or `e^-x`,
/// to a relative error of 2e-7; `|x|` is below 2^21.
///
/// `n` is the nearest integer to the binary logarithm, and `p` a polynomial of degree 6 in the rest:
/// of those with `p(0) = 1` that whose largest relative error from -0.5 to 0.5 is least, 2e-9.
@inline(always)
private func power(_ x: V, negated: Bool = false) -> (p: V, n: VI) {
  // The binary logarithm of e, in two parts.
  let high: Float = negated ? -1.442_695_02 : 1.442_695_02
  let low: Float = negated ? -1.925_963_03e-8 : 1.925_963_03e-8
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  let shifted = fma(splat(12_582_912), x, splat(high))
  let whole = splat(12_582_912) - shifted
  #if PRISM_AVX512 || PRISM_AVX2 || arch(arm64)
    let r = fma(fma(whole, x, splat(high)), x, splat(low))
  #else
    // Without a product that is not rounded, the logarithm of 2 has a part of so few bits that its
    // products are exact.
    let rest = (negated ? -x : x) + whole * splat(0.693_359_375)
    let r = (rest - whole * splat(2.121_944_4e-4)) * splat(1.442_695_02)
  #endif
  var p = splat(1.535_330_79e-4)
  p = fma(splat(1.339_893_89e-3), p, r)
  p = fma(splat(9.618_437_99e-3), p, r)
  p = fma(splat(5.550_332_32e-2), p, r)
  p = fma(splat(2.402_264_79e-1), p, r)
  p = fma(splat(6.931_472_03e-1), p, r)
  p = fma(splat(1), p, r)
  return (p, unsafeBitCast(shifted, to: VI.self))
}

/// Returns `e^x` to a relative error of 2e-7; a NaN stays.
///
/// Outside of -87.3 to 88.3 the value is that at the end of the range.
@inline(always)
func exponential(_ value: V) -> V {
  let (p, n) = power(clamped(value, splat(-87.3), splat(88.3)))
  let bits = (n &+ VI(repeating: 127)) &<< VI(repeating: 23)
  return p * unsafeBitCast(bits, to: V.self)
}

/// Returns `1 + e^-x`, with the range and the error of ``exponential(_:)``; of a NaN any number.
@inline(always)
private func logisticDivisor(_ value: V) -> V {
  let (p, n) = power(clamped(value, splat(-88.3), splat(87.3)), negated: true)
  // What is added to the exponent multiplies.
  let bits = unsafeBitCast(p, to: VI.self) &+ (n &<< VI(repeating: 23))
  return splat(1) + unsafeBitCast(bits, to: V.self)
}

/// Returns `1 / (1 + e^-x)` to a relative error of 3e-7 for `|x| <= 87`.
@inline(always)
func logistic(_ x: V) -> V { splat(1) / (splat(1) + exponential(-x)) }

/// Returns `x / (1 + e^-x)` to a relative error of 3e-7 for `|x| <= 87`.
@inline(always)
func swish(_ x: V) -> V { x / logisticDivisor(x) }

/// Returns the Gauss error function with an absolute error of 3e-7.
///
/// A quotient of polynomials in x² (the coefficients of Eigen's `erf`); where the value is nearer
/// to ±1 than to any other number, it is ±1.
@inline(always)
func errorFunction(_ value: V) -> V {
  let x = minimum(maximum(value, splat(-4)), splat(4))
  let z = x * x
  var p = splat(-2.726_142_258_013_06e-10)
  p = fma(splat(2.770_681_424_959_02e-08), p, z)
  p = fma(splat(-2.101_024_020_825_08e-06), p, z)
  p = fma(splat(-5.692_506_394_623_46e-05), p, z)
  p = fma(splat(-7.349_906_303_268_55e-04), p, z)
  p = fma(splat(-2.954_599_808_540_25e-03), p, z)
  p = fma(splat(-1.609_603_332_624_15e-02), p, z)
  var q = splat(-1.456_607_184_649_96e-05)
  q = fma(splat(-2.133_740_552_789_05e-04), q, z)
  q = fma(splat(-1.682_826_974_382_03e-03), q, z)
  q = fma(splat(-7.373_329_167_204_68e-03), q, z)
  q = fma(splat(-1.426_473_905_141_89e-02), q, z)
  var result = x * p / q
  result = result.replacing(with: splat(1), where: x .>= splat(3.832_506_9))
  return result.replacing(with: splat(-1), where: x .<= splat(-3.832_506_9))
}

/// Returns `x · Φ(x)`, with Φ the normal distribution.
@inline(always)
func gaussian(_ x: V) -> V {
  let half = x * splat(0.5)
  return fma(half, half, errorFunction(x * splat(0.707_106_78)))
}

/// Returns `x · Φ(x)` with `Φ(x) ≈ (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2`.
@inline(always)
func gaussianByTanh(_ x: V) -> V {
  let inner = x * fma(splat(1.595_769_12), x * x, splat(0.071_354_816))
  return x / logisticDivisor(inner)
}

/// Moves a pointer that may be missing.
@inline(always)
func offset(_ p: Source?, _ by: Int) -> Source? {
  guard let p else { return nil }
  return p + by
}

/// Adds the lanes in halves.
@inline(always)
func laneSum(_ v: V) -> Float {
  #if PRISM_AVX512
    let eight = v.lowHalf + v.highHalf
    let four = eight.lowHalf + eight.highHalf
  #elseif PRISM_AVX2
    let four = v.lowHalf + v.highHalf
  #else
    let four = v
  #endif
  let two = four.lowHalf + four.highHalf
  return two[0] + two[1]
}
