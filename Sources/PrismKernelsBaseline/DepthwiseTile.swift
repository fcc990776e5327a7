// The depthwise tiles: a few neighbouring outputs of one row, all channels.
//
// A column of the input is loaded once and added to every output that it reaches; an output still
// meets its taps in ascending order.

/// Returns the most columns of a tile for a kernel and a stride; zero when there is no tile.
@inline(always)
func depthwiseColumns(_ kernel: Int, _ stride: Int) -> Int {
  if kernel == 7 && stride == 1 { return 7 }
  return (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2) ? 7 : 0
}

/// The first channel of the next vector.
///
/// The last vector of a row ends with it, though some of its channels are computed twice; only where
/// there is no whole one something is left.
@inline(always)
func nextVector(_ c: Int, _ channels: Int) -> Int {
  let next = c &+ W
  return next < channels && channels < next &+ W ? channels &- W : next
}

/// The channels of a tile that do not fill a vector, pixel by pixel.
@inline(never)
func depthwiseTail(_ K: Int, _ S: Int, _ TX: Int, _ row: DepthwiseRow, from c: Int) {
  guard c < row.channels else { return }
  var pixel = row
  var x = 0
  while x < TX {
    depthwisePixel(pixel, kernelWidth: K, first: 0, columns: K, from: c)
    pixel.input += S &* row.inputStride
    pixel.output += row.outputStride
    x &+= 1
  }
}

