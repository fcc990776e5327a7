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
