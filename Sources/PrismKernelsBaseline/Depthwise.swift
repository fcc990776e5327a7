// Depthwise convolution: every channel has its own small kernel.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Depthwise convolution over `[H, W, C]`.
package enum Depthwise {
  /// Returns the floats that `pack` writes.
  package static func packedSize(channels: Int, kernelHeight: Int, kernelWidth: Int) -> Int {
    (kernelHeight &* kernelWidth &+ 1) &* channels
  }

  /// Packs `[C, kH, kW]` weights: first the bias, then `[kH, kW, C]`; a missing bias is zero.
  package static func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, channels: Int, kernelHeight: Int,
    kernelWidth: Int, into packed: UnsafeMutablePointer<Float>
  ) {
    let taps = kernelHeight &* kernelWidth
    var c = 0
    while c < channels {
      packed[c] = bias.map { $0[c] } ?? 0
      var t = 0
      while t < taps {
        packed[(t &+ 1) &* channels &+ c] = weights[c &* taps &+ t]
        t &+= 1
      }
      c &+= 1
    }
  }

  /// Computes the output rows `rowStart ..< rowEnd`, columns `columnStart ..< columnEnd` and
  /// channels `channelStart ..< channelEnd` of one image.
  ///
  /// An output is the chain over the taps inside the image, in row-major order, that starts with
  /// the bias.
  package static func run(_ job: ConvolutionJob) {
    let s = job.shape
    let last = job.channelEnd < s.inputChannels ? job.channelEnd : s.inputChannels
    let channels = last &- job.channelStart
    // What fits the second-level cache is done in blocks of channels, so that the input rows under
    // the kernel stay in the first level from one output row to the next. A larger image is read in
    // the order it lies in memory.
    let across = (columnEnd(job) &- job.columnStart &- 1) &* s.strideWidth &+ s.kernelWidth
    let width = across < s.inputWidth ? across : s.inputWidth
    let fitting = 6144 / (s.kernelHeight &* width) / 32 &* 32
    let rows = (job.rowEnd &- job.rowStart) &* s.strideHeight
    let isSmall = rows &* width &* channels <= 160 &* 1024
    let block = isSmall ? (fitting < 32 ? 32 : fitting) : channels
    var c = job.channelStart
    while c < last {
      let end = last &- c < block &+ W ? last : c &+ block
      var y = job.rowStart
      while y < job.rowEnd {
        runRow(job, y, c, end)
        y &+= 1
      }
      c = end
    }
  }

  @inline(always)
  static func runRow(_ job: ConvolutionJob, _ y: Int, _ first: Int, _ end: Int) {
    let s = job.shape
    let c = s.inputChannels
    let top = y &* s.strideHeight &- s.paddingTop
    let ky0 = top < 0 ? 0 &- top : 0
    let below = s.inputHeight &- top
    let ky1 = below < s.kernelHeight ? below : s.kernelHeight
    let output = job.output + (y &* s.outputWidth &* job.outputStride &+ first)
    let square = s.kernelWidth == s.kernelHeight && s.strideWidth == s.strideHeight
    let most = square ? depthwiseColumns(s.kernelWidth, s.strideWidth) : 0
    let rowStride = s.inputWidth &* job.inputStride
    let firstRow = job.input + ((top &+ ky0) &* rowStride &+ first)
    // A residual before the activation postpones the clamp to the second pass.
    let early = job.epilogue.residual == nil || job.epilogue.residualAfterActivation
    var row = DepthwiseRow(
      input: firstRow, inputStride: job.inputStride,
      weights: job.weights + ((1 &+ ky0 &* s.kernelWidth) &* c &+ first),
      bias: job.weights + first, output: output, outputStride: job.outputStride,
      channels: end &- first, weightStride: c, taps: ky1 &- ky0, rowStride: rowStride,
      low: splat(early ? job.epilogue.low : -.infinity),
      high: splat(early ? job.epilogue.high : .infinity))
    let last = columnEnd(job)
    var x = job.columnStart
    while x < last {
      let missing = s.paddingLeft &- x &* s.strideWidth
      row.output = output + x &* job.outputStride
      if most > 0 {
        let rest = last &- x
        let tiles = (rest &+ most &- 1) / most
        let count = (rest &+ tiles &- 1) / tiles
        row.input = firstRow - missing &* job.inputStride
        row.left = missing
        row.right = s.inputWidth &+ missing
        runDepthwiseTile(s.kernelWidth, s.strideWidth, count, row)
        x &+= count
      } else {
        let kx0 = missing < 0 ? 0 : missing
        let right = s.inputWidth &+ missing
        let kx1 = right < s.kernelWidth ? right : s.kernelWidth
        row.input = firstRow + (kx0 &- missing) &* job.inputStride
        depthwisePixel(row, kernelWidth: s.kernelWidth, first: kx0, columns: kx1 &- kx0, from: 0)
        x &+= 1
      }
    }
    finishRows(
      job.epilogue, output + job.columnStart &* job.outputStride, job.outputStride,
      firstRow: y &* s.outputWidth &+ job.columnStart, firstColumn: first,
      rows: last &- job.columnStart, columns: end &- first)
  }
}

