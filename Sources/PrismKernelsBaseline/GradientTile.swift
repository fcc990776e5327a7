// The register tiles in which gradients by weights are added up.

#if PRISM_AVX512 || PRISM_AVX2
  import PrismKernelsBaseline
#endif

/// Where a tile reads and writes.
struct GradientTile {
  /// The factors of the first pixel, one a row.
  var factors: Source
  /// Floats from the factors of one pixel to those of the next.
  var factorStride: Int
  /// The vectors of all pixels, side by side.
  var panel: Source
  /// The pixels.
  var count: Int
  var sums: Destination
  /// Floats from one row of sums to the next.
  var stride: Int
}

/// One row of sums two vectors wide.
struct WideSums {
  var v0: V
  var v1: V

  @inline(always)
  init(_ c: Destination) {
    v0 = load(c)
    v1 = load(c + W)
  }

  @inline(always)
  mutating func add(_ x: Float, _ b0: V, _ b1: V) {
    let a = splat(x)
    v0 = fma(v0, a, b0)
    v1 = fma(v1, a, b1)
  }

  @inline(always)
  func write(_ c: Destination) {
    store(v0, c)
    store(v1, c + W)
  }
}

/// One row of sums one vector wide.
struct NarrowSums {
  var v0: V

  @inline(always)
  init(_ c: Destination) { v0 = load(c) }

  @inline(always)
  mutating func add(_ x: Float, _ b0: V) { v0 = fma(v0, splat(x), b0) }

  @inline(always)
  func write(_ c: Destination) { store(v0, c) }
}

/// A tile of `MR` rows and two vectors: the products of `count` pixels, added to what is there.
///
/// The rows are spelled out, as in the tiles of products.
@inline(always)
func wideGradient(_ MR: Int, _ job: GradientTile) {
  let c = job.sums
  let ldc = job.stride
  var r0 = WideSums(c)
  var r1 = WideSums(MR > 1 ? c + ldc : c)
  var r2 = WideSums(MR > 2 ? c + 2 &* ldc : c)
  var r3 = WideSums(MR > 3 ? c + 3 &* ldc : c)
  var r4 = WideSums(MR > 4 ? c + 4 &* ldc : c)
  var r5 = WideSums(MR > 5 ? c + 5 &* ldc : c)
  var r6 = WideSums(MR > 6 ? c + 6 &* ldc : c)
  var r7 = WideSums(MR > 7 ? c + 7 &* ldc : c)
  var r8 = WideSums(MR > 8 ? c + 8 &* ldc : c)
  var r9 = WideSums(MR > 9 ? c + 9 &* ldc : c)
  var r10 = WideSums(MR > 10 ? c + 10 &* ldc : c)
  var r11 = WideSums(MR > 11 ? c + 11 &* ldc : c)
  var a = job.factors
  var b = job.panel
  var p = job.count
  while p > 0 {
    let b0 = load(b)
    let b1 = load(b + W)
    r0.add(a[0], b0, b1)
    if MR > 1 { r1.add(a[1], b0, b1) }
    if MR > 2 { r2.add(a[2], b0, b1) }
    if MR > 3 { r3.add(a[3], b0, b1) }
    if MR > 4 { r4.add(a[4], b0, b1) }
    if MR > 5 { r5.add(a[5], b0, b1) }
    if MR > 6 { r6.add(a[6], b0, b1) }
    if MR > 7 { r7.add(a[7], b0, b1) }
    if MR > 8 { r8.add(a[8], b0, b1) }
    if MR > 9 { r9.add(a[9], b0, b1) }
    if MR > 10 { r10.add(a[10], b0, b1) }
    if MR > 11 { r11.add(a[11], b0, b1) }
    a += job.factorStride
    b += 2 &* W
    p &-= 1
  }
  r0.write(c)
  if MR > 1 { r1.write(c + ldc) }
  if MR > 2 { r2.write(c + 2 &* ldc) }
  if MR > 3 { r3.write(c + 3 &* ldc) }
  if MR > 4 { r4.write(c + 4 &* ldc) }
  if MR > 5 { r5.write(c + 5 &* ldc) }
  if MR > 6 { r6.write(c + 6 &* ldc) }
  if MR > 7 { r7.write(c + 7 &* ldc) }
  if MR > 8 { r8.write(c + 8 &* ldc) }
  if MR > 9 { r9.write(c + 9 &* ldc) }
  if MR > 10 { r10.write(c + 10 &* ldc) }
  if MR > 11 { r11.write(c + 11 &* ldc) }
}

