// The register tile that all dense products share.

#if PRISM_AVX512 || PRISM_AVX2
  import PrismKernelsBaseline
#endif

/// The tile shapes of this variant.
///
/// With `NV` vectors a row a tile needs `MR * NV + NV + 1` registers, out of 32 with AVX-512 or on
/// ARM, 16 otherwise.
enum TileShape {
  /// Floats in a row of a full panel.
  @_transparent static var panelWidth: Int { 2 &* W }
  /// Most rows of a tile two vectors wide.
  @_transparent static var wideRows: Int {
    #if PRISM_AVX512 || arch(arm64)
      12
    #else
      6
    #endif
  }
  /// Most rows of a tile one vector wide.
  @_transparent static var narrowRows: Int { 12 }

  /// Returns the panels of `n` output channels.
  @inline(always)
  static func panels(_ n: Int) -> Int { (n &+ panelWidth &- 1) / panelWidth }

  /// Whether columns are one and a half vectors, of which rows in pairs need three.
  @inline(always)
  static func isPaired(_ columns: Int) -> Bool {
    #if PRISM_AVX512
      columns == W &+ H
    #else
      false
    #endif
  }

  /// Returns `n` rounded up to whole vectors.
  @inline(always)
  static func padded(_ n: Int) -> Int { (n &+ W &- 1) / W &* W }
}

/// Where a tile reads and writes.
///
/// The reduction runs over `segments` runs of `length` contiguous floats: one run for a pointwise
/// product, one per kernel row for a convolution. Every output element is the chain
/// `fma(… fma(bias, a0, b0) …)` in that order in every tile shape, so that the bits do not depend
/// on how the rows were divided.
struct TileJob {
  var segments: Int
  var length: Int
  /// Floats between the starts of two runs.
  var segmentStride: Int
  var a: Source
  /// Floats between two rows of the tile in `a`.
  var lda: Int
  var b: Source
  var bias: Source
  var c: Destination
  var ldc: Int
  /// Added before the clamp.
  var residual: Source?
  var ldr: Int
  /// Sums that are gone on with, in the place of the bias.
  var sums: Source?
  /// Floats between two rows of them.
  var lds = 0
  /// What will be read after this.
  var ahead: Source
  // Whole vectors, not numbers: a splat made in another block hides that compare and select are one
  // `max`.
  var low: V
  var high: V
}

extension TileShape {
  /// The floats that a tile two vectors wide fetches ahead with four weights a channel: few enough to
  /// come while it is computed, and so many that the tiles of a map of 7x7 pixels fetch all of a
  /// panel.
  @inline(always)
  static func ahead(_ rows: Int) -> Int {
    #if PRISM_AVX512
      rows > 8 ? 32 : (rows > 4 ? 64 : 128)
    #else
      rows > 4 ? 16 : (rows > 2 ? 32 : 64)
    #endif
  }
}

/// Fetches the next lines of what is read after a tile.
@inline(always)
func fetchAhead(_ rows: Int, _ ahead: inout Source) {
  prefetch(ahead)
  if TileShape.ahead(rows) > 16 { prefetch(ahead + 16) }
  if TileShape.ahead(rows) > 32 {
    prefetch(ahead + 32)
    prefetch(ahead + 48)
  }
  if TileShape.ahead(rows) > 64 {
    prefetch(ahead + 64)
    prefetch(ahead + 80)
    prefetch(ahead + 96)
    prefetch(ahead + 112)
  }
  ahead += TileShape.ahead(rows)
}

/// One row of a tile two vectors wide.
struct WideRow {
  var v0: V
  var v1: V

  @inline(always)
  init(_ bias: Source) {
    v0 = load(bias)
    v1 = load(bias + W)
  }

  @inline(always)
  mutating func add(_ x: Float, _ b0: V, _ b1: V) {
    let a = splat(x)
    v0 = fma(v0, a, b0)
    v1 = fma(v1, a, b1)
  }

