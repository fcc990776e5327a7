// The register tile for one and a half vectors of outputs: two rows share a vector.
//
// Of vectors of 16 alone: many networks have 24 channels, hardly any 12 or 6.

import PrismKernelsBaseline

/// Where a vector has the second of two rows.
typealias UpperHalf = SIMDMask<VI.MaskStorage>

/// Loads half a vector into both halves of one.
@inline(always)
func loadTwice(_ p: Source) -> V {
  let half = UnsafeRawPointer(p).loadUnaligned(as: HalfV.self)
  return V(lowHalf: half, highHalf: half)
}

/// Loads the halves of a vector from two places.
@inline(always)
func loadHalves(_ p: Source, _ q: Source) -> V {
  V(
    lowHalf: UnsafeRawPointer(p).loadUnaligned(as: HalfV.self),
    highHalf: UnsafeRawPointer(q).loadUnaligned(as: HalfV.self))
}

/// Two rows of a tile one and a half vectors wide; the second may be the first once more.
struct RowPair {
  var v0: V
  var v1: V
  /// The half vector of the first row, then that of the second.
  var halves: V

  @inline(always)
  init(_ bias: Source) {
    v0 = load(bias)
    v1 = v0
    halves = loadTwice(bias + W)
  }

  @inline(always)
  mutating func add(_ x: Float, _ y: Float, _ b: V, _ twice: V, _ upper: UpperHalf) {
    let (first, second) = (splat(x), splat(y))
    v0 = fma(v0, first, b)
    v1 = fma(v1, second, b)
    halves = fma(halves, first.replacing(with: second, where: upper), twice)
  }

  @inline(always)
  mutating func add(_ residual: Source, _ other: Source) {
    v0 = v0 + load(residual)
    v1 = v1 + load(other)
    halves = halves + loadHalves(residual + W, other + W)
  }

  @inline(always)
  func write(_ c: Destination, _ d: Destination, _ low: V, _ high: V) {
    let both = minimum(maximum(halves, low), high)
    store(minimum(maximum(v0, low), high), c)
    UnsafeMutableRawPointer(c + W).storeBytes(of: both.lowHalf, as: HalfV.self)
    store(minimum(maximum(v1, low), high), d)
    UnsafeMutableRawPointer(d + W).storeBytes(of: both.highHalf, as: HalfV.self)
  }
}

/// The rows of a tile one and a half vectors wide, spelled out in pairs.
///
/// Of an odd number the last is computed twice. The number of rows is a constant wherever this is
/// used, so that those beyond it vanish.
struct PairedRows {
  var p0, p1, p2, p3, p4, p5: RowPair

  @inline(always)
  init(_ bias: Source) {
    p0 = RowPair(bias)
    (p1, p2, p3, p4, p5) = (p0, p0, p0, p0, p0)
  }

  /// Adds the products of one input channel; a pointer is that of the first of three rows.
  @inline(always)
  mutating func add(
    _ MR: Int, _ q0: Source, _ q1: Source, _ q2: Source, _ q3: Source, _ lda: Int, _ b: Source,
    _ upper: UpperHalf
  ) {
    let whole = load(b)
    let twice = loadTwice(b + W)
    p0.add(q0[0], MR > 1 ? q0[lda] : q0[0], whole, twice, upper)
    if MR > 2 { p1.add(q0[2 &* lda], MR > 3 ? q1[0] : q0[2 &* lda], whole, twice, upper) }
    if MR > 4 { p2.add(q1[lda], MR > 5 ? q1[2 &* lda] : q1[lda], whole, twice, upper) }
    if MR > 6 { p3.add(q2[0], MR > 7 ? q2[lda] : q2[0], whole, twice, upper) }
    if MR > 8 { p4.add(q2[2 &* lda], MR > 9 ? q3[0] : q2[2 &* lda], whole, twice, upper) }
    if MR > 10 { p5.add(q3[lda], MR > 11 ? q3[2 &* lda] : q3[lda], whole, twice, upper) }
  }

  @inline(always)
  mutating func add(_ MR: Int, residual r: Source, _ ldr: Int) {
    p0.add(r, r + (MR > 1 ? ldr : 0))
    if MR > 2 { p1.add(r + 2 &* ldr, r + (MR > 3 ? 3 : 2) &* ldr) }
    if MR > 4 { p2.add(r + 4 &* ldr, r + (MR > 5 ? 5 : 4) &* ldr) }
    if MR > 6 { p3.add(r + 6 &* ldr, r + (MR > 7 ? 7 : 6) &* ldr) }
    if MR > 8 { p4.add(r + 8 &* ldr, r + (MR > 9 ? 9 : 8) &* ldr) }
    if MR > 10 { p5.add(r + 10 &* ldr, r + (MR > 11 ? 11 : 10) &* ldr) }
  }

