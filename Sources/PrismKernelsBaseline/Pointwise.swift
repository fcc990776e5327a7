// Products of pixels and weights: convolutions with a 1x1 kernel.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// The product of pixels with packed weights.
package enum Pointwise {
  /// Returns the output channels in one panel; a split over panels is a split at its multiples.
  package static func panelWidth() -> Int { TileShape.panelWidth }

  /// Returns the panels of `outputChannels` channels.
  package static func panels(outputChannels: Int) -> Int { TileShape.panels(outputChannels) }

  /// Returns the floats that `pack` writes.
  package static func packedSize(inputChannels: Int, outputChannels: Int) -> Int {
    TileShape.padded(outputChannels) &* (inputChannels &+ 1)
  }

  /// Packs weights and bias: first the bias, then panel after panel `[K, panel width]`, padded with
  /// zeros to whole vectors.
  ///
  /// The weight of input channel `k` for output channel `n` is at `k * inputStep + n * outputStep`;
  /// the bias is `[N]`, or nil for zero.
  package static func pack(
    weights: UnsafePointer<Float>, inputStep: Int, outputStep: Int, bias: UnsafePointer<Float>?,
    inputChannels: Int, outputChannels: Int, into packed: UnsafeMutablePointer<Float>
  ) {
    let padded = TileShape.padded(outputChannels)
    packBias(bias, outputChannels, packed)
    packPanels(
      weights, inputStep, outputStep, inputChannels, outputChannels, packed + padded,
      TileShape.panelWidth &* inputChannels)
  }

  /// Returns the floats of scratch that one thread needs for a job.
  ///
  /// It is zero unless the job has a prologue or its input rows are a multiple of 4 KiB apart: then
  /// the rows of a tile would push one another out of the first-level cache, and a block of them is
  /// copied first.
  package static func scratchSize(
    inputChannels: Int, inputStride: Int, outputChannels: Int, hasPrologue: Bool
  ) -> Int {
    hasPrologue || collides(inputStride, outputChannels)
      ? blockRows(inputChannels) &* scratchStride(inputChannels) : 0
  }

  /// Computes the rows and panels of a job.
  package static func run(_ job: PointwiseJob) {
    let k = job.inputChannels
    let n = job.outputChannels
    let panels = TileShape.panels(n)
    let last = job.panelEnd < panels ? job.panelEnd : panels
    let padded = TileShape.padded(n)
    let copies =
      job.prologue.scale != nil || job.prologue.shift != nil || job.prologue.relu
      || collides(job.inputStride, n)
    let block = blockRows(k)
    var row = job.rowStart
    while row < job.rowEnd {
      let rest = job.rowEnd &- row
      // A rest just above one block is halved, so that no block ends up thin.
      let rows = rest <= block ? rest : (rest < 2 &* block ? (rest &+ 1) / 2 : block)
      var a = job.input + row &* job.inputStride
      var lda = job.inputStride
      if copies, let scratch = job.scratch {
        lda = scratchStride(k)
        applyPrologue(job.prologue, a, job.inputStride, scratch, lda, rows: rows, channels: k)
        a = Source(scratch)
      }
      var panel = job.panelStart
      while panel < last {
        let column = panel &* TileShape.panelWidth
        let columns = n &- column < TileShape.panelWidth ? n &- column : TileShape.panelWidth
        let residual = offset(
          job.epilogue.residual, row &* job.epilogue.residualStride &+ column)
        let tile = TileJob(
          segments: 1, length: k, segmentStride: 0, a: a, lda: lda,
          b: job.weights + (padded &+ column &* k), bias: job.weights + column,
          c: job.output + (row &* job.outputStride &+ column), ldc: job.outputStride,
          residual: job.epilogue.residualAfterActivation ? nil : residual,
          ldr: job.epilogue.residualStride, ahead: job.weights, low: splat(job.epilogue.low),
          high: splat(job.epilogue.high))
        runPanel(
          tile, rows: rows, columns: columns,
          finish: Finish(job.epilogue, residual: residual, row: row, channel: column))
        panel &+= 1
      }
      row &+= rows
    }
  }

  /// Rows of pixels that stay in the second-level cache while all panels pass over them; of many
  /// channels, whose weights are large, enough for a map of 7x7 pixels.
  @inline(always)
  static func blockRows(_ k: Int) -> Int {
    let rows = 48 &* 1024 / k
    if rows < 60 { return 128 &* 1024 / k < 60 ? 24 : 60 }
    return rows > 480 ? 480 : rows / 12 &* 12
  }

  /// Whether rows of the input fall on the same lines of the first-level cache, and copying them
  /// pays.
  @inline(always)
  static func collides(_ stride: Int, _ n: Int) -> Bool { stride & 1023 == 0 && n > 2 &* W }

  /// Floats between two rows in the scratch: never a multiple of 4 KiB.
  @inline(always)
  static func scratchStride(_ k: Int) -> Int { TileShape.padded(k) &+ 16 }
}
