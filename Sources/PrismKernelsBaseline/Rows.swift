// Copies of rows, with what happens to them before they are multiplied.

#if PRISM_AVX512 || PRISM_AVX2
  import PrismKernelsBaseline
#endif

/// Writes zeros.
@inline(never)
func fillZeros(_ p: Destination, _ n: Int) {
  var i = 0
  while i < n {
    storeUpTo(splat(0), p + i, n &- i)
    i &+= W
  }
}

/// Returns the prologue of the channels from one on.
@inline(always)
func advanced(_ prologue: Prologue, channel: Int) -> Prologue {
  Prologue(
    scale: offset(prologue.scale, channel), shift: offset(prologue.shift, channel),
    relu: prologue.relu)
}

/// Copies pixels, through the prologue if there is one.
@inline(never)
func copyPixels(
  _ prologue: Prologue, _ a: Source, _ lda: Int, _ out: Destination, _ ldo: Int, rows: Int,
  channels: Int
) {
  if prologue.scale != nil || prologue.shift != nil || prologue.relu {
    applyPrologue(prologue, a, lda, out, ldo, rows: rows, channels: channels)
    return
  }
  // Rows without gaps are one long row.
  let dense = lda == channels && ldo == channels
  let count = dense ? rows &* channels : channels
  var i = 0
  while i < (dense ? 1 : rows) {
    let p = a + i &* lda
    let q = out + i &* ldo
    copyNumbers(p, q, count)
    i &+= 1
  }
}

/// Copies numbers to where they do not overlap; the last of them as a whole vector, of which some are
/// copied twice.
@inline(always)
func copyNumbers(_ p: Source, _ q: Destination, _ count: Int) {
  var j = 0
  while j &+ W <= count {
    store(load(p + j), q + j)
    j &+= W
  }
  guard j < count else { return }
  if count >= W {
    store(load(p + (count &- W)), q + (count &- W))
  } else {
    storePartial(loadPartial(p, count), q, count)
  }
}

/// Writes `relu(x * scale + shift)` of a block of rows.
@inline(never)
func applyPrologue(
  _ prologue: Prologue, _ a: Source, _ lda: Int, _ out: Destination, _ ldo: Int,
  rows: Int, channels: Int
) {
  let low = splat(prologue.relu ? 0 : -.infinity)
  let scale = prologue.scale
  let shift = prologue.shift
  var i = 0
  while i < rows {
    let p = a + i &* lda
    let q = out + i &* ldo
    var j = 0
    while j < channels {
      let n = channels &- j
      var v = loadUpTo(p + j, n)
      if let shift {
        v = fma(loadUpTo(shift + j, n), v, scale.map { loadUpTo($0 + j, n) } ?? splat(1))
      } else if let scale {
        v = v * loadUpTo(scale + j, n)
      }
      storeUpTo(maximum(v, low), q + j, n)
      j &+= W
    }
    i &+= 1
  }
}
