// The gradients by the weights of depthwise convolutions.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

extension WeightGradients {
  /// Adds the gradient by the weights of a depthwise convolution, `[kH, kW, C]`.
  package static func depthwise(_ job: WeightGradientJob) {
    let s = job.shape
    let layout = WeightGradientLayout(depthwise: s)
    var touched = splat(0)
    var read = 0
    var y = 0
    while y < s.outputHeight {
      let top = y &* s.strideHeight &- s.paddingTop
      let width = s.inputWidth &* job.inputStride
      while read < s.inputHeight && read < top &+ s.kernelHeight {
        touch(
          job.input + read &* width, job.inputStride, s.inputWidth, s.inputChannels, &touched)
        read &+= 1
      }
      touch(
        job.cotangent + y &* s.outputWidth &* job.cotangentStride, job.cotangentStride,
        s.outputWidth, s.inputChannels, &touched)
      let first = top < 0 ? 0 &- top : 0
      let below = s.inputHeight &- top
      let end = below < s.kernelHeight ? below : s.kernelHeight
      var row = DepthwiseGradientRow(
        cotangent: job.cotangent + y &* s.outputWidth &* job.cotangentStride,
        cotangentStride: job.cotangentStride,
        input: job.input + (top &+ first) &* s.inputWidth &* job.inputStride,
        inputStride: job.inputStride, rowStride: s.inputWidth &* job.inputStride,
        sums: job.sums + first &* s.kernelWidth &* layout.stride, stride: layout.stride,
        step: s.strideWidth, left: s.paddingLeft, width: s.inputWidth, count: s.outputWidth,
        kernelWidth: s.kernelWidth)
      var c = 0
      while c < s.inputChannels {
        let rest = s.inputChannels &- c
        let n = rest < lineLanes ? rest : lineLanes
        if rest >= W { addTaps(row, first, end, s, n) } else { addLastTaps(row, first, end, n) }
        let step = rest >= W ? n / W &* W : n
        row = row.advanced(step)
        c &+= step
      }
      if let sums = job.channelSums {
        channels(
          job.cotangent + y &* s.outputWidth &* job.cotangentStride, stride: job.cotangentStride,
          pixels: s.outputWidth, channels: s.inputChannels, into: sums)
      }
      y &+= 1
    }
    // So that nothing is left out.
    store(touched, job.scratch)
  }

  /// Reads every line of some rows, so that they come from memory in the order in which they lie
  /// there before channels are picked out.
  @inline(always)
  static func touch(
    _ p: Source, _ stride: Int, _ rows: Int, _ channels: Int, _ sum: inout V
  ) {
    if stride == channels { return touch(p, rows &* channels, &sum) }
    var row = 0
    while row < rows {
      touch(p + row &* stride, channels, &sum)
      row &+= 1
    }
  }

  /// Reads a number of every line of a cache.
  @inline(always)
  static func touch(_ p: Source, _ count: Int, _ sum: inout V) {
    var i = 0
    while i &+ W <= count {
      sum = sum + load(p + i)
      i &+= 16
    }
  }

  /// The channels of a line of the first-level cache, in whole vectors.
  @_transparent static var lineLanes: Int { W < 16 ? 16 : W }

  /// The outputs over which all vectors of a line are taken before the next: few enough for the
  /// lines under their taps to stay in the first-level cache.
  @_transparent static var mostColumns: Int { 32 }

  /// Adds the products of a row of the output with rows of the input, for the whole vectors among
  /// some channels of a line.
  @inline(never)
  static func addTaps(
    _ start: DepthwiseGradientRow, _ first: Int, _ end: Int, _ s: ConvolutionShape, _ channels: Int
  ) {
    let isThree = s.kernelWidth == 3
    let inner = isThree ? start.inner : (start: start.count, end: start.count)
    let isWhole = isThree && s.kernelHeight == 3 && first == 0 && end == 3
    var from = inner.start
    while isThree && from < inner.end {
      let to = inner.end &- from < mostColumns ? inner.end : from &+ mostColumns
      var c = 0
      while c &+ W <= channels {
        var row = start.advanced(c)
        if isWhole {
          threeRows(row, from, to)
        } else {
          var ky = first
          while ky < end {
            oneRow(row, from, to)
            row.moveDown()
            ky &+= 1
          }
        }
        c &+= W
      }
      from = to
    }
    // What hangs over the edges.
    var kx = 0
    while kx < s.kernelWidth {
      let (from, to) = start.outputs(kx)
      let left = to < inner.start ? to : inner.start
      let right = from > inner.end ? from : inner.end
      var c = 0
      while (from < left || right < to) && c &+ W <= channels {
        var row = start.advanced(c)
        var ky = first
        while ky < end {
          oneTap(row, kx, from, left)
          oneTap(row, kx, right, to)
          row.moveDown()
          ky &+= 1
        }
        c &+= W
      }
      kx &+= 1
    }
  }

  /// The same for channels that are less than a vector.
  @inline(never)
  static func addLastTaps(
    _ start: DepthwiseGradientRow, _ first: Int, _ end: Int, _ channels: Int
  ) {
    var row = start
    var ky = first
    while ky < end {
      var kx = 0
      while kx < row.kernelWidth {
        let (from, to) = row.outputs(kx)
        addTap(row, kx, from, to, channels)
        kx &+= 1
      }
      row.moveDown()
      ky &+= 1
    }
  }

  /// Adds up one tap over some outputs.
  @inline(never)
  static func oneTap(_ row: DepthwiseGradientRow, _ kx: Int, _ from: Int, _ to: Int) {
    addTap(row, kx, from, to, W)
  }

