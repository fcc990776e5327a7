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
    bandHeight(shape, blockRows(shape)) &* bandWidth(shape) &* shape.inputChannels
  }

  /// Computes the output rows `rowStart ..< rowEnd` of one image.
  ///
  /// An output is the chain over kernel rows, kernel columns and input channels that starts with
  /// the bias; taps outside the image multiply zeros.
  package static func run(_ job: ConvolutionJob) {
    let s = job.shape
    let channels = s.inputChannels
    let n = s.outputChannels
    let padded = TileShape.padded(n)
    let k = s.kernelHeight &* s.kernelWidth &* channels
    let panels = TileShape.panels(n)
    let block = blockRows(s)
    let direct =
      s.paddingTop | s.paddingLeft | s.paddingBottom | s.paddingRight == 0
      && job.inputStride == channels && job.prologue.scale == nil && job.prologue.shift == nil
      && !job.prologue.relu
    let rowFloats = (direct ? s.inputWidth : bandWidth(s)) &* channels
    var y = job.rowStart
    while y < job.rowEnd {
      let rest = job.rowEnd &- y
      let rows = rest < block ? rest : block
      let a: Source
      if direct {
        a = job.input + y &* s.strideHeight &* rowFloats
      } else {
        guard let scratch = job.scratch else { return }
        fillBand(job, firstRow: y &* s.strideHeight &- s.paddingTop, rows: rows, scratch)
        a = Source(scratch)
      }
      var panel = 0
      while panel < panels {
        let column = panel &* TileShape.panelWidth
        let rest = n &- column
        var columns = rest < TileShape.panelWidth ? rest : TileShape.panelWidth
        // Whole vectors need no detour; the weights behind the last channel are zero.
        if padded &- n <= job.spareChannels && columns < TileShape.panelWidth {
          columns = padded &- column
        }
        var row = 0
        while row < rows {
          let pixel = (y &+ row) &* s.outputWidth
          let residual = offset(
            job.epilogue.residual, pixel &* job.epilogue.residualStride &+ column)
          let tile = TileJob(
            segments: s.kernelHeight, length: s.kernelWidth &* channels, segmentStride: rowFloats,
            a: a + row &* s.strideHeight &* rowFloats, lda: s.strideWidth &* channels,
            b: job.weights + (padded &+ column &* k), bias: job.weights + column,
            c: job.output + (pixel &* job.outputStride &+ column), ldc: job.outputStride,
            residual: job.epilogue.residualAfterActivation ? nil : residual,
            ldr: job.epilogue.residualStride, low: splat(job.epilogue.low),
            high: splat(job.epilogue.high))
          runPanel(
            tile, rows: s.outputWidth, columns: columns,
            finish: Finish(job.epilogue, residual: residual))
          row &+= 1
        }
        panel &+= 1
      }
      y &+= rows
    }
  }

  /// Output rows for which the padded input rows stay in the second-level cache.
  @inline(always)
  static func blockRows(_ s: ConvolutionShape) -> Int {
    let row = bandWidth(s) &* s.inputChannels &* s.strideHeight
    let rows = 48 &* 1024 / row
    return rows < 1 ? 1 : (rows > s.outputHeight ? s.outputHeight : rows)
  }

  /// Columns of a padded input row.
  @inline(always)
  static func bandWidth(_ s: ConvolutionShape) -> Int {
    s.inputWidth &+ s.paddingLeft &+ s.paddingRight
  }

  /// Input rows under some output rows.
  @inline(always)
  static func bandHeight(_ s: ConvolutionShape, _ rows: Int) -> Int {
    (rows &- 1) &* s.strideHeight &+ s.kernelHeight
  }

  /// Copies the input rows under some output rows, with the zeros of the padding around them.
  @inline(never)
  static func fillBand(_ job: ConvolutionJob, firstRow: Int, rows: Int, _ band: Destination) {
    let s = job.shape
    let channels = s.inputChannels
    let width = bandWidth(s) &* channels
    let height = bandHeight(s, rows)
    var i = 0
    while i < height {
      let y = firstRow &+ i
      let row = band + i &* width
      if y < 0 || y >= s.inputHeight {
        fillZeros(row, width)
      } else {
        fillZeros(row, s.paddingLeft &* channels)
        fillZeros(row + (s.paddingLeft &+ s.inputWidth) &* channels, s.paddingRight &* channels)
        copyPixels(
          job.prologue, job.input + y &* s.inputWidth &* job.inputStride, job.inputStride,
          row + s.paddingLeft &* channels, channels, rows: s.inputWidth, channels: channels)
      }
      i &+= 1
    }
  }
}
