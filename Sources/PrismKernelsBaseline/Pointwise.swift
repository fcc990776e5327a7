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

  /// Computes the rows and panels of a job, block after block of rows.
  ///
  /// Many input channels are taken in parts, so that panels are read once for many rows; the sums over
  /// a part wait in the scratch, a panel after the other, and the chain of an output stays the same.
  package static func run(_ job: PointwiseJob) {
    let k = job.inputChannels
    let n = job.outputChannels
    let panels = TileShape.panels(n)
    let last = job.panelEnd < panels ? job.panelEnd : panels
    let copies =
      job.prologue.scale != nil || job.prologue.shift != nil || job.prologue.relu
      || collides(job.inputStride, n)
    let isDeep =
      Self.isDeep(k, n) && job.scratch != nil && (job.rowEnd &- job.rowStart) &* k > 64 &* 1024
    let depth = isDeep ? Self.depth(k) : k
    let most = isDeep ? deepRows(k) : blockRows(k)
    let copy = job.scratch.map { $0 + (isDeep ? most &* panels &* TileShape.panelWidth : 0) }
    var row = job.rowStart
    while row < job.rowEnd {
      let rest = job.rowEnd &- row
      // A rest just above one block is halved, so that no block ends up thin.
      let rows = rest <= most ? rest : (rest < 2 &* most ? (rest &+ 1) / 2 : most)
      var first = 0
      while first < k {
        let length = k &- first < depth ? k &- first : depth
        var a = job.input + (row &* job.inputStride &+ first)
        var lda = job.inputStride
        if copies, let copy {
          lda = scratchStride(depth)
          copyPixels(
            advanced(job.prologue, channel: first), a, job.inputStride, copy, lda, rows: rows,
            channels: length)
          a = Source(copy)
        }
        var panel = job.panelStart
        while panel < last {
          multiply(
            job, a, lda, row: row, rows: rows, first: first, length: length, panel: panel)
          panel &+= 1
        }
        first &+= length
      }
      row &+= rows
    }
  }

  /// Multiplies a part of the channels of some rows by that of a panel.
  @inline(always)
  static func multiply(
    _ job: PointwiseJob, _ a: Source, _ lda: Int, row: Int, rows: Int, first: Int, length: Int,
    panel: Int
  ) {
    let (k, n) = (job.inputChannels, job.outputChannels)
    let width = TileShape.panelWidth
    let column = panel &* width
    let columns = n &- column < width ? n &- column : width
    let isLast = first &+ length == k
    // Where the sums of parts wait; without parts nothing reads or writes them.
    let sums = job.scratch.map { $0 + (panel &- job.panelStart) &* rows &* width }
    let residual = offset(job.epilogue.residual, row &* job.epilogue.residualStride &+ column)
    let output = job.output + (row &* job.outputStride &+ column)
    let panels = job.weights + TileShape.padded(n)
    var tile = TileJob(
      segments: 1, length: length, segmentStride: 0, a: a, lda: lda,
      b: panels + (column &* k &+ first &* columns), bias: job.weights + column, c: output,
      ldc: job.outputStride, ldr: job.epilogue.residualStride, ahead: job.weights,
      low: splat(-.infinity), high: splat(.infinity))
    if first > 0, let sums {
      tile.sums = Source(sums)
      tile.lds = width
    }
    var finish = Finish()
    if isLast {
      tile.residual = job.epilogue.residualAfterActivation ? nil : residual
      tile.low = splat(job.epilogue.low)
      tile.high = splat(job.epilogue.high)
      finish = Finish(job.epilogue, residual: residual, row: row, channel: column)
    } else if let sums {
      tile.c = sums
      tile.ldc = width
    }
    // What is read next is the same part of the next panel.
    let next =
      length < k && column &+ 2 &* width <= n
      ? panels + ((column &+ width) &* k &+ first &* width) : nil
    runPanel(tile, rows: rows, columns: columns, finish: finish, next: next)
  }

  // MARK: - Blocks

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
