// The walk back through what moves a window over an image, or adds up a whole one.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Cotangents of inputs from cotangents of outputs.
///
/// Every number is a sum in an order that does not depend on how rows or channels were divided.
package enum Pullbacks {
  /// Adds a row of products to a row of an image: `length` numbers of every pixel go to where the
  /// pixel's window begins.
  ///
  /// A number's summands are added in an order that the sizes alone decide.
  ///
  /// - Parameters:
  ///   - products: The numbers of the first pixel.
  ///   - stride: Floats from those of one pixel to those of the next.
  ///   - pixels: The pixels.
  ///   - length: A multiple of the vector's lanes, also where that is more than the window has.
  ///   - row: Where the first pixel's window begins.
  ///   - step: Floats between the windows of two pixels.
  package static func scatter(
    _ products: UnsafePointer<Float>, stride: Int, pixels: Int, length: Int,
    into row: UnsafeMutablePointer<Float>, step: Int
  ) {
    // A number that has just been stored in two halves cannot be loaded at once: windows that
    // overlap like that take turns.
    let turns = step % W == 0 ? 1 : (length &+ step &- 1) / step
    var turn = 0
    while turn < turns {
      var x = turn
      while x < pixels {
        let p = products + x &* stride
        let q = row + x &* step
        var j = 0
        while j < length {
          store(load(q + j) + load(p + j), q + j)
          j &+= W
        }
        x &+= turns
      }
      turn &+= 1
    }
  }

  /// The cotangents of rows of the image of a depthwise convolution whose strides are the same.
  ///
  /// The job has the sizes of the convolution, and its packed weights, but the input is the
  /// cotangent of its output, the output that of its image, and rows are those of the image.
  package static func depthwise(_ job: ConvolutionJob) {
    let s = job.shape
    let c = s.inputChannels
    let stride = s.strideHeight
    var y = job.rowStart
    while y < job.rowEnd {
      let (ky, oy, taps) = reached(
        y &+ s.paddingTop, stride, s.kernelHeight, s.outputHeight)
      let output = job.output + y &* s.inputWidth &* job.outputStride
      var x = 0
      while x < s.inputWidth {
        let (kx, ox, columns) = reached(
          x &+ s.paddingLeft, stride, s.kernelWidth, s.outputWidth)
        // Windows are visited from the last to the first, taps in ascending order.
        let row = DepthwiseRow(
          input: job.input + (oy &* s.outputWidth &+ ox) &* job.inputStride,
          inputStride: 0 &- job.inputStride,
          weights: job.weights + (1 &+ ky &* s.kernelWidth &+ kx) &* c, bias: job.weights,
          output: output + x &* job.outputStride, outputStride: job.outputStride, channels: c,
          weightStride: stride &* c, taps: taps,
          rowStride: 0 &- s.outputWidth &* job.inputStride, low: splat(-.infinity),
          high: splat(.infinity))
        // From the outer tap on, pixels come in pairs under the same windows.
        let most = (s.inputWidth &- x) / 2
        let windows = s.outputWidth &- ox
        let pairs = most < windows ? most : windows
        let isPaired = s.kernelWidth == 3 && stride == 2 && columns == 2 && pairs > 0 && c % W == 0
        if isPaired && (taps == 1 || taps == 2) {
          // The number of rows is a constant in each.
          if taps == 1 {
            depthwisePairs(row, pairs, rows: 1)
          } else {
            depthwisePairs(row, pairs, rows: 2)
          }
          x &+= 2 &* pairs
          continue
        }
        depthwisePixel(row, kernelWidth: s.kernelWidth, first: 0, columns: columns, from: 0)
        x &+= 1
      }
      finishRows(
        job.epilogue, output, job.outputStride, firstRow: y &* s.inputWidth, firstColumn: 0,
        rows: s.inputWidth, columns: c)
      y &+= 1
    }
  }

  /// Computes pairs of pixels of a row, of which the first is under the outer taps of a kernel of
  /// three columns with a stride of two, the second under the middle one.
  ///
  /// - Parameters:
  ///   - row: The first pixel; every further pair is under the windows one column later. Its
  ///     channels are whole vectors.
  ///   - pairs: The pairs.
  ///   - rows: The rows of taps, one or two.
  @inline(always)
  static func depthwisePairs(_ row: DepthwiseRow, _ pairs: Int, rows: Int) {
    let step = 0 &- row.inputStride
    // Two taps lie between rows of weights and between the outer columns, so one is half of that.
    let (below, beside) = (3 &* row.weightStride, row.weightStride / 2)
    var c = 0
    while c < row.channels {
      let weights = row.weights + c
      let bias = load(row.bias + c)
      let w0 = load(weights), w1 = load(weights + beside), w2 = load(weights + 2 &* beside)
      var u0 = splat(0), u1 = splat(0), u2 = splat(0)
      if rows == 2 {
        u0 = load(weights + below)
        u1 = load(weights + (below &+ beside))
        u2 = load(weights + (below &+ 2 &* beside))
      }
      var p = row.input + c
      var q = row.output + c
      // What is under the last tap of a pair is under the first tap of the one before.
      var before = load(p - step)
      var beforeAbove = rows == 2 ? load(p + (row.rowStride &- step)) : splat(0)
      var i = 0
      while i < pairs {
        let v = load(p)
        var outer = fma(fma(bias, v, w0), before, w2)
        var middle = fma(bias, v, w1)
        if rows == 2 {
          let above = load(p + row.rowStride)
          outer = fma(fma(outer, above, u0), beforeAbove, u2)
          middle = fma(middle, above, u1)
          beforeAbove = above
        }
        store(outer, q)
        store(middle, q + row.outputStride)
        before = v
        p += step
        q += 2 &* row.outputStride
        i &+= 1
      }
      c &+= W
    }
  }

  /// The first tap that brings a padded position to a window, that window, and how many there are:
  /// every further one is `stride` taps later, at the window before.
  @inline(always)
  static func reached(
    _ position: Int, _ stride: Int, _ kernel: Int, _ windows: Int
  ) -> (tap: Int, window: Int, count: Int) {
    var tap = position % stride
    var window = position / stride
    if window >= windows {
      tap &+= (window &- windows &+ 1) &* stride
      window = windows &- 1
    }
    guard tap < kernel else { return (0, 0, 0) }
    let taps = (kernel &- tap &+ stride &- 1) / stride
    return (tap, window, taps < window &+ 1 ? taps : window &+ 1)
  }

  /// The cotangents `outputStart ..< outputEnd` of the inputs of a fully connected layer.
  ///
  /// The job has the sizes of the layer and its weights `[N, K]`, but its input is the cotangent
  /// `[M, N]` and its output `[M, K]`. The weights are read once for all rows.
  ///
  /// - Parameters:
  ///   - job: The job.
  ///   - outputs: `N`.
  package static func fullyConnected(_ job: FullyConnectedJob, outputs: Int) {
    let k = job.inputs
    let block = 1024
    var n = 0
    while n < outputs {
      let count = outputs &- n < 4 ? outputs &- n : 4
      var first = job.outputStart
      while first < job.outputEnd {
        let end = job.outputEnd &- first < block ? job.outputEnd : first &+ block
        var row = 0
        while row < job.rows {
          addRows(
            job.weights + (n &* k &+ first), k, job.input + (row &* job.inputStride &+ n), count,
            into: job.output + (row &* job.outputStride &+ first), length: end &- first,
            isFirst: n == 0)
          row &+= 1
        }
        first = end
      }
      n &+= count
    }
    guard job.outputStart < job.outputEnd else { return }
    writePixels(
      FullyConnected.shifted(job.epilogue, job.outputStart),
      Source(job.output + job.outputStart), job.outputStride, job.output + job.outputStart,
      job.outputStride, 0, rows: job.rows, channels: job.outputEnd &- job.outputStart)
  }

  /// Adds up to four rows of weights, each times a factor.
  @inline(never)
  static func addRows(
    _ w: Source, _ k: Int, _ factors: Source, _ count: Int, into out: Destination, length: Int,
    isFirst: Bool
  ) {
    let f0 = splat(factors[0])
    let f1 = splat(count > 1 ? factors[1] : 0)
    let f2 = splat(count > 2 ? factors[2] : 0)
    let f3 = splat(count > 3 ? factors[3] : 0)
    var j = 0
    while j < length {
      let n = length &- j
      var v = isFirst ? splat(0) : loadUpTo(Source(out + j), n)
      v = fma(v, f0, loadUpTo(w + j, n))
      if count > 1 { v = fma(v, f1, loadUpTo(w + (k &+ j), n)) }
      if count > 2 { v = fma(v, f2, loadUpTo(w + (2 &* k &+ j), n)) }
      if count > 3 { v = fma(v, f3, loadUpTo(w + (3 &* k &+ j), n)) }
      storeUpTo(v, out + j, n)
      j &+= W
    }
  }

  /// The cotangents of the image of a maximum pooling, channels `channelStart ..< channelEnd` of
  /// the job: a window's goes to its first number that is the largest, or no number.
  ///
  /// The job has the sizes of the pooling, but its input is the cotangent and its output the
  /// cotangent of the image.
  ///
  /// - Parameters:
  ///   - job: The job.
  ///   - image: What was pooled.
  ///   - imageStride: Floats from one of its pixels to the next.
  ///   - largest: The result of the pooling.
  ///   - largestStride: Floats from one of its pixels to the next.
  package static func maximumPool(
    _ job: ConvolutionJob, image: UnsafePointer<Float>, imageStride: Int,
    largest: UnsafePointer<Float>, largestStride: Int
  ) {
    clear(job)
    forEachWindow(job) { window in
      var c = job.channelStart
      while c < job.channelEnd {
        let n = job.channelEnd &- c
        let top = loadUpTo(largest + (window.position &* largestStride &+ c), n)
        var open = loadUpTo(job.input + (window.position &* job.inputStride &+ c), n)
        var y = window.y0
        while y < window.y1 {
          var x = window.x0
          while x < window.x1 {
            let pixel = y &* job.shape.inputWidth &+ x
            let v = loadUpTo(image + (pixel &* imageStride &+ c), n)
            let wins = (v .== top) .| (v .!= v)
            let target = job.output + (pixel &* job.outputStride &+ c)
            storeUpTo(
              loadUpTo(Source(target), n) + splat(0).replacing(with: open, where: wins), target, n)
            open = open.replacing(with: splat(0), where: wins)
            x &+= 1
          }
          y &+= 1
        }
        c &+= W
      }
    }
  }

  /// The cotangents of the image of an average pooling, channels `channelStart ..< channelEnd` of
  /// the job, which is that of a maximum pooling.
  package static func averagePool(_ job: ConvolutionJob, countsPadding: Bool) {
    clear(job)
    let s = job.shape
    forEachWindow(job) { window in
      let count =
        countsPadding
        ? s.kernelHeight &* s.kernelWidth
        : (window.y1 &- window.y0) &* (window.x1 &- window.x0)
      let share = splat(1 / Float(count))
      var c = job.channelStart
      while c < job.channelEnd {
        let n = job.channelEnd &- c
        let v = loadUpTo(job.input + (window.position &* job.inputStride &+ c), n) * share
        var y = window.y0
        while y < window.y1 {
          var x = window.x0
          while x < window.x1 {
            let target = job.output + ((y &* s.inputWidth &+ x) &* job.outputStride &+ c)
            storeUpTo(loadUpTo(Source(target), n) + v, target, n)
            x &+= 1
          }
          y &+= 1
        }
        c &+= W
      }
    }
  }

  /// A window's number, and the pixels of the image under it.
  struct Window {
    var position: Int
    var y0: Int
    var y1: Int
    var x0: Int
    var x1: Int
  }

  /// Visits the windows of a job in row-major order.
  @inline(always)
  static func forEachWindow(_ job: ConvolutionJob, _ body: (Window) -> Void) {
    let s = job.shape
    var y = 0
    while y < s.outputHeight {
      let top = y &* s.strideHeight &- s.paddingTop
      let bottom = top &+ s.kernelHeight
      var x = 0
      while x < s.outputWidth {
        let left = x &* s.strideWidth &- s.paddingLeft
        let right = left &+ s.kernelWidth
        body(
          Window(
            position: y &* s.outputWidth &+ x, y0: top < 0 ? 0 : top,
            y1: bottom > s.inputHeight ? s.inputHeight : bottom, x0: left < 0 ? 0 : left,
            x1: right > s.inputWidth ? s.inputWidth : right))
        x &+= 1
      }
      y &+= 1
    }
  }

  /// Writes zeros to the channels of the image's cotangent.
  @inline(always)
  static func clear(_ job: ConvolutionJob) {
    let pixels = job.shape.inputHeight &* job.shape.inputWidth
    var p = 0
    while p < pixels {
      fillZeros(
        job.output + (p &* job.outputStride &+ job.channelStart),
        job.channelEnd &- job.channelStart)
      p &+= 1
    }
  }

  /// The sum over all pixels of the products of two images, for the channels
  /// `channelStart ..< channelEnd`.
  ///
  /// Pixel `p` is added to partial sum `p mod 4`, ascending; the four are added in pairs.
  package static func channelProducts(
    _ a: UnsafePointer<Float>, stride: Int, _ b: UnsafePointer<Float>, otherStride: Int,
    pixels: Int, channelStart: Int, channelEnd: Int, output: UnsafeMutablePointer<Float>
  ) {
    var c = channelStart
    while c < channelEnd {
      let n = channelEnd &- c
      var s0 = splat(0), s1 = splat(0), s2 = splat(0), s3 = splat(0)
      var p = 0
      while p < pixels {
        let q = a + (p &* stride &+ c)
        let r = b + (p &* otherStride &+ c)
        s0 = fma(s0, loadUpTo(q, n), loadUpTo(r, n))
        if p &+ 1 < pixels {
          s1 = fma(s1, loadUpTo(q + stride, n), loadUpTo(r + otherStride, n))
        }
        if p &+ 2 < pixels {
          s2 = fma(s2, loadUpTo(q + 2 &* stride, n), loadUpTo(r + 2 &* otherStride, n))
        }
        if p &+ 3 < pixels {
          s3 = fma(s3, loadUpTo(q + 3 &* stride, n), loadUpTo(r + 3 &* otherStride, n))
        }
        p &+= 4
      }
      storeUpTo((s0 + s1) + (s2 + s3), output + c, n)
      c &+= W
    }
  }

  /// Writes one row, times a factor, to every row.
  package static func spread(
    _ input: UnsafePointer<Float>, factor: Float, into output: UnsafeMutablePointer<Float>,
    outputStride: Int, rows: Int, channels: Int
  ) {
    var row = 0
    while row < rows {
      let q = output + row &* outputStride
      var j = 0
      while j < channels {
        let n = channels &- j
        storeUpTo(loadUpTo(input + j, n) * splat(factor), q + j, n)
        j &+= W
      }
      row &+= 1
    }
  }
}
