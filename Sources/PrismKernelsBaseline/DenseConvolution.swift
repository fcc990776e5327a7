// Dense convolution without im2col: a kernel row over contiguous pixels is one run of numbers.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Dense convolution of any kernel, stride and padding over `[H, W, I]`.
package enum DenseConvolution {
  /// Returns the floats that `pack` writes.
  package static func packedSize(_ shape: ConvolutionShape) -> Int {
    TileShape.padded(shape.outputChannels)
      &* (shape.kernelHeight &* shape.kernelWidth &* shape.inputChannels &+ 1)
  }

  /// Packs `[O, I, kH, kW]` weights: the bias, then panels `[kH, kW, I, panel width]`; a missing
  /// bias is zero.
  package static func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, shape: ConvolutionShape,
    into packed: UnsafeMutablePointer<Float>
  ) {
    let n = shape.outputChannels
    let inputs = shape.inputChannels
    let taps = shape.kernelHeight &* shape.kernelWidth
    packBias(bias, n, packed)
    let padded = TileShape.padded(n)
    var target = packed + padded
    var column = 0
    while column < padded {
      let width = padded &- column < TileShape.panelWidth ? W : TileShape.panelWidth
      var t = 0
      while t < taps {
        var i = 0
        while i < inputs {
          var j = 0
          while j < width {
            let channel = column &+ j
            target[j] = channel < n ? weights[(channel &* inputs &+ i) &* taps &+ t] : 0
            j &+= 1
          }
          target += width
          i &+= 1
        }
        t &+= 1
      }
      column &+= width
    }
  }

  /// Returns the floats of scratch that one thread needs.
  package static func scratchSize(_ shape: ConvolutionShape) -> Int {
    isSampled(shape)
      ? sampledRows(shape) &* shape.outputWidth &* Pointwise.scratchStride(shape.inputChannels)
      : bandHeight(shape, blockRows(shape)) &* bandWidth(shape) &* shape.inputChannels
  }

  /// Computes the output rows `rowStart ..< rowEnd`, columns `columnStart ..< columnEnd` and panels
  /// from the channel `channelStart` to `channelEnd` of one image.
  ///
  /// An output is the chain over kernel rows, kernel columns and input channels that starts with
  /// the bias; taps outside the image multiply zeros.
  package static func run(_ job: ConvolutionJob) {
    let s = job.shape
    if isSampled(s) { return runSampled(job) }
    let channels = s.inputChannels
    let n = s.outputChannels
    let padded = TileShape.padded(n)
    let k = s.kernelHeight &* s.kernelWidth &* channels
    // A panel that is too large for the second-level cache is taken a kernel row after the other by all
    // rows; the sums wait in the output.
    let isLarge = k &* TileShape.panelWidth > 64 &* 1024
    let parts = isLarge && n % W == 0 && job.epilogue.residual == nil ? s.kernelHeight : 1
    let block = blockRows(s)
    let direct =
      s.paddingTop | s.paddingLeft | s.paddingBottom | s.paddingRight == 0
      && job.inputStride == channels && job.prologue.scale == nil && job.prologue.shift == nil
      && !job.prologue.relu
    // The columns of the padded input under those of the output.
    let first = job.columnStart &* s.strideWidth
    let columnCount = columnEnd(job) &- job.columnStart
    let across = (columnCount &- 1) &* s.strideWidth &+ s.kernelWidth
    let rowFloats = (direct ? s.inputWidth : across) &* channels
    var y = job.rowStart
    while y < job.rowEnd {
      let rest = job.rowEnd &- y
      let rows = rest < block ? rest : block
      let a: Source
      if direct {
        a = job.input + (y &* s.strideHeight &* rowFloats &+ first &* channels)
      } else {
        guard let scratch = job.scratch else { return }
        fillBand(
          job, firstRow: y &* s.strideHeight &- s.paddingTop, rows: rows,
          firstColumn: first &- s.paddingLeft, columns: across, scratch)
        a = Source(scratch)
      }
      var panel = job.channelStart / TileShape.panelWidth
      while panel < lastPanel(job) {
        let column = panel &* TileShape.panelWidth
        let rest = n &- column
        var columns = rest < TileShape.panelWidth ? rest : TileShape.panelWidth
        let width = columns > W ? TileShape.panelWidth : W
        // Whole vectors need no detour; the weights behind the last channel are zero.
        if padded &- n <= job.spareChannels && columns < TileShape.panelWidth
          && !TileShape.isPaired(columns)
        {
          columns = padded &- column
        }
        var part = 0
        while part < parts {
          let isLast = part &+ 1 == parts
          let segments = s.kernelHeight / parts
          var row = 0
          var fetched = 0
          while row < rows {
            let pixel = (y &+ row) &* s.outputWidth &+ job.columnStart
            let residual = offset(
              job.epilogue.residual, pixel &* job.epilogue.residualStride &+ column)
            let length = s.kernelWidth &* channels
            let c = job.output + (pixel &* job.outputStride &+ column)
            let tile = TileJob(
              segments: segments, length: length, segmentStride: rowFloats,
              a: a + (row &* s.strideHeight &+ part &* segments) &* rowFloats,
              lda: s.strideWidth &* channels,
              b: job.weights
                + (padded &+ column &* k &+ part &* segments &* length &* width),
              bias: job.weights + column,
              c: c, ldc: job.outputStride,
              residual: job.epilogue.residualAfterActivation ? nil : residual,
              ldr: job.epilogue.residualStride, sums: part > 0 ? Source(c) : nil,
              lds: job.outputStride, ahead: job.weights,
              low: splat(isLast ? job.epilogue.low : -.infinity),
              high: splat(isLast ? job.epilogue.high : .infinity))
            fetched = runPanel(
              tile, rows: columnCount, columns: columns,
              finish: isLast
                ? Finish(job.epilogue, residual: residual, row: pixel, channel: column) : Finish(),
              fetched: fetched)
            row &+= 1
          }
          part &+= 1
        }
        panel &+= 1
      }
      y &+= rows
    }
  }

  // MARK: - Kernels of one pixel

  /// Whether a convolution takes some pixels as they are, a product of these with the weights, and
  /// rows of them are so short that copying them pays.
  @inline(always)
  static func isSampled(_ s: ConvolutionShape) -> Bool {
    s.kernelHeight &* s.kernelWidth == 1 && s.strideHeight &* s.strideWidth > 1
      && s.outputWidth <= 14
  }

  /// Output rows that are computed at a time.
  @inline(always)
  static func sampledRows(_ s: ConvolutionShape) -> Int {
    let rows = Pointwise.blockRows(s.inputChannels) / s.outputWidth
    return rows < 1 ? 1 : (rows > s.outputHeight ? s.outputHeight : rows)
  }

  /// Copies the pixels that count, some rows at a time, and multiplies them by all panels.
  static func runSampled(_ job: ConvolutionJob) {
    guard let scratch = job.scratch else { return }
    let s = job.shape
    let n = s.outputChannels
    let lda = Pointwise.scratchStride(s.inputChannels)
    let across = columnEnd(job) &- job.columnStart
    // Rows of pixels without gaps are one long row.
    let most = across == s.outputWidth ? sampledRows(s) : 1
    var y = job.rowStart
    while y < job.rowEnd {
      let rest = job.rowEnd &- y
      let rows = rest < most ? rest : most
      var row = 0
      while row < rows {
        let pixel =
          (y &+ row) &* s.strideHeight &* s.inputWidth &+ job.columnStart &* s.strideWidth
        copyPixels(
          job.prologue, job.input + pixel &* job.inputStride, s.strideWidth &* job.inputStride,
          scratch + row &* across &* lda, lda, rows: across, channels: s.inputChannels)
        row &+= 1
      }
      let pixel = y &* s.outputWidth &+ job.columnStart
      var panel = job.channelStart / TileShape.panelWidth
      while panel < lastPanel(job) {
        let column = panel &* TileShape.panelWidth
        let rest = n &- column
        let residual = offset(
          job.epilogue.residual, pixel &* job.epilogue.residualStride &+ column)
        let tile = TileJob(
          segments: 1, length: s.inputChannels, segmentStride: 0, a: Source(scratch), lda: lda,
          b: job.weights + (TileShape.padded(n) &+ column &* s.inputChannels),
          bias: job.weights + column,
          c: job.output + (pixel &* job.outputStride &+ column), ldc: job.outputStride,
          residual: job.epilogue.residualAfterActivation ? nil : residual,
          ldr: job.epilogue.residualStride, ahead: job.weights, low: splat(job.epilogue.low),
          high: splat(job.epilogue.high))
        runPanel(
          tile, rows: rows &* across,
          columns: rest < TileShape.panelWidth ? rest : TileShape.panelWidth,
          finish: Finish(job.epilogue, residual: residual, row: pixel, channel: column))
        panel &+= 1
      }
      y &+= rows
    }
  }

  // MARK: - Blocks

  /// The panel after the last one that is computed.
  @inline(always)
  static func lastPanel(_ job: ConvolutionJob) -> Int {
    job.channelEnd < job.shape.outputChannels
      ? job.channelEnd / TileShape.panelWidth : TileShape.panels(job.shape.outputChannels)
  }

  /// Output rows for which the padded input rows stay in the second-level cache.
  @inline(always)
  static func blockRows(_ s: ConvolutionShape) -> Int {
    let row = bandWidth(s) &* s.inputChannels &* s.strideHeight
    // More where the weights are so many that it counts how often they pass.
    let weights = s.kernelHeight &* s.kernelWidth &* s.inputChannels &* s.outputChannels
    let rows = (weights > 1 << 20 ? 128 : 48) &* 1024 / row
    return rows < 1 ? 1 : (rows > s.outputHeight ? s.outputHeight : rows)
  }

  /// Columns of a padded input row, at most.
  @inline(always)
  static func bandWidth(_ s: ConvolutionShape) -> Int {
    s.inputWidth &+ s.paddingLeft &+ s.paddingRight
  }

  /// Input rows under some output rows.
  @inline(always)
  static func bandHeight(_ s: ConvolutionShape, _ rows: Int) -> Int {
    (rows &- 1) &* s.strideHeight &+ s.kernelHeight
  }

  /// Copies the input under some output rows and columns, with the zeros of the padding around it.
  @inline(never)
  static func fillBand(
    _ job: ConvolutionJob, firstRow: Int, rows: Int, firstColumn: Int, columns: Int,
    _ band: Destination
  ) {
    let s = job.shape
    let channels = s.inputChannels
    let width = columns &* channels
    let height = bandHeight(s, rows)
    // The columns inside the image.
    let left = firstColumn < 0 ? 0 &- firstColumn : 0
    let rest = s.inputWidth &- firstColumn
    let right = rest < columns ? rest : columns
    var i = 0
    while i < height {
      let y = firstRow &+ i
      let row = band + i &* width
      if y < 0 || y >= s.inputHeight {
        fillZeros(row, width)
      } else {
        fillZeros(row, left &* channels)
        fillZeros(row + right &* channels, (columns &- right) &* channels)
        copyPixels(
          job.prologue,
          job.input + (y &* s.inputWidth &+ firstColumn &+ left) &* job.inputStride,
          job.inputStride, row + left &* channels, channels, rows: right &- left,
          channels: channels)
      }
      i &+= 1
    }
  }
}