  /// Adds up one tap over some outputs, for some channels of a vector.
  @inline(always)
  static func addTap(_ row: DepthwiseGradientRow, _ kx: Int, _ from: Int, _ to: Int, _ n: Int) {
    guard from < to else { return }
    let target = row.sums + kx &* row.stride
    let step = row.step &* row.inputStride
    var d = row.cotangent + from &* row.cotangentStride
    var i = row.input + (from &* row.step &+ kx &- row.left) &* row.inputStride
    var s0 = load(target)
    var s1 = splat(0)
    var x = from
    while x &+ 2 <= to {
      s0 = fma(s0, loadUpTo(d, n), loadUpTo(i, n))
      s1 = fma(s1, loadUpTo(d + row.cotangentStride, n), loadUpTo(i + step, n))
      d += 2 &* row.cotangentStride
      i += 2 &* step
      x &+= 2
    }
    if x < to { s0 = fma(s0, loadUpTo(d, n), loadUpTo(i, n)) }
    store(s0 + s1, target)
  }

  /// Adds up the three taps of one row over outputs whose taps are all inside the image.
  @inline(never)
  static func oneRow(_ row: DepthwiseGradientRow, _ from: Int, _ to: Int) {
    let t = row.sums
    let step = row.step &* row.inputStride
    var d = row.cotangent + from &* row.cotangentStride
    var i = row.input + (from &* row.step &- row.left) &* row.inputStride
    var s0 = load(t), s1 = load(t + row.stride), s2 = load(t + 2 &* row.stride)
    var x = from
    while x < to {
      let v = load(d)
      s0 = fma(s0, v, load(i))
      s1 = fma(s1, v, load(i + row.inputStride))
      s2 = fma(s2, v, load(i + 2 &* row.inputStride))
      d += row.cotangentStride
      i += step
      x &+= 1
    }
    store(s0, t)
    store(s1, t + row.stride)
    store(s2, t + 2 &* row.stride)
  }

  /// Adds up the nine taps of three rows over outputs whose taps are all inside the image.
  @inline(never)
  static func threeRows(_ row: DepthwiseGradientRow, _ from: Int, _ to: Int) {
    let t = row.sums
    let ld = row.stride
    let step = row.step &* row.inputStride
    let next = row.inputStride
    var d = row.cotangent + from &* row.cotangentStride
    var i = row.input + (from &* row.step &- row.left) &* row.inputStride
    var j = i + row.rowStride
    var k = j + row.rowStride
    var s0 = load(t), s1 = load(t + ld), s2 = load(t + 2 &* ld)
    var s3 = load(t + 3 &* ld), s4 = load(t + 4 &* ld), s5 = load(t + 5 &* ld)
    var s6 = load(t + 6 &* ld), s7 = load(t + 7 &* ld), s8 = load(t + 8 &* ld)
    var x = from
    while x < to {
      let v = load(d)
      s0 = fma(s0, v, load(i))
      s1 = fma(s1, v, load(i + next))
      s2 = fma(s2, v, load(i + 2 &* next))
      s3 = fma(s3, v, load(j))
      s4 = fma(s4, v, load(j + next))
      s5 = fma(s5, v, load(j + 2 &* next))
      s6 = fma(s6, v, load(k))
      s7 = fma(s7, v, load(k + next))
      s8 = fma(s8, v, load(k + 2 &* next))
      d += row.cotangentStride
      i += step
      j += step
      k += step
      x &+= 1
    }
    store(s0, t)
    store(s1, t + ld)
    store(s2, t + 2 &* ld)
    store(s3, t + 3 &* ld)
    store(s4, t + 4 &* ld)
    store(s5, t + 5 &* ld)
    store(s6, t + 6 &* ld)
    store(s7, t + 7 &* ld)
    store(s8, t + 8 &* ld)
  }
}

/// A row of cotangents of a depthwise convolution and the rows of the input under it, from a channel
/// on.
struct DepthwiseGradientRow {
  var cotangent: Source
  var cotangentStride: Int
  /// The first pixel of the first row.
  var input: Source
  var inputStride: Int
  /// Floats from one row of the input to the next.
  var rowStride: Int
  /// The sums of the first tap.
  var sums: Destination
  /// Floats from the sums of one tap to those of the next.
  var stride: Int
  /// Pixels of the input from one output to the next.
  var step: Int
  /// Pixels of padding before the row.
  var left: Int
  /// Pixels of a row of the input.
  var width: Int
  /// Outputs in a row.
  var count: Int
  var kernelWidth: Int

  /// The same from a later channel on.
  @inline(always)
  func advanced(_ channels: Int) -> Self {
    var result = self
    result.cotangent += channels
    result.input += channels
    result.sums += channels
    return result
  }

  /// Goes on to the next row of the input, and its taps.
  @inline(always)
  mutating func moveDown() {
    input += rowStride
    sums += kernelWidth &* stride
  }

  /// The outputs whose tap in a column lies inside the image.
  @inline(always)
  func outputs(_ kx: Int) -> (start: Int, end: Int) {
    // 0 ≤ x · step + shift < width.
    let shift = kx &- left
    let start = shift < 0 ? (step &- 1 &- shift) / step : 0
    let last = width &- 1 &- shift
    let end = last < 0 ? 0 : last / step &+ 1
    return (start, end < count ? end : count)
  }

  /// The outputs whose taps are all inside the image.
  @inline(always)
  var inner: (start: Int, end: Int) {
    let start = outputs(0).start
    let end = outputs(kernelWidth &- 1).end
    let first = start < count ? start : count
    return (first, end < first ? first : end)
  }
}
