// The depthwise tiles: a few neighbouring outputs of one row, all channels.
//
// A column of the input is loaded once and added to every output that it reaches; an output still
// meets its taps in ascending order.

/// The first channel of the next vector.
///
/// The last vector of a row ends with it, though some of its channels are computed twice; only
/// where there is no whole one something is left.
@inline(always)
func nextVector(_ c: Int, _ channels: Int) -> Int {
  let next = c &+ W
  return next < channels && channels < next &+ W ? channels &- W : next
}

/// The columns under a tile that are inside the image, where it hangs over an edge.
struct DepthwiseSpan {
  private let edges: Bool
  /// The first column under the last output, and the last one under the first.
  private let lastStart, firstEnd: Int
  private let left, right: Int

  /// Makes a span; kernel, stride, outputs and whether there are edges are constants wherever this
  /// is used.
  @inline(always)
  init(_ K: Int, _ S: Int, _ TX: Int, _ row: DepthwiseRow, edges: Bool) {
    self.edges = edges
    lastStart = (TX &- 1) &* S
    firstEnd = K &- 1
    left = row.left
    right = row.right
  }

  /// Whether a column is inside; no padding is as large as the kernel, so that columns in the
  /// middle always are.
  @inline(always)
  func has(_ column: Int) -> Bool {
    if !edges { return true }
    return (column >= firstEnd || column >= left) && (column <= lastStart || column < right)
  }
}

/// The channels of a tile that do not fill a vector, pixel by pixel.
@inline(never)
func depthwiseTail(_ K: Int, _ S: Int, _ TX: Int, _ row: DepthwiseRow, from c: Int) {
  guard c < row.channels else { return }
  var pixel = row
  var x = 0
  while x < TX {
    let left = row.left &- S &* x
    let right = row.right &- S &* x
    let first = left < 0 ? 0 : left
    pixel.input = row.input + (S &* x &+ first) &* row.inputStride
    depthwisePixel(
      pixel, kernelWidth: K, first: first, columns: (right < K ? right : K) &- first, from: c)
    pixel.output += row.outputStride
    x &+= 1
  }
}

