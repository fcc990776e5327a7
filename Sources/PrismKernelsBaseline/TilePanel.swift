// Panels of register tiles: which tile computes which rows.

#if PRISM_AVX512 || PRISM_AVX2
  import PrismKernelsBaseline
#endif

@inline(never) func wideTile1(_ job: TileJob) { wideTile(1, job) }
@inline(never) func wideTile2(_ job: TileJob) { wideTile(2, job) }
@inline(never) func wideTile3(_ job: TileJob) { wideTile(3, job) }
@inline(never) func wideTile4(_ job: TileJob) { wideTile(4, job) }
@inline(never) func wideTile5(_ job: TileJob) { wideTile(5, job) }
@inline(never) func wideTile6(_ job: TileJob) { wideTile(6, job) }
#if PRISM_AVX512 || arch(arm64)
  @inline(never) func wideTile7(_ job: TileJob) { wideTile(7, job) }
  @inline(never) func wideTile8(_ job: TileJob) { wideTile(8, job) }
  @inline(never) func wideTile9(_ job: TileJob) { wideTile(9, job) }
  @inline(never) func wideTile10(_ job: TileJob) { wideTile(10, job) }
  @inline(never) func wideTile11(_ job: TileJob) { wideTile(11, job) }
  @inline(never) func wideTile12(_ job: TileJob) { wideTile(12, job) }
#endif
// The same, which fetch what is read next.
@inline(never) func fetchingTile1(_ job: TileJob) { wideTile(1, job, fetches: true) }
@inline(never) func fetchingTile2(_ job: TileJob) { wideTile(2, job, fetches: true) }
@inline(never) func fetchingTile3(_ job: TileJob) { wideTile(3, job, fetches: true) }
@inline(never) func fetchingTile4(_ job: TileJob) { wideTile(4, job, fetches: true) }
@inline(never) func fetchingTile5(_ job: TileJob) { wideTile(5, job, fetches: true) }
@inline(never) func fetchingTile6(_ job: TileJob) { wideTile(6, job, fetches: true) }
#if PRISM_AVX512 || arch(arm64)
  @inline(never) func fetchingTile7(_ job: TileJob) { wideTile(7, job, fetches: true) }
  @inline(never) func fetchingTile8(_ job: TileJob) { wideTile(8, job, fetches: true) }
  @inline(never) func fetchingTile9(_ job: TileJob) { wideTile(9, job, fetches: true) }
  @inline(never) func fetchingTile10(_ job: TileJob) { wideTile(10, job, fetches: true) }
  @inline(never) func fetchingTile11(_ job: TileJob) { wideTile(11, job, fetches: true) }
  @inline(never) func fetchingTile12(_ job: TileJob) { wideTile(12, job, fetches: true) }
#endif
@inline(never) func narrowTile1(_ job: TileJob) { narrowTile(1, job) }
@inline(never) func narrowTile2(_ job: TileJob) { narrowTile(2, job) }
@inline(never) func narrowTile3(_ job: TileJob) { narrowTile(3, job) }
@inline(never) func narrowTile4(_ job: TileJob) { narrowTile(4, job) }
@inline(never) func narrowTile5(_ job: TileJob) { narrowTile(5, job) }
@inline(never) func narrowTile6(_ job: TileJob) { narrowTile(6, job) }
@inline(never) func narrowTile7(_ job: TileJob) { narrowTile(7, job) }
@inline(never) func narrowTile8(_ job: TileJob) { narrowTile(8, job) }
@inline(never) func narrowTile9(_ job: TileJob) { narrowTile(9, job) }
@inline(never) func narrowTile10(_ job: TileJob) { narrowTile(10, job) }
@inline(never) func narrowTile11(_ job: TileJob) { narrowTile(11, job) }
@inline(never) func narrowTile12(_ job: TileJob) { narrowTile(12, job) }
// The same for half a vector.
@inline(never) func halfTile1(_ job: TileJob) { narrowTile(1, job, half: true) }
@inline(never) func halfTile2(_ job: TileJob) { narrowTile(2, job, half: true) }
@inline(never) func halfTile3(_ job: TileJob) { narrowTile(3, job, half: true) }
@inline(never) func halfTile4(_ job: TileJob) { narrowTile(4, job, half: true) }
@inline(never) func halfTile5(_ job: TileJob) { narrowTile(5, job, half: true) }
@inline(never) func halfTile6(_ job: TileJob) { narrowTile(6, job, half: true) }
@inline(never) func halfTile7(_ job: TileJob) { narrowTile(7, job, half: true) }
@inline(never) func halfTile8(_ job: TileJob) { narrowTile(8, job, half: true) }
@inline(never) func halfTile9(_ job: TileJob) { narrowTile(9, job, half: true) }
@inline(never) func halfTile10(_ job: TileJob) { narrowTile(10, job, half: true) }
@inline(never) func halfTile11(_ job: TileJob) { narrowTile(11, job, half: true) }
@inline(never) func halfTile12(_ job: TileJob) { narrowTile(12, job, half: true) }

