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
  /// It is zero unless the job has a prologue, its input rows are a multiple of 4 KiB apart, or its
  /// channels are many. Rows that are such a multiple apart would push one another out of the
  /// first-level cache, and a block of them is copied first; of many channels the sums over a part
  /// wait there.
  package static func scratchSize(
    inputChannels k: Int, inputStride: Int, outputChannels n: Int, hasPrologue: Bool
  ) -> Int {
    let copies = hasPrologue || collides(inputStride, n)
    let whole = copies ? blockRows(k) &* scratchStride(k) : 0
    if !isDeep(k, n) { return whole }
    let sums = TileShape.panels(n) &* TileShape.panelWidth
    let parts = deepRows(k) &* (sums &+ (copies ? scratchStride(depth(k)) : 0))
    return parts > whole ? parts : whole
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
    if isDeep(k, n), let scratch = job.scratch, (job.rowEnd &- job.rowStart) &* k > 64 &* 1024 {
      return runDeep(job, copies: copies, scratch)
    }
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

  // MARK: - Many channels

  /// Whether channels are so many that they are taken in parts.
  @inline(always)
  static func isDeep(_ k: Int, _ n: Int) -> Bool { k > 512 && n % W == 0 }

  /// Channels in a part.
  @inline(always)
  static func depth(_ k: Int) -> Int {
    let parts = (k &+ 319) / 320
    return ((k &+ parts &- 1) / parts &+ 15) / 16 &* 16
  }

  /// Rows of which a part of the channels stays in the second-level cache.
  @inline(always)
  static func deepRows(_ k: Int) -> Int { 64 &* 1024 / depth(k) / 12 &* 12 }

  /// Computes a job part after part of the input channels, so that few rows' worth of them pass over
  /// all panels, and these are read once for many rows.
  ///
  /// Sums wait in the scratch, a panel after the other: the chain of an output is the same as without
  /// parts.
  static func runDeep(_ job: PointwiseJob, copies: Bool, _ scratch: Destination) {
    let k = job.inputChannels
    let n = job.outputChannels
    let last = job.panelEnd < TileShape.panels(n) ? job.panelEnd : TileShape.panels(n)
    let padded = TileShape.padded(n)
    let depth = depth(k)
    let most = deepRows(k)
    let blocks = (job.rowEnd &- job.rowStart &+ most &- 1) / most
    var row = job.rowStart
    var block = 0
    while block < blocks {
      let rows = (job.rowEnd &- row) / (blocks &- block)
      let copy = scratch + most &* TileShape.panels(n) &* TileShape.panelWidth
      var first = 0
      while first < k {
        let length = k &- first < depth ? k &- first : depth
        let isLast = first &+ length == k
        var a = job.input + (row &* job.inputStride &+ first)
        var lda = job.inputStride
        if copies {
          lda = scratchStride(depth)
          copyPixels(
            advanced(job.prologue, channel: first), a, job.inputStride, copy, lda, rows: rows,
            channels: length)
          a = Source(copy)
        }
        var sums = scratch
        var panel = job.panelStart
        while panel < last {
          let column = panel &* TileShape.panelWidth
          let columns = n &- column < TileShape.panelWidth ? n &- column : TileShape.panelWidth
          let residual = offset(
            job.epilogue.residual, row &* job.epilogue.residualStride &+ column)
          let next = column &+ TileShape.panelWidth
          let tile = TileJob(
            segments: 1, length: length, segmentStride: 0, a: a, lda: lda,
            b: job.weights + (padded &+ column &* k &+ first &* columns),
            bias: job.weights + column,
            c: isLast ? job.output + (row &* job.outputStride &+ column) : sums,
            ldc: isLast ? job.outputStride : TileShape.panelWidth,
            residual: isLast && !job.epilogue.residualAfterActivation ? residual : nil,
            ldr: job.epilogue.residualStride, sums: first > 0 ? Source(sums) : nil,
            lds: TileShape.panelWidth, ahead: job.weights,
            low: splat(isLast ? job.epilogue.low : -.infinity),
            high: splat(isLast ? job.epilogue.high : .infinity))
          runPanel(
            tile, rows: rows, columns: columns,
            finish: isLast
              ? Finish(job.epilogue, residual: residual, row: row, channel: column) : Finish(),
            next: next &+ TileShape.panelWidth <= n
              ? job.weights + (padded &+ next &* k &+ first &* TileShape.panelWidth) : nil)
          sums += rows &* TileShape.panelWidth
          panel &+= 1
        }
        first &+= length
      }
      row &+= rows
      block &+= 1
    }
  }

  // MARK: - Blocks

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