  @inline(always)
  func write(_ MR: Int, _ c: Destination, _ ldc: Int, _ low: V, _ high: V) {
    p0.write(c, c + (MR > 1 ? ldc : 0), low, high)
    if MR > 2 { p1.write(c + 2 &* ldc, c + (MR > 3 ? 3 : 2) &* ldc, low, high) }
    if MR > 4 { p2.write(c + 4 &* ldc, c + (MR > 5 ? 5 : 4) &* ldc, low, high) }
    if MR > 6 { p3.write(c + 6 &* ldc, c + (MR > 7 ? 7 : 6) &* ldc, low, high) }
    if MR > 8 { p4.write(c + 8 &* ldc, c + (MR > 9 ? 9 : 8) &* ldc, low, high) }
    if MR > 10 { p5.write(c + 10 &* ldc, c + (MR > 11 ? 11 : 10) &* ldc, low, high) }
  }
}

/// A tile of `MR` rows and one and a half vectors.
///
/// It takes three products for two rows, where a tile two vectors wide takes four. An output is the
/// same chain as in every other tile; sums that go on with what stands in the output are of whole
/// vectors, and none of this tile's.
@inline(always)
func pairedTile(_ MR: Int, _ job: TileJob) {
  let lda = job.lda
  // Nothing is added to the 8, which the compiler does not know: with a constant it puts numbers
  // together in ways that take many more instructions.
  let upper =
    VI(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    .>= VI(repeating: 8 &+ Int32(truncatingIfNeeded: job.length &>> 62))
  var rows = PairedRows(job.bias)
  var b = job.b
  var offset = 0
  var segment = job.segments
  while segment > 0 {
    // One pointer for three rows: base, base + lda, base + 2 * lda need no further arithmetic.
    var q0 = job.a + offset
    var q1 = q0 + 3 &* lda
    var q2 = q0 + 6 &* lda
    var q3 = q0 + 9 &* lda
    var k = job.length
    while k >= 4 {
      rows.add(MR, q0, q1, q2, q3, lda, b, upper)
      rows.add(MR, q0 + 1, q1 + 1, q2 + 1, q3 + 1, lda, b + 2 &* W, upper)
      rows.add(MR, q0 + 2, q1 + 2, q2 + 2, q3 + 2, lda, b + 4 &* W, upper)
      rows.add(MR, q0 + 3, q1 + 3, q2 + 3, q3 + 3, lda, b + 6 &* W, upper)
      b += 8 &* W
      q0 += 4
      if MR > 3 { q1 += 4 }
      if MR > 6 { q2 += 4 }
      if MR > 9 { q3 += 4 }
      k &-= 4
    }
    while k > 0 {
      rows.add(MR, q0, q1, q2, q3, lda, b, upper)
      b += 2 &* W
      q0 += 1
      if MR > 3 { q1 += 1 }
      if MR > 6 { q2 += 1 }
      if MR > 9 { q3 += 1 }
      k &-= 1
    }
    offset &+= job.segmentStride
    segment &-= 1
  }
  if let residual = job.residual { rows.add(MR, residual: residual, job.ldr) }
  rows.write(MR, job.c, job.ldc, job.low, job.high)
}

@inline(never) func pairedTile1(_ job: TileJob) { pairedTile(1, job) }
@inline(never) func pairedTile2(_ job: TileJob) { pairedTile(2, job) }
@inline(never) func pairedTile3(_ job: TileJob) { pairedTile(3, job) }
@inline(never) func pairedTile4(_ job: TileJob) { pairedTile(4, job) }
@inline(never) func pairedTile5(_ job: TileJob) { pairedTile(5, job) }
@inline(never) func pairedTile6(_ job: TileJob) { pairedTile(6, job) }
@inline(never) func pairedTile7(_ job: TileJob) { pairedTile(7, job) }
@inline(never) func pairedTile8(_ job: TileJob) { pairedTile(8, job) }
@inline(never) func pairedTile9(_ job: TileJob) { pairedTile(9, job) }
@inline(never) func pairedTile10(_ job: TileJob) { pairedTile(10, job) }
@inline(never) func pairedTile11(_ job: TileJob) { pairedTile(11, job) }
@inline(never) func pairedTile12(_ job: TileJob) { pairedTile(12, job) }

/// Runs the tile one and a half vectors wide with the given number of rows.
@inline(always)
func runPaired(_ rows: Int, _ job: TileJob) {
  switch rows {
  case 1: pairedTile1(job)
  case 2: pairedTile2(job)
  case 3: pairedTile3(job)
  case 4: pairedTile4(job)
  case 5: pairedTile5(job)
  case 6: pairedTile6(job)
  case 7: pairedTile7(job)
  case 8: pairedTile8(job)
  case 9: pairedTile9(job)
  case 10: pairedTile10(job)
  case 11: pairedTile11(job)
  default: pairedTile12(job)
  }
}