/// Runs the tile two vectors wide with the given number of rows.
@inline(always)
func runWide(_ rows: Int, _ job: TileJob) {
  switch rows {
  case 1: wideTile1(job)
  case 2: wideTile2(job)
  case 3: wideTile3(job)
  case 4: wideTile4(job)
  case 5: wideTile5(job)
  #if PRISM_AVX512 || arch(arm64)
    case 6: wideTile6(job)
    case 7: wideTile7(job)
    case 8: wideTile8(job)
    case 9: wideTile9(job)
    case 10: wideTile10(job)
    case 11: wideTile11(job)
    default: wideTile12(job)
  #else
    default: wideTile6(job)
  #endif
  }
}

/// Runs the tile two vectors wide with the given number of rows, which fetches what is read next.
@inline(always)
func runFetching(_ rows: Int, _ job: TileJob) {
  switch rows {
  case 1: fetchingTile1(job)
  case 2: fetchingTile2(job)
  case 3: fetchingTile3(job)
  case 4: fetchingTile4(job)
  case 5: fetchingTile5(job)
  #if PRISM_AVX512 || arch(arm64)
    case 6: fetchingTile6(job)
    case 7: fetchingTile7(job)
    case 8: fetchingTile8(job)
    case 9: fetchingTile9(job)
    case 10: fetchingTile10(job)
    case 11: fetchingTile11(job)
    default: fetchingTile12(job)
  #else
    default: fetchingTile6(job)
  #endif
  }
}

/// Runs the tile one vector wide with the given number of rows.
@inline(always)
func runNarrow(_ rows: Int, _ job: TileJob) {
  switch rows {
  case 1: narrowTile1(job)
  case 2: narrowTile2(job)
  case 3: narrowTile3(job)
  case 4: narrowTile4(job)
  case 5: narrowTile5(job)
  case 6: narrowTile6(job)
  case 7: narrowTile7(job)
  case 8: narrowTile8(job)
  case 9: narrowTile9(job)
  case 10: narrowTile10(job)
  case 11: narrowTile11(job)
  default: narrowTile12(job)
  }
}

/// Runs the tile for half a vector with the given number of rows.
@inline(always)
func runHalf(_ rows: Int, _ job: TileJob) {
  switch rows {
  case 1: halfTile1(job)
  case 2: halfTile2(job)
  case 3: halfTile3(job)
  case 4: halfTile4(job)
  case 5: halfTile5(job)
  case 6: halfTile6(job)
  case 7: halfTile7(job)
  case 8: halfTile8(job)
  case 9: halfTile9(job)
  case 10: halfTile10(job)
  case 11: halfTile11(job)
  default: halfTile12(job)
  }
}