  @inline(always)
  mutating func add(_ residual: Source) {
    v0 = v0 + load(residual)
    v1 = v1 + load(residual + W)
  }

  @inline(always)
  func write(_ c: Destination, _ low: V, _ high: V) {
    store(minimum(maximum(v0, low), high), c)
    store(minimum(maximum(v1, low), high), c + W)
  }
}

/// One row of a tile one vector wide.
struct NarrowRow {
  var v0: V

  @inline(always)
  init(_ bias: Source) { v0 = load(bias) }

  @inline(always)
  mutating func add(_ x: Float, _ b0: V) { v0 = fma(v0, splat(x), b0) }

  @inline(always)
  mutating func add(residual: Source, half: Bool) {
    v0 = v0 + (half ? loadHalf(residual) : load(residual))
  }

  @inline(always)
  func write(_ c: Destination, _ low: V, _ high: V, half: Bool) {
    let v = minimum(maximum(v0, low), high)
    if half { storeHalf(v, c) } else { store(v, c) }
  }
}

/// A tile of `MR` rows and two vectors, all accumulators in registers.
///
/// The rows are spelled out: loops over an array of accumulators are unrolled only up to a size,
/// and one that is not keeps the accumulators in memory. `MR` is a constant wherever this is used,
/// so that rows beyond it vanish.
@inline(always)
func wideTile(_ MR: Int, _ job: TileJob, fetches: Bool = false) {
  let a = job.a
  let lda = job.lda
  let length = job.length
  var r0 = WideRow(job.bias)
  var r1 = r0
  var r2 = r0
  var r3 = r0
  var r4 = r0
  var r5 = r0
  var r6 = r0
  var r7 = r0
  var r8 = r0
  var r9 = r0
  var r10 = r0
  var r11 = r0
  if let sums = job.sums {
    let lds = job.lds
    r0 = WideRow(sums)
    if MR > 1 { r1 = WideRow(sums + lds) }
    if MR > 2 { r2 = WideRow(sums + 2 &* lds) }
    if MR > 3 { r3 = WideRow(sums + 3 &* lds) }
    if MR > 4 { r4 = WideRow(sums + 4 &* lds) }
    if MR > 5 { r5 = WideRow(sums + 5 &* lds) }
    if MR > 6 { r6 = WideRow(sums + 6 &* lds) }
    if MR > 7 { r7 = WideRow(sums + 7 &* lds) }
    if MR > 8 { r8 = WideRow(sums + 8 &* lds) }
    if MR > 9 { r9 = WideRow(sums + 9 &* lds) }
    if MR > 10 { r10 = WideRow(sums + 10 &* lds) }
    if MR > 11 { r11 = WideRow(sums + 11 &* lds) }
  }
  var b = job.b
  var ahead = job.ahead
  var offset = 0
  var segment = job.segments
  while segment > 0 {
    // One pointer for three rows: base, base + lda, base + 2 * lda need no further arithmetic.
    var q0 = a + offset
    var q1 = q0 + 3 &* lda
    var q2 = q0 + 6 &* lda
    var q3 = q0 + 9 &* lda
    var k = length
    while k >= 4 {
      if fetches { fetchAhead(MR, &ahead) }
      let b00 = load(b)
      let b10 = load(b + W)
      r0.add(q0[0], b00, b10)
      if MR > 1 { r1.add(q0[lda], b00, b10) }
      if MR > 2 { r2.add(q0[2 &* lda], b00, b10) }
      if MR > 3 { r3.add(q1[0], b00, b10) }
      if MR > 4 { r4.add(q1[lda], b00, b10) }
      if MR > 5 { r5.add(q1[2 &* lda], b00, b10) }
      if MR > 6 { r6.add(q2[0], b00, b10) }
      if MR > 7 { r7.add(q2[lda], b00, b10) }
      if MR > 8 { r8.add(q2[2 &* lda], b00, b10) }
      if MR > 9 { r9.add(q3[0], b00, b10) }
      if MR > 10 { r10.add(q3[lda], b00, b10) }
      if MR > 11 { r11.add(q3[2 &* lda], b00, b10) }
      let b01 = load(b + 2 &* W)
      let b11 = load(b + 3 &* W)
      r0.add(q0[1], b01, b11)
      if MR > 1 { r1.add(q0[lda &+ 1], b01, b11) }
      if MR > 2 { r2.add(q0[2 &* lda &+ 1], b01, b11) }
      if MR > 3 { r3.add(q1[1], b01, b11) }
      if MR > 4 { r4.add(q1[lda &+ 1], b01, b11) }
      if MR > 5 { r5.add(q1[2 &* lda &+ 1], b01, b11) }
      if MR > 6 { r6.add(q2[1], b01, b11) }
      if MR > 7 { r7.add(q2[lda &+ 1], b01, b11) }
      if MR > 8 { r8.add(q2[2 &* lda &+ 1], b01, b11) }
      if MR > 9 { r9.add(q3[1], b01, b11) }
      if MR > 10 { r10.add(q3[lda &+ 1], b01, b11) }
      if MR > 11 { r11.add(q3[2 &* lda &+ 1], b01, b11) }
      let b02 = load(b + 4 &* W)
      let b12 = load(b + 5 &* W)
      r0.add(q0[2], b02, b12)
      if MR > 1 { r1.add(q0[lda &+ 2], b02, b12) }
      if MR > 2 { r2.add(q0[2 &* lda &+ 2], b02, b12) }
      if MR > 3 { r3.add(q1[2], b02, b12) }
      if MR > 4 { r4.add(q1[lda &+ 2], b02, b12) }
      if MR > 5 { r5.add(q1[2 &* lda &+ 2], b02, b12) }
      if MR > 6 { r6.add(q2[2], b02, b12) }
      if MR > 7 { r7.add(q2[lda &+ 2], b02, b12) }
      if MR > 8 { r8.add(q2[2 &* lda &+ 2], b02, b12) }
      if MR > 9 { r9.add(q3[2], b02, b12) }
      if MR > 10 { r10.add(q3[lda &+ 2], b02, b12) }
      if MR > 11 { r11.add(q3[2 &* lda &+ 2], b02, b12) }
      let b03 = load(b + 6 &* W)
      let b13 = load(b + 7 &* W)
      r0.add(q0[3], b03, b13)
      if MR > 1 { r1.add(q0[lda &+ 3], b03, b13) }
      if MR > 2 { r2.add(q0[2 &* lda &+ 3], b03, b13) }
      if MR > 3 { r3.add(q1[3], b03, b13) }
      if MR > 4 { r4.add(q1[lda &+ 3], b03, b13) }
      if MR > 5 { r5.add(q1[2 &* lda &+ 3], b03, b13) }
      if MR > 6 { r6.add(q2[3], b03, b13) }
      if MR > 7 { r7.add(q2[lda &+ 3], b03, b13) }
      if MR > 8 { r8.add(q2[2 &* lda &+ 3], b03, b13) }
      if MR > 9 { r9.add(q3[3], b03, b13) }
      if MR > 10 { r10.add(q3[lda &+ 3], b03, b13) }
      if MR > 11 { r11.add(q3[2 &* lda &+ 3], b03, b13) }
      b += 8 &* W
      q0 += 4
      if MR > 3 { q1 += 4 }
      if MR > 6 { q2 += 4 }
      if MR > 9 { q3 += 4 }
      k &-= 4
    }
    while k > 0 {
      let b0 = load(b)
      let b1 = load(b + W)
      r0.add(q0[0], b0, b1)
      if MR > 1 { r1.add(q0[lda], b0, b1) }
      if MR > 2 { r2.add(q0[2 &* lda], b0, b1) }
      if MR > 3 { r3.add(q1[0], b0, b1) }
      if MR > 4 { r4.add(q1[lda], b0, b1) }
      if MR > 5 { r5.add(q1[2 &* lda], b0, b1) }
      if MR > 6 { r6.add(q2[0], b0, b1) }
      if MR > 7 { r7.add(q2[lda], b0, b1) }
      if MR > 8 { r8.add(q2[2 &* lda], b0, b1) }
      if MR > 9 { r9.add(q3[0], b0, b1) }
      if MR > 10 { r10.add(q3[lda], b0, b1) }
      if MR > 11 { r11.add(q3[2 &* lda], b0, b1) }
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
  if let residual = job.residual {
    let ldr = job.ldr
    r0.add(residual)
    if MR > 1 { r1.add(residual + ldr) }
    if MR > 2 { r2.add(residual + 2 &* ldr) }
    if MR > 3 { r3.add(residual + 3 &* ldr) }
    if MR > 4 { r4.add(residual + 4 &* ldr) }
    if MR > 5 { r5.add(residual + 5 &* ldr) }
    if MR > 6 { r6.add(residual + 6 &* ldr) }
    if MR > 7 { r7.add(residual + 7 &* ldr) }
    if MR > 8 { r8.add(residual + 8 &* ldr) }
    if MR > 9 { r9.add(residual + 9 &* ldr) }
    if MR > 10 { r10.add(residual + 10 &* ldr) }
    if MR > 11 { r11.add(residual + 11 &* ldr) }
  }
  let c = job.c
  let ldc = job.ldc
  let low = job.low
  let high = job.high
  r0.write(c, low, high)
  if MR > 1 { r1.write(c + ldc, low, high) }
  if MR > 2 { r2.write(c + 2 &* ldc, low, high) }
  if MR > 3 { r3.write(c + 3 &* ldc, low, high) }
  if MR > 4 { r4.write(c + 4 &* ldc, low, high) }
  if MR > 5 { r5.write(c + 5 &* ldc, low, high) }
  if MR > 6 { r6.write(c + 6 &* ldc, low, high) }
  if MR > 7 { r7.write(c + 7 &* ldc, low, high) }
  if MR > 8 { r8.write(c + 8 &* ldc, low, high) }
  if MR > 9 { r9.write(c + 9 &* ldc, low, high) }
  if MR > 10 { r10.write(c + 10 &* ldc, low, high) }
  if MR > 11 { r11.write(c + 11 &* ldc, low, high) }
}

/// A tile of `MR` rows and one vector, of which only a half may be written (but not of sums that are
/// gone on with), all accumulators in registers.
///
/// The rows are spelled out: loops over an array of accumulators are unrolled only up to a size,
/// and one that is not keeps the accumulators in memory. `MR` is a constant wherever this is used,
/// so that rows beyond it vanish.
@inline(always)
func narrowTile(_ MR: Int, _ job: TileJob, half: Bool = false) {
  let a = job.a
  let lda = job.lda
  let length = job.length
  var r0 = NarrowRow(job.bias)
  var r1 = r0
  var r2 = r0
  var r3 = r0
  var r4 = r0
  var r5 = r0
  var r6 = r0
  var r7 = r0
  var r8 = r0
  var r9 = r0
  var r10 = r0
  var r11 = r0
  if let sums = job.sums {
    let lds = job.lds
    r0 = NarrowRow(sums)
    if MR > 1 { r1 = NarrowRow(sums + lds) }
    if MR > 2 { r2 = NarrowRow(sums + 2 &* lds) }
    if MR > 3 { r3 = NarrowRow(sums + 3 &* lds) }
    if MR > 4 { r4 = NarrowRow(sums + 4 &* lds) }
    if MR > 5 { r5 = NarrowRow(sums + 5 &* lds) }
    if MR > 6 { r6 = NarrowRow(sums + 6 &* lds) }
    if MR > 7 { r7 = NarrowRow(sums + 7 &* lds) }
    if MR > 8 { r8 = NarrowRow(sums + 8 &* lds) }
    if MR > 9 { r9 = NarrowRow(sums + 9 &* lds) }
    if MR > 10 { r10 = NarrowRow(sums + 10 &* lds) }
    if MR > 11 { r11 = NarrowRow(sums + 11 &* lds) }
  }
  var b = job.b
  var offset = 0
  var segment = job.segments
  while segment > 0 {
    // One pointer for three rows: base, base + lda, base + 2 * lda need no further arithmetic.
    var q0 = a + offset
    var q1 = q0 + 3 &* lda
    var q2 = q0 + 6 &* lda
    var q3 = q0 + 9 &* lda
    var k = length
    while k > 0 {
      let b0 = load(b)
      r0.add(q0[0], b0)
      if MR > 1 { r1.add(q0[lda], b0) }
      if MR > 2 { r2.add(q0[2 &* lda], b0) }
      if MR > 3 { r3.add(q1[0], b0) }
      if MR > 4 { r4.add(q1[lda], b0) }
      if MR > 5 { r5.add(q1[2 &* lda], b0) }
      if MR > 6 { r6.add(q2[0], b0) }
      if MR > 7 { r7.add(q2[lda], b0) }
      if MR > 8 { r8.add(q2[2 &* lda], b0) }
      if MR > 9 { r9.add(q3[0], b0) }
      if MR > 10 { r10.add(q3[lda], b0) }
      if MR > 11 { r11.add(q3[2 &* lda], b0) }
      b += W
      q0 += 1
      if MR > 3 { q1 += 1 }
      if MR > 6 { q2 += 1 }
      if MR > 9 { q3 += 1 }
      k &-= 1
    }
    offset &+= job.segmentStride
    segment &-= 1
  }
  if let residual = job.residual {
    let ldr = job.ldr
    r0.add(residual: residual, half: half)
    if MR > 1 { r1.add(residual: residual + ldr, half: half) }
    if MR > 2 { r2.add(residual: residual + 2 &* ldr, half: half) }
    if MR > 3 { r3.add(residual: residual + 3 &* ldr, half: half) }
    if MR > 4 { r4.add(residual: residual + 4 &* ldr, half: half) }
    if MR > 5 { r5.add(residual: residual + 5 &* ldr, half: half) }
    if MR > 6 { r6.add(residual: residual + 6 &* ldr, half: half) }
    if MR > 7 { r7.add(residual: residual + 7 &* ldr, half: half) }
    if MR > 8 { r8.add(residual: residual + 8 &* ldr, half: half) }
    if MR > 9 { r9.add(residual: residual + 9 &* ldr, half: half) }
    if MR > 10 { r10.add(residual: residual + 10 &* ldr, half: half) }
    if MR > 11 { r11.add(residual: residual + 11 &* ldr, half: half) }
  }
  let c = job.c
  let ldc = job.ldc
  let low = job.low
  let high = job.high
  r0.write(c, low, high, half: half)
  if MR > 1 { r1.write(c + ldc, low, high, half: half) }
  if MR > 2 { r2.write(c + 2 &* ldc, low, high, half: half) }
  if MR > 3 { r3.write(c + 3 &* ldc, low, high, half: half) }
  if MR > 4 { r4.write(c + 4 &* ldc, low, high, half: half) }
  if MR > 5 { r5.write(c + 5 &* ldc, low, high, half: half) }
  if MR > 6 { r6.write(c + 6 &* ldc, low, high, half: half) }
  if MR > 7 { r7.write(c + 7 &* ldc, low, high, half: half) }
  if MR > 8 { r8.write(c + 8 &* ldc, low, high, half: half) }
  if MR > 9 { r9.write(c + 9 &* ldc, low, high, half: half) }
  if MR > 10 { r10.write(c + 10 &* ldc, low, high, half: half) }
  if MR > 11 { r11.write(c + 11 &* ldc, low, high, half: half) }
}

// The tiles as functions: one for each height.