/// `TX` outputs under a 3x3 kernel with stride 1; `TX` is a constant wherever this is used.
@inline(always)
func depthwise3x1(_ TX: Int, _ row: DepthwiseRow, edges: Bool) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
  let span = DepthwiseSpan(3, 1, TX, row, edges: edges)
  var c = 0
  while c &+ W <= row.channels {
    var a0 = load(row.bias + c)
    var a1 = a0
    var a2 = a0
    var a3 = a0
    var a4 = a0
    var a5 = a0
    var a6 = a0
    var p = row.input + c
    var w = row.weights + c
    var ky = row.taps
    while ky > 0 {
      let w0 = load(w)
      w += row.weightStride
      let w1 = load(w)
      w += row.weightStride
      let w2 = load(w)
      w += row.weightStride
      if span.has(0) {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      if span.has(1) {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      if span.has(2) {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w1) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if TX > 1 && span.has(3) {
        let v = load(p + 3 &* inputStride)
        a1 = fma(a1, v, w2)
        if TX > 2 { a2 = fma(a2, v, w1) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if TX > 2 && span.has(4) {
        let v = load(p + 4 &* inputStride)
        a2 = fma(a2, v, w2)
        if TX > 3 { a3 = fma(a3, v, w1) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 3 && span.has(5) {
        let v = load(p + 5 &* inputStride)
        a3 = fma(a3, v, w2)
        if TX > 4 { a4 = fma(a4, v, w1) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 4 && span.has(6) {
        let v = load(p + 6 &* inputStride)
        a4 = fma(a4, v, w2)
        if TX > 5 { a5 = fma(a5, v, w1) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 5 && span.has(7) {
        let v = load(p + 7 &* inputStride)
        a5 = fma(a5, v, w2)
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 6 && span.has(8) {
        let v = load(p + 8 &* inputStride)
        a6 = fma(a6, v, w2)
      }
      p += row.rowStride
      ky &-= 1
    }
    let q = row.output + c
    store(minimum(maximum(a0, low), high), q)
    if TX > 1 { store(minimum(maximum(a1, low), high), q + outputStride) }
    if TX > 2 { store(minimum(maximum(a2, low), high), q + 2 &* outputStride) }
    if TX > 3 { store(minimum(maximum(a3, low), high), q + 3 &* outputStride) }
    if TX > 4 { store(minimum(maximum(a4, low), high), q + 4 &* outputStride) }
    if TX > 5 { store(minimum(maximum(a5, low), high), q + 5 &* outputStride) }
    if TX > 6 { store(minimum(maximum(a6, low), high), q + 6 &* outputStride) }
    c = nextVector(c, row.channels)
  }
  depthwiseTail(3, 1, TX, row, from: c)
}

/// `TX` outputs under a 3x3 kernel with stride 2; `TX` is a constant wherever this is used.
@inline(always)
func depthwise3x2(_ TX: Int, _ row: DepthwiseRow, edges: Bool) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
  let span = DepthwiseSpan(3, 2, TX, row, edges: edges)
  var c = 0
  while c &+ W <= row.channels {
    var a0 = load(row.bias + c)
    var a1 = a0
    var a2 = a0
    var a3 = a0
    var a4 = a0
    var a5 = a0
    var a6 = a0
    var p = row.input + c
    var w = row.weights + c
    var ky = row.taps
    while ky > 0 {
      let w0 = load(w)
      w += row.weightStride
      let w1 = load(w)
      w += row.weightStride
      let w2 = load(w)
      w += row.weightStride
      if span.has(0) {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      if span.has(1) {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
      }
      if span.has(2) {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      if TX > 1 && span.has(3) {
        let v = load(p + 3 &* inputStride)
        a1 = fma(a1, v, w1)
      }
      if TX > 1 && span.has(4) {
        let v = load(p + 4 &* inputStride)
        a1 = fma(a1, v, w2)
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if TX > 2 && span.has(5) {
        let v = load(p + 5 &* inputStride)
        a2 = fma(a2, v, w1)
      }
      if TX > 2 && span.has(6) {
        let v = load(p + 6 &* inputStride)
        a2 = fma(a2, v, w2)
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if TX > 3 && span.has(7) {
        let v = load(p + 7 &* inputStride)
        a3 = fma(a3, v, w1)
      }
      if TX > 3 && span.has(8) {
        let v = load(p + 8 &* inputStride)
        a3 = fma(a3, v, w2)
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 4 && span.has(9) {
        let v = load(p + 9 &* inputStride)
        a4 = fma(a4, v, w1)
      }
      if TX > 4 && span.has(10) {
        let v = load(p + 10 &* inputStride)
        a4 = fma(a4, v, w2)
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 5 && span.has(11) {
        let v = load(p + 11 &* inputStride)
        a5 = fma(a5, v, w1)
      }
      if TX > 5 && span.has(12) {
        let v = load(p + 12 &* inputStride)
        a5 = fma(a5, v, w2)
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 6 && span.has(13) {
        let v = load(p + 13 &* inputStride)
        a6 = fma(a6, v, w1)
      }
      if TX > 6 && span.has(14) {
        let v = load(p + 14 &* inputStride)
        a6 = fma(a6, v, w2)
      }
      p += row.rowStride
      ky &-= 1
    }
    let q = row.output + c
    store(minimum(maximum(a0, low), high), q)
    if TX > 1 { store(minimum(maximum(a1, low), high), q + outputStride) }
    if TX > 2 { store(minimum(maximum(a2, low), high), q + 2 &* outputStride) }
    if TX > 3 { store(minimum(maximum(a3, low), high), q + 3 &* outputStride) }
    if TX > 4 { store(minimum(maximum(a4, low), high), q + 4 &* outputStride) }
    if TX > 5 { store(minimum(maximum(a5, low), high), q + 5 &* outputStride) }
    if TX > 6 { store(minimum(maximum(a6, low), high), q + 6 &* outputStride) }
    c = nextVector(c, row.channels)
  }
  depthwiseTail(3, 2, TX, row, from: c)
}

/// `TX` outputs under a 5x5 kernel with stride 1; `TX` is a constant wherever this is used.
@inline(always)
func depthwise5x1(_ TX: Int, _ row: DepthwiseRow, edges: Bool) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
  let span = DepthwiseSpan(5, 1, TX, row, edges: edges)
  var c = 0
  while c &+ W <= row.channels {
    var a0 = load(row.bias + c)
    var a1 = a0
    var a2 = a0
    var a3 = a0
    var a4 = a0
    var a5 = a0
    var a6 = a0
    var p = row.input + c
    var w = row.weights + c
    var ky = row.taps
    while ky > 0 {
      let w0 = load(w)
      w += row.weightStride
      let w1 = load(w)
      w += row.weightStride
      let w2 = load(w)
      w += row.weightStride
      let w3 = load(w)
      w += row.weightStride
      let w4 = load(w)
      w += row.weightStride
      if span.has(0) {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      if span.has(1) {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      if span.has(2) {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w1) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if span.has(3) {
        let v = load(p + 3 &* inputStride)
        a0 = fma(a0, v, w3)
        if TX > 1 { a1 = fma(a1, v, w2) }
        if TX > 2 { a2 = fma(a2, v, w1) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if span.has(4) {
        let v = load(p + 4 &* inputStride)
        a0 = fma(a0, v, w4)
        if TX > 1 { a1 = fma(a1, v, w3) }
        if TX > 2 { a2 = fma(a2, v, w2) }
        if TX > 3 { a3 = fma(a3, v, w1) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 1 && span.has(5) {
        let v = load(p + 5 &* inputStride)
        a1 = fma(a1, v, w4)
        if TX > 2 { a2 = fma(a2, v, w3) }
        if TX > 3 { a3 = fma(a3, v, w2) }
        if TX > 4 { a4 = fma(a4, v, w1) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 2 && span.has(6) {
        let v = load(p + 6 &* inputStride)
        a2 = fma(a2, v, w4)
        if TX > 3 { a3 = fma(a3, v, w3) }
        if TX > 4 { a4 = fma(a4, v, w2) }
        if TX > 5 { a5 = fma(a5, v, w1) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 3 && span.has(7) {
        let v = load(p + 7 &* inputStride)
        a3 = fma(a3, v, w4)
        if TX > 4 { a4 = fma(a4, v, w3) }
        if TX > 5 { a5 = fma(a5, v, w2) }
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 4 && span.has(8) {
        let v = load(p + 8 &* inputStride)
        a4 = fma(a4, v, w4)
        if TX > 5 { a5 = fma(a5, v, w3) }
        if TX > 6 { a6 = fma(a6, v, w2) }
      }
      if TX > 5 && span.has(9) {
        let v = load(p + 9 &* inputStride)
        a5 = fma(a5, v, w4)
        if TX > 6 { a6 = fma(a6, v, w3) }
      }
      if TX > 6 && span.has(10) {
        let v = load(p + 10 &* inputStride)
        a6 = fma(a6, v, w4)
      }
      p += row.rowStride
      ky &-= 1
    }
    let q = row.output + c
    store(minimum(maximum(a0, low), high), q)
    if TX > 1 { store(minimum(maximum(a1, low), high), q + outputStride) }
    if TX > 2 { store(minimum(maximum(a2, low), high), q + 2 &* outputStride) }
    if TX > 3 { store(minimum(maximum(a3, low), high), q + 3 &* outputStride) }
    if TX > 4 { store(minimum(maximum(a4, low), high), q + 4 &* outputStride) }
    if TX > 5 { store(minimum(maximum(a5, low), high), q + 5 &* outputStride) }
    if TX > 6 { store(minimum(maximum(a6, low), high), q + 6 &* outputStride) }
    c = nextVector(c, row.channels)
  }
  depthwiseTail(5, 1, TX, row, from: c)
}

/// `TX` outputs under a 5x5 kernel with stride 2; `TX` is a constant wherever this is used.
@inline(always)
func depthwise5x2(_ TX: Int, _ row: DepthwiseRow, edges: Bool) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
  let span = DepthwiseSpan(5, 2, TX, row, edges: edges)
  var c = 0
  while c &+ W <= row.channels {
    var a0 = load(row.bias + c)
    var a1 = a0
    var a2 = a0
    var a3 = a0
    var a4 = a0
    var a5 = a0
    var a6 = a0
    var p = row.input + c
    var w = row.weights + c
    var ky = row.taps
    while ky > 0 {
      let w0 = load(w)
      w += row.weightStride
      let w1 = load(w)
      w += row.weightStride
      let w2 = load(w)
      w += row.weightStride
      let w3 = load(w)
      w += row.weightStride
      let w4 = load(w)
      w += row.weightStride
      if span.has(0) {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      if span.has(1) {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
      }
      if span.has(2) {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      if span.has(3) {
        let v = load(p + 3 &* inputStride)
        a0 = fma(a0, v, w3)
        if TX > 1 { a1 = fma(a1, v, w1) }
      }
      if span.has(4) {
        let v = load(p + 4 &* inputStride)
        a0 = fma(a0, v, w4)
        if TX > 1 { a1 = fma(a1, v, w2) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if TX > 1 && span.has(5) {
        let v = load(p + 5 &* inputStride)
        a1 = fma(a1, v, w3)
        if TX > 2 { a2 = fma(a2, v, w1) }
      }
      if TX > 1 && span.has(6) {
        let v = load(p + 6 &* inputStride)
        a1 = fma(a1, v, w4)
        if TX > 2 { a2 = fma(a2, v, w2) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if TX > 2 && span.has(7) {
        let v = load(p + 7 &* inputStride)
        a2 = fma(a2, v, w3)
        if TX > 3 { a3 = fma(a3, v, w1) }
      }
      if TX > 2 && span.has(8) {
        let v = load(p + 8 &* inputStride)
        a2 = fma(a2, v, w4)
        if TX > 3 { a3 = fma(a3, v, w2) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 3 && span.has(9) {
        let v = load(p + 9 &* inputStride)
        a3 = fma(a3, v, w3)
        if TX > 4 { a4 = fma(a4, v, w1) }
      }
      if TX > 3 && span.has(10) {
        let v = load(p + 10 &* inputStride)
        a3 = fma(a3, v, w4)
        if TX > 4 { a4 = fma(a4, v, w2) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 4 && span.has(11) {
        let v = load(p + 11 &* inputStride)
        a4 = fma(a4, v, w3)
        if TX > 5 { a5 = fma(a5, v, w1) }
      }
      if TX > 4 && span.has(12) {
        let v = load(p + 12 &* inputStride)
        a4 = fma(a4, v, w4)
        if TX > 5 { a5 = fma(a5, v, w2) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 5 && span.has(13) {
        let v = load(p + 13 &* inputStride)
        a5 = fma(a5, v, w3)
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 5 && span.has(14) {
        let v = load(p + 14 &* inputStride)
        a5 = fma(a5, v, w4)
        if TX > 6 { a6 = fma(a6, v, w2) }
      }
      if TX > 6 && span.has(15) {
        let v = load(p + 15 &* inputStride)
        a6 = fma(a6, v, w3)
      }
      if TX > 6 && span.has(16) {
        let v = load(p + 16 &* inputStride)
        a6 = fma(a6, v, w4)
      }
      p += row.rowStride
      ky &-= 1
    }
    let q = row.output + c
    store(minimum(maximum(a0, low), high), q)
    if TX > 1 { store(minimum(maximum(a1, low), high), q + outputStride) }
    if TX > 2 { store(minimum(maximum(a2, low), high), q + 2 &* outputStride) }
    if TX > 3 { store(minimum(maximum(a3, low), high), q + 3 &* outputStride) }
    if TX > 4 { store(minimum(maximum(a4, low), high), q + 4 &* outputStride) }
    if TX > 5 { store(minimum(maximum(a5, low), high), q + 5 &* outputStride) }
    if TX > 6 { store(minimum(maximum(a6, low), high), q + 6 &* outputStride) }
    c = nextVector(c, row.channels)
  }
  depthwiseTail(5, 2, TX, row, from: c)
}

/// `TX` outputs under a 7x7 kernel with stride 1; `TX` is a constant wherever this is used.
@inline(always)
func depthwise7x1(_ TX: Int, _ row: DepthwiseRow, edges: Bool) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
  let span = DepthwiseSpan(7, 1, TX, row, edges: edges)
  var c = 0
  while c &+ W <= row.channels {
    var a0 = load(row.bias + c)
    var a1 = a0
    var a2 = a0
    var a3 = a0
    var a4 = a0
    var a5 = a0
    var a6 = a0
    var p = row.input + c
    var w = row.weights + c
    var ky = row.taps
    while ky > 0 {
      let w0 = load(w)
      w += row.weightStride
      let w1 = load(w)
      w += row.weightStride
      let w2 = load(w)
      w += row.weightStride
      let w3 = load(w)
      w += row.weightStride
      let w4 = load(w)
      w += row.weightStride
      let w5 = load(w)
      w += row.weightStride
      let w6 = load(w)
      w += row.weightStride
      if span.has(0) {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      if span.has(1) {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      if span.has(2) {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w1) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if span.has(3) {
        let v = load(p + 3 &* inputStride)
        a0 = fma(a0, v, w3)
        if TX > 1 { a1 = fma(a1, v, w2) }
        if TX > 2 { a2 = fma(a2, v, w1) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if span.has(4) {
        let v = load(p + 4 &* inputStride)
        a0 = fma(a0, v, w4)
        if TX > 1 { a1 = fma(a1, v, w3) }
        if TX > 2 { a2 = fma(a2, v, w2) }
        if TX > 3 { a3 = fma(a3, v, w1) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if span.has(5) {
        let v = load(p + 5 &* inputStride)
        a0 = fma(a0, v, w5)
        if TX > 1 { a1 = fma(a1, v, w4) }
        if TX > 2 { a2 = fma(a2, v, w3) }
        if TX > 3 { a3 = fma(a3, v, w2) }
        if TX > 4 { a4 = fma(a4, v, w1) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if span.has(6) {
        let v = load(p + 6 &* inputStride)
        a0 = fma(a0, v, w6)
        if TX > 1 { a1 = fma(a1, v, w5) }
        if TX > 2 { a2 = fma(a2, v, w4) }
        if TX > 3 { a3 = fma(a3, v, w3) }
        if TX > 4 { a4 = fma(a4, v, w2) }
        if TX > 5 { a5 = fma(a5, v, w1) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 1 && span.has(7) {
        let v = load(p + 7 &* inputStride)
        a1 = fma(a1, v, w6)
        if TX > 2 { a2 = fma(a2, v, w5) }
        if TX > 3 { a3 = fma(a3, v, w4) }
        if TX > 4 { a4 = fma(a4, v, w3) }
        if TX > 5 { a5 = fma(a5, v, w2) }
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 2 && span.has(8) {
        let v = load(p + 8 &* inputStride)
        a2 = fma(a2, v, w6)
        if TX > 3 { a3 = fma(a3, v, w5) }
        if TX > 4 { a4 = fma(a4, v, w4) }
        if TX > 5 { a5 = fma(a5, v, w3) }
        if TX > 6 { a6 = fma(a6, v, w2) }
      }
      if TX > 3 && span.has(9) {
        let v = load(p + 9 &* inputStride)
        a3 = fma(a3, v, w6)
        if TX > 4 { a4 = fma(a4, v, w5) }
        if TX > 5 { a5 = fma(a5, v, w4) }
        if TX > 6 { a6 = fma(a6, v, w3) }
      }
      if TX > 4 && span.has(10) {
        let v = load(p + 10 &* inputStride)
        a4 = fma(a4, v, w6)
        if TX > 5 { a5 = fma(a5, v, w5) }
        if TX > 6 { a6 = fma(a6, v, w4) }
      }
      if TX > 5 && span.has(11) {
        let v = load(p + 11 &* inputStride)
        a5 = fma(a5, v, w6)
        if TX > 6 { a6 = fma(a6, v, w5) }
      }
      if TX > 6 && span.has(12) {
        let v = load(p + 12 &* inputStride)
        a6 = fma(a6, v, w6)
      }
      p += row.rowStride
      ky &-= 1
    }
    let q = row.output + c
    store(minimum(maximum(a0, low), high), q)
    if TX > 1 { store(minimum(maximum(a1, low), high), q + outputStride) }
    if TX > 2 { store(minimum(maximum(a2, low), high), q + 2 &* outputStride) }
    if TX > 3 { store(minimum(maximum(a3, low), high), q + 3 &* outputStride) }
    if TX > 4 { store(minimum(maximum(a4, low), high), q + 4 &* outputStride) }
    if TX > 5 { store(minimum(maximum(a5, low), high), q + 5 &* outputStride) }
    if TX > 6 { store(minimum(maximum(a6, low), high), q + 6 &* outputStride) }
    c = nextVector(c, row.channels)
  }
  depthwiseTail(7, 1, TX, row, from: c)
}