/// Multiplies `rows` rows by one panel: tiles of nearly equal height, then what remains of the
/// epilogue.
///
/// - Parameters:
///   - start: The first row; `a`, `c` and `residual` are advanced from there.
///   - rows: Rows to compute.
///   - columns: Output channels in this panel, at most the panel width. A last vector that is
///     neither full nor half full goes through a small buffer, so that nothing beyond the row is
///     written.
///   - finish: The pass over the stored tile.
///   - next: Where the weights begin that are read after these; nil if right behind them.
///   - before: How many floats of those have been fetched ahead.
/// - Returns: How much of it has been fetched afterwards.
@discardableResult
func runPanel(
  _ start: TileJob, rows: Int, columns: Int, finish: Finish, next: Source? = nil,
  fetched before: Int = 0
) -> Int {
  var job = start
  let wide = columns > W
  let full = columns == (wide ? 2 &* W : W)
  let isPaired = TileShape.isPaired(columns)
  let most = wide ? TileShape.wideRows : TileShape.narrowRows
  let tiles = (rows &+ most &- 1) / most
  // The panel after this one lies behind it, as do the weights of the next layer. With many rows the
  // wait is a small part; of large panels there is no room for two in the second-level cache.
  let size = job.segments &* job.length &* (wide ? 2 &* W : W)
  let wanted = wide && rows <= 216 && size <= 64 &* 1024 ? size : 0
  var fetched = before
  var tile = 0
  var row = 0
  // Stored rows that are not finished yet, which wait until a call is worth it.
  var waiting = 0
  while tile < tiles {
    // The first `extra` tiles have one row more.
    let count = rows / tiles &+ (tile < rows % tiles ? 1 : 0)
    if isPaired {
      #if PRISM_AVX512
        runPaired(count, job)
      #endif
    } else if full && fetched < wanted {
      job.ahead = (next ?? job.b + size) + fetched
      fetched &+= job.segments &* (job.length / 4) &* TileShape.ahead(count)
      runFetching(count, job)
    } else if full {
      if wide { runWide(count, job) } else { runNarrow(count, job) }
    } else if columns == H {
      runHalf(count, job)
    } else {
      runPartial(job, rows: count, columns: columns)
    }
    job.a += count &* job.lda
    job.c += count &* job.ldc
    if let sums = job.sums { job.sums = sums + count &* job.lds }
    if let residual = job.residual { job.residual = residual + count &* job.ldr }
    row &+= count
    tile &+= 1
    waiting &+= count
    if waiting >= 24 || tile == tiles {
      if finish.isNeeded {
        finish.run(
          job.c - waiting &* job.ldc, job.ldc, row: row &- waiting, rows: waiting, columns: columns)
      }
      waiting = 0
    }
  }
  return fetched
}

/// Runs a tile whose last vector is not full through a buffer.
@inline(never)
func runPartial(_ start: TileJob, rows: Int, columns: Int) {
  let wide = columns > W
  let width = wide ? 2 &* W : W
  // Output in the first half, residual in the second.
  withUnsafeTemporaryAllocation(byteCount: 2 &* 12 &* 32 &* 4, alignment: 64) { bytes in
    guard let base = bytes.baseAddress else { return }
    let buffer = base.assumingMemoryBound(to: Float.self)
    let residuals = buffer + 12 &* 32
    var job = start
    job.c = buffer
    job.ldc = width
    if let residual = start.residual {
      var i = 0
      while i < rows {
        let (from, to) = (residual + i &* start.ldr, residuals + i &* width)
        if wide { store(load(from), to) }
        let whole = wide ? W : 0
        store(loadPartial(from + whole, columns &- whole), to + whole)
        i &+= 1
      }
      job.residual = Source(residuals)
      job.ldr = width
    }
    if wide { runWide(rows, job) } else { runNarrow(rows, job) }
    let c = start.c
    let ldc = start.ldc
    var i = 0
    while i < rows {
      let (from, to) = (buffer + i &* width, c + i &* ldc)
      if wide { store(load(from), to) }
      let whole = wide ? W : 0
      storePartial(load(from + whole), to + whole, columns &- whole)
      i &+= 1
    }
  }
}