/// `TX` outputs under a 3x3 kernel with stride 1; `TX` is a constant wherever this is used.
@inline(always)
func depthwise3x1(_ TX: Int, _ row: DepthwiseRow) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
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
      do {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      do {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      do {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w1) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if TX > 1 {
        let v = load(p + 3 &* inputStride)
        a1 = fma(a1, v, w2)
        if TX > 2 { a2 = fma(a2, v, w1) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if TX > 2 {
        let v = load(p + 4 &* inputStride)
        a2 = fma(a2, v, w2)
        if TX > 3 { a3 = fma(a3, v, w1) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 3 {
        let v = load(p + 5 &* inputStride)
        a3 = fma(a3, v, w2)
        if TX > 4 { a4 = fma(a4, v, w1) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 4 {
        let v = load(p + 6 &* inputStride)
        a4 = fma(a4, v, w2)
        if TX > 5 { a5 = fma(a5, v, w1) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 5 {
        let v = load(p + 7 &* inputStride)
        a5 = fma(a5, v, w2)
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 6 {
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
func depthwise3x2(_ TX: Int, _ row: DepthwiseRow) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
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
      do {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      do {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
      }
      do {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      if TX > 1 {
        let v = load(p + 3 &* inputStride)
        a1 = fma(a1, v, w1)
      }
      if TX > 1 {
        let v = load(p + 4 &* inputStride)
        a1 = fma(a1, v, w2)
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if TX > 2 {
        let v = load(p + 5 &* inputStride)
        a2 = fma(a2, v, w1)
      }
      if TX > 2 {
        let v = load(p + 6 &* inputStride)
        a2 = fma(a2, v, w2)
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if TX > 3 {
        let v = load(p + 7 &* inputStride)
        a3 = fma(a3, v, w1)
      }
      if TX > 3 {
        let v = load(p + 8 &* inputStride)
        a3 = fma(a3, v, w2)
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 4 {
        let v = load(p + 9 &* inputStride)
        a4 = fma(a4, v, w1)
      }
      if TX > 4 {
        let v = load(p + 10 &* inputStride)
        a4 = fma(a4, v, w2)
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 5 {
        let v = load(p + 11 &* inputStride)
        a5 = fma(a5, v, w1)
      }
      if TX > 5 {
        let v = load(p + 12 &* inputStride)
        a5 = fma(a5, v, w2)
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 6 {
        let v = load(p + 13 &* inputStride)
        a6 = fma(a6, v, w1)
      }
      if TX > 6 {
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
func depthwise5x1(_ TX: Int, _ row: DepthwiseRow) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
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
      do {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      do {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      do {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w1) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      do {
        let v = load(p + 3 &* inputStride)
        a0 = fma(a0, v, w3)
        if TX > 1 { a1 = fma(a1, v, w2) }
        if TX > 2 { a2 = fma(a2, v, w1) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      do {
        let v = load(p + 4 &* inputStride)
        a0 = fma(a0, v, w4)
        if TX > 1 { a1 = fma(a1, v, w3) }
        if TX > 2 { a2 = fma(a2, v, w2) }
        if TX > 3 { a3 = fma(a3, v, w1) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 1 {
        let v = load(p + 5 &* inputStride)
        a1 = fma(a1, v, w4)
        if TX > 2 { a2 = fma(a2, v, w3) }
        if TX > 3 { a3 = fma(a3, v, w2) }
        if TX > 4 { a4 = fma(a4, v, w1) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 2 {
        let v = load(p + 6 &* inputStride)
        a2 = fma(a2, v, w4)
        if TX > 3 { a3 = fma(a3, v, w3) }
        if TX > 4 { a4 = fma(a4, v, w2) }
        if TX > 5 { a5 = fma(a5, v, w1) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 3 {
        let v = load(p + 7 &* inputStride)
        a3 = fma(a3, v, w4)
        if TX > 4 { a4 = fma(a4, v, w3) }
        if TX > 5 { a5 = fma(a5, v, w2) }
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 4 {
        let v = load(p + 8 &* inputStride)
        a4 = fma(a4, v, w4)
        if TX > 5 { a5 = fma(a5, v, w3) }
        if TX > 6 { a6 = fma(a6, v, w2) }
      }
      if TX > 5 {
        let v = load(p + 9 &* inputStride)
        a5 = fma(a5, v, w4)
        if TX > 6 { a6 = fma(a6, v, w3) }
      }
      if TX > 6 {
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
func depthwise5x2(_ TX: Int, _ row: DepthwiseRow) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
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
      do {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      do {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
      }
      do {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      do {
        let v = load(p + 3 &* inputStride)
        a0 = fma(a0, v, w3)
        if TX > 1 { a1 = fma(a1, v, w1) }
      }
      do {
        let v = load(p + 4 &* inputStride)
        a0 = fma(a0, v, w4)
        if TX > 1 { a1 = fma(a1, v, w2) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      if TX > 1 {
        let v = load(p + 5 &* inputStride)
        a1 = fma(a1, v, w3)
        if TX > 2 { a2 = fma(a2, v, w1) }
      }
      if TX > 1 {
        let v = load(p + 6 &* inputStride)
        a1 = fma(a1, v, w4)
        if TX > 2 { a2 = fma(a2, v, w2) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      if TX > 2 {
        let v = load(p + 7 &* inputStride)
        a2 = fma(a2, v, w3)
        if TX > 3 { a3 = fma(a3, v, w1) }
      }
      if TX > 2 {
        let v = load(p + 8 &* inputStride)
        a2 = fma(a2, v, w4)
        if TX > 3 { a3 = fma(a3, v, w2) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      if TX > 3 {
        let v = load(p + 9 &* inputStride)
        a3 = fma(a3, v, w3)
        if TX > 4 { a4 = fma(a4, v, w1) }
      }
      if TX > 3 {
        let v = load(p + 10 &* inputStride)
        a3 = fma(a3, v, w4)
        if TX > 4 { a4 = fma(a4, v, w2) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      if TX > 4 {
        let v = load(p + 11 &* inputStride)
        a4 = fma(a4, v, w3)
        if TX > 5 { a5 = fma(a5, v, w1) }
      }
      if TX > 4 {
        let v = load(p + 12 &* inputStride)
        a4 = fma(a4, v, w4)
        if TX > 5 { a5 = fma(a5, v, w2) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 5 {
        let v = load(p + 13 &* inputStride)
        a5 = fma(a5, v, w3)
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 5 {
        let v = load(p + 14 &* inputStride)
        a5 = fma(a5, v, w4)
        if TX > 6 { a6 = fma(a6, v, w2) }
      }
      if TX > 6 {
        let v = load(p + 15 &* inputStride)
        a6 = fma(a6, v, w3)
      }
      if TX > 6 {
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
func depthwise7x1(_ TX: Int, _ row: DepthwiseRow) {
  let inputStride = row.inputStride
  let outputStride = row.outputStride
  let low = row.low
  let high = row.high
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
      do {
        let v = load(p)
        a0 = fma(a0, v, w0)
      }
      do {
        let v = load(p + inputStride)
        a0 = fma(a0, v, w1)
        if TX > 1 { a1 = fma(a1, v, w0) }
      }
      do {
        let v = load(p + 2 &* inputStride)
        a0 = fma(a0, v, w2)
        if TX > 1 { a1 = fma(a1, v, w1) }
        if TX > 2 { a2 = fma(a2, v, w0) }
      }
      do {
        let v = load(p + 3 &* inputStride)
        a0 = fma(a0, v, w3)
        if TX > 1 { a1 = fma(a1, v, w2) }
        if TX > 2 { a2 = fma(a2, v, w1) }
        if TX > 3 { a3 = fma(a3, v, w0) }
      }
      do {
        let v = load(p + 4 &* inputStride)
        a0 = fma(a0, v, w4)
        if TX > 1 { a1 = fma(a1, v, w3) }
        if TX > 2 { a2 = fma(a2, v, w2) }
        if TX > 3 { a3 = fma(a3, v, w1) }
        if TX > 4 { a4 = fma(a4, v, w0) }
      }
      do {
        let v = load(p + 5 &* inputStride)
        a0 = fma(a0, v, w5)
        if TX > 1 { a1 = fma(a1, v, w4) }
        if TX > 2 { a2 = fma(a2, v, w3) }
        if TX > 3 { a3 = fma(a3, v, w2) }
        if TX > 4 { a4 = fma(a4, v, w1) }
        if TX > 5 { a5 = fma(a5, v, w0) }
      }
      do {
        let v = load(p + 6 &* inputStride)
        a0 = fma(a0, v, w6)
        if TX > 1 { a1 = fma(a1, v, w5) }
        if TX > 2 { a2 = fma(a2, v, w4) }
        if TX > 3 { a3 = fma(a3, v, w3) }
        if TX > 4 { a4 = fma(a4, v, w2) }
        if TX > 5 { a5 = fma(a5, v, w1) }
        if TX > 6 { a6 = fma(a6, v, w0) }
      }
      if TX > 1 {
        let v = load(p + 7 &* inputStride)
        a1 = fma(a1, v, w6)
        if TX > 2 { a2 = fma(a2, v, w5) }
        if TX > 3 { a3 = fma(a3, v, w4) }
        if TX > 4 { a4 = fma(a4, v, w3) }
        if TX > 5 { a5 = fma(a5, v, w2) }
        if TX > 6 { a6 = fma(a6, v, w1) }
      }
      if TX > 2 {
        let v = load(p + 8 &* inputStride)
        a2 = fma(a2, v, w6)
        if TX > 3 { a3 = fma(a3, v, w5) }
        if TX > 4 { a4 = fma(a4, v, w4) }
        if TX > 5 { a5 = fma(a5, v, w3) }
        if TX > 6 { a6 = fma(a6, v, w2) }
      }
      if TX > 3 {
        let v = load(p + 9 &* inputStride)
        a3 = fma(a3, v, w6)
        if TX > 4 { a4 = fma(a4, v, w5) }
        if TX > 5 { a5 = fma(a5, v, w4) }
        if TX > 6 { a6 = fma(a6, v, w3) }
      }
      if TX > 4 {
        let v = load(p + 10 &* inputStride)
        a4 = fma(a4, v, w6)
        if TX > 5 { a5 = fma(a5, v, w5) }
        if TX > 6 { a6 = fma(a6, v, w4) }
      }
      if TX > 5 {
        let v = load(p + 11 &* inputStride)
        a5 = fma(a5, v, w6)
        if TX > 6 { a6 = fma(a6, v, w5) }
      }
      if TX > 6 {
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

@inline(never) func depthwise3x1x1(_ row: DepthwiseRow) { depthwise3x1(1, row) }
@inline(never) func depthwise3x1x2(_ row: DepthwiseRow) { depthwise3x1(2, row) }
@inline(never) func depthwise3x1x3(_ row: DepthwiseRow) { depthwise3x1(3, row) }
@inline(never) func depthwise3x1x4(_ row: DepthwiseRow) { depthwise3x1(4, row) }
@inline(never) func depthwise3x1x5(_ row: DepthwiseRow) { depthwise3x1(5, row) }
@inline(never) func depthwise3x1x6(_ row: DepthwiseRow) { depthwise3x1(6, row) }
@inline(never) func depthwise3x1x7(_ row: DepthwiseRow) { depthwise3x1(7, row) }
@inline(never) func depthwise3x2x1(_ row: DepthwiseRow) { depthwise3x2(1, row) }
@inline(never) func depthwise3x2x2(_ row: DepthwiseRow) { depthwise3x2(2, row) }
@inline(never) func depthwise3x2x3(_ row: DepthwiseRow) { depthwise3x2(3, row) }
@inline(never) func depthwise3x2x4(_ row: DepthwiseRow) { depthwise3x2(4, row) }
@inline(never) func depthwise3x2x5(_ row: DepthwiseRow) { depthwise3x2(5, row) }
@inline(never) func depthwise3x2x6(_ row: DepthwiseRow) { depthwise3x2(6, row) }
@inline(never) func depthwise3x2x7(_ row: DepthwiseRow) { depthwise3x2(7, row) }
@inline(never) func depthwise5x1x1(_ row: DepthwiseRow) { depthwise5x1(1, row) }
@inline(never) func depthwise5x1x2(_ row: DepthwiseRow) { depthwise5x1(2, row) }
@inline(never) func depthwise5x1x3(_ row: DepthwiseRow) { depthwise5x1(3, row) }
@inline(never) func depthwise5x1x4(_ row: DepthwiseRow) { depthwise5x1(4, row) }
@inline(never) func depthwise5x1x5(_ row: DepthwiseRow) { depthwise5x1(5, row) }
@inline(never) func depthwise5x1x6(_ row: DepthwiseRow) { depthwise5x1(6, row) }
@inline(never) func depthwise5x1x7(_ row: DepthwiseRow) { depthwise5x1(7, row) }
@inline(never) func depthwise5x2x1(_ row: DepthwiseRow) { depthwise5x2(1, row) }
@inline(never) func depthwise5x2x2(_ row: DepthwiseRow) { depthwise5x2(2, row) }
@inline(never) func depthwise5x2x3(_ row: DepthwiseRow) { depthwise5x2(3, row) }
@inline(never) func depthwise5x2x4(_ row: DepthwiseRow) { depthwise5x2(4, row) }
@inline(never) func depthwise5x2x5(_ row: DepthwiseRow) { depthwise5x2(5, row) }
@inline(never) func depthwise5x2x6(_ row: DepthwiseRow) { depthwise5x2(6, row) }
@inline(never) func depthwise5x2x7(_ row: DepthwiseRow) { depthwise5x2(7, row) }
@inline(never) func depthwise7x1x1(_ row: DepthwiseRow) { depthwise7x1(1, row) }
@inline(never) func depthwise7x1x2(_ row: DepthwiseRow) { depthwise7x1(2, row) }
@inline(never) func depthwise7x1x3(_ row: DepthwiseRow) { depthwise7x1(3, row) }
@inline(never) func depthwise7x1x4(_ row: DepthwiseRow) { depthwise7x1(4, row) }
@inline(never) func depthwise7x1x5(_ row: DepthwiseRow) { depthwise7x1(5, row) }
@inline(never) func depthwise7x1x6(_ row: DepthwiseRow) { depthwise7x1(6, row) }
@inline(never) func depthwise7x1x7(_ row: DepthwiseRow) { depthwise7x1(7, row) }

/// Runs the tile of a kernel (3 or 5, or 7 with stride 1), a stride (1 or 2) and a number of columns (1 to 7).
func runDepthwiseTile(_ kernel: Int, _ stride: Int, _ columns: Int, _ row: DepthwiseRow) {
  if kernel == 3 && stride == 1 {
    switch columns {
    case 1: depthwise3x1x1(row)
    case 2: depthwise3x1x2(row)
    case 3: depthwise3x1x3(row)
    case 4: depthwise3x1x4(row)
    case 5: depthwise3x1x5(row)
    case 6: depthwise3x1x6(row)
    default: depthwise3x1x7(row)
    }
  }
  if kernel == 3 && stride == 2 {
    switch columns {
    case 1: depthwise3x2x1(row)
    case 2: depthwise3x2x2(row)
    case 3: depthwise3x2x3(row)
    case 4: depthwise3x2x4(row)
    case 5: depthwise3x2x5(row)
    case 6: depthwise3x2x6(row)
    default: depthwise3x2x7(row)
    }
  }
  if kernel == 5 && stride == 1 {
    switch columns {
    case 1: depthwise5x1x1(row)
    case 2: depthwise5x1x2(row)
    case 3: depthwise5x1x3(row)
    case 4: depthwise5x1x4(row)
    case 5: depthwise5x1x5(row)
    case 6: depthwise5x1x6(row)
    default: depthwise5x1x7(row)
    }
  }
  if kernel == 5 && stride == 2 {
    switch columns {
    case 1: depthwise5x2x1(row)
    case 2: depthwise5x2x2(row)
    case 3: depthwise5x2x3(row)
    case 4: depthwise5x2x4(row)
    case 5: depthwise5x2x5(row)
    case 6: depthwise5x2x6(row)
    default: depthwise5x2x7(row)
    }
  }
  if kernel == 7 && stride == 1 {
    switch columns {
    case 1: depthwise7x1x1(row)
    case 2: depthwise7x1x2(row)
    case 3: depthwise7x1x3(row)
    case 4: depthwise7x1x4(row)
    case 5: depthwise7x1x5(row)
    case 6: depthwise7x1x6(row)
    default: depthwise7x1x7(row)
    }
  }
}