/// The output column after the last one that a job computes.
@inline(always)
func columnEnd(_ job: ConvolutionJob) -> Int {
  job.columnEnd < job.shape.outputWidth ? job.columnEnd : job.shape.outputWidth
}

/// What the tiles of one output row share.
struct DepthwiseRow {
  /// The first input pixel under the kernel; for a tile at the left edge it may lie outside.
  var input: Source
  var inputStride: Int
  /// The weights of the first kernel row that is inside the image.
  var weights: Source
  var bias: Source
  var output: Destination
  var outputStride: Int
  var channels: Int
  /// Floats from the weights of one tap to those of the next.
  var weightStride: Int
  /// Kernel rows inside the image.
  var taps: Int
  var rowStride: Int
  var low: V
  var high: V
  /// The first column under the tile that is inside the image; less where it begins inside.
  var left = 0
  /// The column after the last one inside the image.
  var right = Int.max
}

/// Runs what the tiles leave of an epilogue over finished rows: residual, curve.
@inline(always)
func finishRows(
  _ epilogue: Epilogue, _ output: Destination, _ outputStride: Int, firstRow: Int,
  firstColumn: Int, rows: Int, columns: Int
) {
  let residual = offset(
    epilogue.residual, firstRow &* epilogue.residualStride &+ firstColumn)
  var finish = Finish(epilogue, residual: residual, row: firstRow, channel: firstColumn)
  finish.residual = residual
  finish.residualFirst = !epilogue.residualAfterActivation
  finish.low = epilogue.low
  finish.high = epilogue.high
  if finish.isNeeded { finish.run(output, outputStride, row: 0, rows: rows, columns: columns) }
}

/// Computes one pixel with the taps that are inside the image, four vectors of channels at a time.
@inline(never)
func depthwisePixel(
  _ row: DepthwiseRow, kernelWidth: Int, first: Int, columns: Int, from start: Int
) {
  let channels = row.channels
  let weightStride = row.weightStride
  let weights = row.weights + first &* weightStride
  var c = start
  while c &+ 4 &* W <= channels {
    var a0 = load(row.bias + c)
    var a1 = load(row.bias + (c &+ W))
    var a2 = load(row.bias + (c &+ 2 &* W))
    var a3 = load(row.bias + (c &+ 3 &* W))
    var ky = 0
    while ky < row.taps {
      var p = row.input + (ky &* row.rowStride &+ c)
      var w = weights + (ky &* kernelWidth &* weightStride &+ c)
      var kx = 0
      while kx < columns {
        a0 = fma(a0, load(p), load(w))
        a1 = fma(a1, load(p + W), load(w + W))
        a2 = fma(a2, load(p + 2 &* W), load(w + 2 &* W))
        a3 = fma(a3, load(p + 3 &* W), load(w + 3 &* W))
        p += row.inputStride
        w += weightStride
        kx &+= 1
      }
      ky &+= 1
    }
    let out = row.output + c
    store(minimum(maximum(a0, row.low), row.high), out)
    store(minimum(maximum(a1, row.low), row.high), out + W)
    store(minimum(maximum(a2, row.low), row.high), out + 2 &* W)
    store(minimum(maximum(a3, row.low), row.high), out + 3 &* W)
    c &+= 4 &* W
  }
  while c < channels {
    let n = channels &- c
    var a = loadUpTo(row.bias + c, n)
    var ky = 0
    while ky < row.taps {
      var p = row.input + (ky &* row.rowStride &+ c)
      var w = weights + (ky &* kernelWidth &* weightStride &+ c)
      var kx = 0
      while kx < columns {
        a = fma(a, loadUpTo(p, n), loadUpTo(w, n))
        p += row.inputStride
        w += weightStride
        kx &+= 1
      }
      ky &+= 1
    }
    storeUpTo(minimum(maximum(a, row.low), row.high), row.output + c, n)
    c &+= W
  }
}