/// A tile of `MR` rows and one vector: the products of `count` pixels, added to what is there.
///
/// The rows are spelled out, as in the tiles of products.
@inline(always)
func narrowGradient(_ MR: Int, _ job: GradientTile) {
  let c = job.sums
  let ldc = job.stride
  var r0 = NarrowSums(c)
  var r1 = NarrowSums(MR > 1 ? c + ldc : c)
  var r2 = NarrowSums(MR > 2 ? c + 2 &* ldc : c)
  var r3 = NarrowSums(MR > 3 ? c + 3 &* ldc : c)
  var r4 = NarrowSums(MR > 4 ? c + 4 &* ldc : c)
  var r5 = NarrowSums(MR > 5 ? c + 5 &* ldc : c)
  var r6 = NarrowSums(MR > 6 ? c + 6 &* ldc : c)
  var r7 = NarrowSums(MR > 7 ? c + 7 &* ldc : c)
  var r8 = NarrowSums(MR > 8 ? c + 8 &* ldc : c)
  var r9 = NarrowSums(MR > 9 ? c + 9 &* ldc : c)
  var r10 = NarrowSums(MR > 10 ? c + 10 &* ldc : c)
  var r11 = NarrowSums(MR > 11 ? c + 11 &* ldc : c)
  var a = job.factors
  var b = job.panel
  var p = job.count
  while p > 0 {
    let b0 = load(b)
    r0.add(a[0], b0)
    if MR > 1 { r1.add(a[1], b0) }
    if MR > 2 { r2.add(a[2], b0) }
    if MR > 3 { r3.add(a[3], b0) }
    if MR > 4 { r4.add(a[4], b0) }
    if MR > 5 { r5.add(a[5], b0) }
    if MR > 6 { r6.add(a[6], b0) }
    if MR > 7 { r7.add(a[7], b0) }
    if MR > 8 { r8.add(a[8], b0) }
    if MR > 9 { r9.add(a[9], b0) }
    if MR > 10 { r10.add(a[10], b0) }
    if MR > 11 { r11.add(a[11], b0) }
    a += job.factorStride
    b += W
    p &-= 1
  }
  r0.write(c)
  if MR > 1 { r1.write(c + ldc) }
  if MR > 2 { r2.write(c + 2 &* ldc) }
  if MR > 3 { r3.write(c + 3 &* ldc) }
  if MR > 4 { r4.write(c + 4 &* ldc) }
  if MR > 5 { r5.write(c + 5 &* ldc) }
  if MR > 6 { r6.write(c + 6 &* ldc) }
  if MR > 7 { r7.write(c + 7 &* ldc) }
  if MR > 8 { r8.write(c + 8 &* ldc) }
  if MR > 9 { r9.write(c + 9 &* ldc) }
  if MR > 10 { r10.write(c + 10 &* ldc) }
  if MR > 11 { r11.write(c + 11 &* ldc) }
}

@inline(never) func wideGradient1(_ job: GradientTile) { wideGradient(1, job) }
@inline(never) func wideGradient2(_ job: GradientTile) { wideGradient(2, job) }
@inline(never) func wideGradient3(_ job: GradientTile) { wideGradient(3, job) }
@inline(never) func wideGradient4(_ job: GradientTile) { wideGradient(4, job) }
@inline(never) func wideGradient5(_ job: GradientTile) { wideGradient(5, job) }
@inline(never) func wideGradient6(_ job: GradientTile) { wideGradient(6, job) }
#if PRISM_AVX512 || arch(arm64)
  @inline(never) func wideGradient7(_ job: GradientTile) { wideGradient(7, job) }
  @inline(never) func wideGradient8(_ job: GradientTile) { wideGradient(8, job) }
  @inline(never) func wideGradient9(_ job: GradientTile) { wideGradient(9, job) }
  @inline(never) func wideGradient10(_ job: GradientTile) { wideGradient(10, job) }
  @inline(never) func wideGradient11(_ job: GradientTile) { wideGradient(11, job) }
  @inline(never) func wideGradient12(_ job: GradientTile) { wideGradient(12, job) }
#endif
@inline(never) func narrowGradient1(_ job: GradientTile) { narrowGradient(1, job) }
@inline(never) func narrowGradient2(_ job: GradientTile) { narrowGradient(2, job) }
@inline(never) func narrowGradient3(_ job: GradientTile) { narrowGradient(3, job) }
@inline(never) func narrowGradient4(_ job: GradientTile) { narrowGradient(4, job) }
@inline(never) func narrowGradient5(_ job: GradientTile) { narrowGradient(5, job) }
@inline(never) func narrowGradient6(_ job: GradientTile) { narrowGradient(6, job) }
@inline(never) func narrowGradient7(_ job: GradientTile) { narrowGradient(7, job) }
@inline(never) func narrowGradient8(_ job: GradientTile) { narrowGradient(8, job) }
@inline(never) func narrowGradient9(_ job: GradientTile) { narrowGradient(9, job) }
@inline(never) func narrowGradient10(_ job: GradientTile) { narrowGradient(10, job) }
@inline(never) func narrowGradient11(_ job: GradientTile) { narrowGradient(11, job) }
@inline(never) func narrowGradient12(_ job: GradientTile) { narrowGradient(12, job) }

/// Runs the tile two vectors wide with the given number of rows.
@inline(always)
func runWideGradient(_ rows: Int, _ job: GradientTile) {
  switch rows {
  case 1: wideGradient1(job)
  case 2: wideGradient2(job)
  case 3: wideGradient3(job)
  case 4: wideGradient4(job)
  case 5: wideGradient5(job)
  #if PRISM_AVX512 || arch(arm64)
    case 6: wideGradient6(job)
    case 7: wideGradient7(job)
    case 8: wideGradient8(job)
    case 9: wideGradient9(job)
    case 10: wideGradient10(job)
    case 11: wideGradient11(job)
    default: wideGradient12(job)
  #else
    default: wideGradient6(job)
  #endif
  }
}

/// Runs the tile one vector wide with the given number of rows.
@inline(always)
func runNarrowGradient(_ rows: Int, _ job: GradientTile) {
  switch rows {
  case 1: narrowGradient1(job)
  case 2: narrowGradient2(job)
  case 3: narrowGradient3(job)
  case 4: narrowGradient4(job)
  case 5: narrowGradient5(job)
  case 6: narrowGradient6(job)
  case 7: narrowGradient7(job)
  case 8: narrowGradient8(job)
  case 9: narrowGradient9(job)
  case 10: narrowGradient10(job)
  case 11: narrowGradient11(job)
  default: narrowGradient12(job)
  }
}
