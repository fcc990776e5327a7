// Gradients by weights: products of cotangents and inputs, added up over the pixels of an image.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Gradients by the parameters of layers; all of them are added to what is there.
///
/// Every number is a sum over pixels in ascending order, in pieces that depend on the sizes alone.
package enum WeightGradients {
  // MARK: - Convolutions without groups

  /// Adds the gradient by the weights of a convolution.
  package static func convolution(_ job: WeightGradientJob) {
    let layout = WeightGradientLayout(job.shape)
    let pixels = job.shape.outputHeight &* job.shape.outputWidth
    let pieces = (pixels &+ WeightGradientLayout.mostPixels &- 1) / WeightGradientLayout.mostPixels
    let most = (pixels &+ pieces &- 1) / pieces
    let isPointwise = isPointwise(job.shape)
    var touched = splat(0)
    var start = 0
    while start < pixels {
      let count = pixels &- start < most ? pixels &- start : most
      if isPointwise {
        touch(
          job.input + start &* job.inputStride, job.inputStride, count, job.shape.inputChannels,
          &touched)
      }
      touch(
        job.cotangent + start &* job.cotangentStride, job.cotangentStride, count,
        job.shape.outputChannels, &touched)
      var tap = 0
      while tap < layout.taps {
        add(job, layout, tap: tap, start, count)
        tap &+= 1
      }
      if let sums = job.channelSums {
        channels(
          job.cotangent + start &* job.cotangentStride, stride: job.cotangentStride, pixels: count,
          channels: job.shape.outputChannels, into: sums)
      }
      start &+= count
    }
    // So that nothing is left out.
    store(touched, job.scratch)
  }

  /// Adds what some pixels have for the matrix of one tap.
  @inline(always)
  static func add(
    _ job: WeightGradientJob, _ layout: WeightGradientLayout, tap: Int, _ start: Int, _ count: Int
  ) {
    let s = job.shape
    let isPointwise = isPointwise(s)
    let hasPrologue = job.prologue.scale != nil || job.prologue.shift != nil || job.prologue.relu
    let panel = job.scratch + WeightGradientLayout.mostPixels &* layout.rowStride
    var tile = GradientTile(
      factors: job.cotangent + start &* job.cotangentStride, factorStride: job.cotangentStride,
      panel: Source(panel), panelStride: 0, count: count, sums: job.sums, stride: layout.stride)
    if layout.isByOutputs {
      if layout.joinsTaps {
        gatherAllTaps(job, start, count, into: job.scratch, stride: layout.rowStride)
      } else if !isPointwise {
        gather(
          job, tap: tap, start, count, channel: 0, channels: s.inputChannels, into: job.scratch,
          stride: layout.rowStride)
      } else if hasPrologue {
        applyPrologue(
          job.prologue, job.input + start &* job.inputStride, job.inputStride, job.scratch,
          layout.rowStride, rows: count, channels: s.inputChannels)
      }
      let isGathered = layout.joinsTaps || !isPointwise || hasPrologue
      tile.factors = isGathered ? Source(job.scratch) : job.input + start &* job.inputStride
      tile.factorStride = isGathered ? layout.rowStride : job.inputStride
    }
    let matrix = job.sums + tap &* layout.rows &* layout.stride
    var column = 0
    while column < layout.stride {
      let width = layout.stride &- column < 2 &* W ? W : 2 &* W
      let rest = layout.columns &- column
      let channels = rest < width ? rest : width
      (tile.panel, tile.panelStride) = (Source(panel), width)
      if layout.isByOutputs {
        let source = job.cotangent + (start &* job.cotangentStride &+ column)
        if channels == width && job.cotangentStride <= mostDirect {
          (tile.panel, tile.panelStride) = (source, job.cotangentStride)
        } else {
          copyRows(
            source, job.cotangentStride, count, channels: channels, into: panel, stride: width)
        }
      } else if hasPrologue {
        applyPrologue(
          Prologue(
            scale: offset(job.prologue.scale, column), shift: offset(job.prologue.shift, column),
            relu: job.prologue.relu), job.input + (start &* job.inputStride &+ column),
          job.inputStride, panel, width, rows: count, channels: channels)
      } else if isPointwise {
        let source = job.input + (start &* job.inputStride &+ column)
        if channels == width && job.inputStride <= mostDirect {
          (tile.panel, tile.panelStride) = (source, job.inputStride)
        } else {
          copyRows(source, job.inputStride, count, channels: channels, into: panel, stride: width)
        }
      } else {
        gather(
          job, tap: tap, start, count, channel: column, channels: channels, into: panel,
          stride: width)
      }
      tile.sums = matrix + column
      runTiles(tile, rows: layout.rows, isWide: width > W)
      column &+= width
    }
  }

  /// The most floats between pixels with which vectors are read where they are: beyond, those of
  /// one piece lie on more pages than a processor knows at a time.
  @_transparent static var mostDirect: Int { 256 }

  /// Tiles of nearly equal height for all rows of a panel.
  @inline(always)
  static func runTiles(_ start: GradientTile, rows: Int, isWide: Bool) {
    let most = isWide ? TileShape.wideRows : TileShape.narrowRows
    let tiles = (rows &+ most &- 1) / most
    let height = (rows &+ tiles &- 1) / tiles
    var tile = start
    var row = 0
    while row < rows {
      let count = rows &- row < height ? rows &- row : height
      if isWide { runWideGradient(count, tile) } else { runNarrowGradient(count, tile) }
      row &+= count
      tile.factors += count
      tile.sums += count &* tile.stride
    }
  }

  /// Whether pixels of the input are those of the output.
  @inline(always)
  static func isPointwise(_ s: ConvolutionShape) -> Bool {
    s.kernelHeight &* s.kernelWidth == 1 && s.strideHeight == 1 && s.strideWidth == 1
      && s.paddingTop &+ s.paddingLeft &+ s.paddingBottom &+ s.paddingRight == 0
  }

  // MARK: - Copies

  /// Copies rows of channels side by side, each with zeros up to the stride.
  @inline(never)
  static func copyRows(
    _ source: Source, _ sourceStride: Int, _ count: Int, channels: Int, into target: Destination,
    stride: Int
  ) {
    if channels == 2 &* W && stride == 2 &* W {
      var p = 0
      while p < count {
        let (q, r) = (source + p &* sourceStride, target + p &* stride)
        let (v0, v1) = (load(q), load(q + W))
        store(v0, r)
        store(v1, r + W)
        p &+= 1
      }
      return
    }
    var p = 0
    while p < count {
      copyRow(
        source + p &* sourceStride, channels: channels, into: target + p &* stride, stride: stride)
      p &+= 1
    }
  }

  /// Copies some channels with zeros up to the stride, a multiple of the vector's lanes.
  @inline(always)
  static func copyRow(_ source: Source, channels: Int, into target: Destination, stride: Int) {
    var j = 0
    while j < stride {
      let n = channels &- j
      store(n > 0 ? loadUpTo(source + j, n) : splat(0), target + j)
      j &+= W
    }
  }

  /// Copies what some output pixels read at a tap, a row of the output at a time.
  static func gather(
    _ job: WeightGradientJob, tap: Int, _ start: Int, _ count: Int, channel: Int, channels: Int,
    into target: Destination, stride: Int
  ) {
    let s = job.shape
    let (ky, kx) = (tap / s.kernelWidth, tap % s.kernelWidth)
    let step = s.strideWidth &* job.inputStride
    let inside = columns(s, kx)
    var (oy, ox) = (start / s.outputWidth, start % s.outputWidth)
    var p = 0
    while p < count {
      let rest = s.outputWidth &- ox
      let end = ox &+ (count &- p < rest ? count &- p : rest)
      let y = oy &* s.strideHeight &- s.paddingTop &+ ky
      let isInside = y >= 0 && y < s.inputHeight
      let first = limited(isInside ? inside.start : end, ox, end)
      let last = limited(isInside ? inside.end : end, first, end)
      fillZeros(target + p &* stride, (first &- ox) &* stride)
      if first < last {
        let pixel = y &* s.inputWidth &+ first &* s.strideWidth &- s.paddingLeft &+ kx
        copyRows(
          job.input + (pixel &* job.inputStride &+ channel), step, last &- first,
          channels: channels, into: target + (p &+ first &- ox) &* stride, stride: stride)
      }
      fillZeros(target + (p &+ last &- ox) &* stride, (end &- last) &* stride)
      p &+= end &- ox
      (oy, ox) = (oy &+ 1, 0)
    }
  }

  /// The outputs of a row whose tap in a column lies inside the image.
  @inline(always)
  static func columns(_ s: ConvolutionShape, _ kx: Int) -> (start: Int, end: Int) {
    // 0 ≤ x · step + shift < width.
    let shift = kx &- s.paddingLeft
    let last = s.inputWidth &- 1 &- shift
    return (
      shift < 0 ? (s.strideWidth &- 1 &- shift) / s.strideWidth : 0,
      last < 0 ? 0 : last / s.strideWidth &+ 1
    )
  }

  /// A number that is brought between two others.
  @inline(always)
  static func limited(_ number: Int, _ low: Int, _ high: Int) -> Int {
    number < low ? low : (number > high ? high : number)
  }

  /// Copies what some output pixels read at all taps, side by side.
  @inline(never)
  static func gatherAllTaps(
    _ job: WeightGradientJob, _ start: Int, _ count: Int, into target: Destination, stride: Int
  ) {
    let s = job.shape
    let c = s.inputChannels
    let row = s.kernelWidth &* c
    let isContiguous = job.inputStride == c
    // Where whole vectors for a row of taps still lie in the image.
    let lastWhole = s.inputHeight &* s.inputWidth &* c &- (row &+ W &- 1) / W &* W
    var (oy, ox) = (start / s.outputWidth, start % s.outputWidth)
    var p = 0
    while p < count {
      let x = ox &* s.strideWidth &- s.paddingLeft
      // The taps of a row that lie inside the image.
      let first = x < 0 ? 0 &- x : 0
      let end = s.inputWidth &- x < s.kernelWidth ? s.inputWidth &- x : s.kernelWidth
      var ky = 0
      while ky < s.kernelHeight {
        let y = oy &* s.strideHeight &- s.paddingTop &+ ky
        let q = target + (p &* stride &+ ky &* row)
        let isInside = y >= 0 && y < s.inputHeight
        let place = (isInside ? y &* s.inputWidth &+ x : 0) &* job.inputStride
        let source = job.input + place
        if isInside && isContiguous && first == 0 && end == s.kernelWidth && place <= lastWhole {
          // What is written beyond the row is written again, or lies in columns that do not count.
          var j = 0
          while j < row {
            store(load(source + j), q + j)
            j &+= W
          }
          ky &+= 1
          continue
        }
        var kx = 0
        while kx < s.kernelWidth {
          let isHere = isInside && kx >= first && kx < end
          var i = 0
          while i < c {
            q[kx &* c &+ i] = isHere ? source[kx &* job.inputStride &+ i] : 0
            i &+= 1
          }
          kx &+= 1
        }
        ky &+= 1
      }
      p &+= 1
      ox &+= 1
      if ox == s.outputWidth { (oy, ox) = (oy &+ 1, 0) }
    }
  }

  // MARK: - Depthwise convolutions

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

  // MARK: - Sums over pixels

  /// Adds the sum over all pixels of every channel.
  package static func channels(
    _ cotangent: UnsafePointer<Float>, stride: Int, pixels: Int, channels: Int,
    into sums: UnsafeMutablePointer<Float>
  ) {
    var c = 0
    while c &+ 4 &* W <= channels {
      addFourVectors(cotangent + c, stride, pixels, sums + c)
      c &+= 4 &* W
    }
    while c < channels {
      let n = channels &- c
      if n >= W {
        addVector(cotangent + c, stride, pixels, sums + c, W)
      } else {
        addVector(cotangent + c, stride, pixels, sums + c, n)
      }
      c &+= W
    }
  }

  @inline(always)
  static func addFourVectors(
    _ cotangent: Source, _ stride: Int, _ pixels: Int, _ sums: Destination
  ) {
    var s0 = load(sums), s1 = load(sums + W), s2 = load(sums + 2 &* W), s3 = load(sums + 3 &* W)
    var q = cotangent
    var p = 0
    while p < pixels {
      s0 = s0 + load(q)
      s1 = s1 + load(q + W)
      s2 = s2 + load(q + 2 &* W)
      s3 = s3 + load(q + 3 &* W)
      q += stride
      p &+= 1
    }
    store(s0, sums)
    store(s1, sums + W)
    store(s2, sums + 2 &* W)
    store(s3, sums + 3 &* W)
  }

  @inline(always)
  static func addVector(
    _ cotangent: Source, _ stride: Int, _ pixels: Int, _ sums: Destination, _ n: Int
  ) {
    var s = loadUpTo(Source(sums), n)
    var q = cotangent
    var p = 0
    while p < pixels {
      s = s + loadUpTo(q, n)
      q += stride
      p &+= 1
    }
    storeUpTo(s, sums, n)
  }

  /// Adds what a batch normalisation with stored statistics needs on the way back.
  package static func normalization(_ job: NormalizationGradientJob) {
    var c = 0
    while c < job.channels {
      let n = job.channels &- c
      if n >= 2 &* W {
        addDistances(job, c, W, W)
        c &+= 2 &* W
      } else if n > W {
        addDistances(job, c, W, n &- W)
        c = job.channels
      } else {
        addDistances(job, c, n, 0)
        c &+= W
      }
    }
  }

  /// Adds the sums of two vectors of channels, of which `n` and `m` channels count.
  @inline(always)
  static func addDistances(_ job: NormalizationGradientJob, _ c: Int, _ n: Int, _ m: Int) {
    let (m0, m1) = (loadUpTo(job.mean + c, n), m > 0 ? loadUpTo(job.mean + (c &+ W), m) : splat(0))
    var s0 = splat(0), s1 = splat(0), t0 = splat(0), t1 = splat(0)
    var (q, r) = (job.cotangent + c, job.input + c)
    var p = 0
    while p < job.pixels {
      let v0 = loadUpTo(q, n)
      s0 = fma(s0, v0, loadUpTo(r, n) - m0)
      t0 = t0 + v0
      if m > 0 {
        let v1 = loadUpTo(q + W, m)
        s1 = fma(s1, v1, loadUpTo(r + W, m) - m1)
        t1 = t1 + v1
      }
      q += job.cotangentStride
      r += job.inputStride
      p &+= 1
    }
    add(s0, times: job.factor + c, to: job.scales + c, n)
    if m > 0 { add(s1, times: job.factor + (c &+ W), to: job.scales + (c &+ W), m) }
    guard let offsets = job.offsets else { return }
    storeUpTo(loadUpTo(Source(offsets + c), n) + t0, offsets + c, n)
    if m > 0 {
      let second = offsets + (c &+ W)
      storeUpTo(loadUpTo(Source(second), m) + t1, second, m)
    }
  }

  @inline(always)
  static func add(_ sum: V, times factor: Source, to target: Destination, _ n: Int) {
    storeUpTo(fma(loadUpTo(Source(target), n), sum, loadUpTo(factor, n)), target, n)
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
