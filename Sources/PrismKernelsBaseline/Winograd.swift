// Convolution with a 3x3 kernel and stride 1 by Winograd's minimal filtering (Lavin and Gray,
// arXiv:1509.09308).

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Winograd convolution F(m x m, 3 x 3) for `m` 2 or 4.
///
/// A tile of `m x m` outputs needs `(m + 2)²` multiplications a channel pair instead of `9 m²`:
/// 2.25 times fewer for `m = 2`, 4 times for `m = 4`. The rounding error of `m = 2` is that of the
/// direct sum, that of `m = 4` six to ten times larger (relative RMS 2e-6 to 6e-6) at whole points,
/// and half of that at near ones. A job's `rowStart ..< rowEnd` are tiles in row-major order, of
/// the columns `columnStart ..< columnEnd` of tiles alone; the points of the job are those of its
/// packed weights.
package enum Winograd {
  /// Returns the tiles of an image.
  package static func tiles(_ shape: ConvolutionShape, m: Int) -> Int {
    columns(shape, m) &* ((shape.outputHeight &+ m &- 1) / m)
  }

  @inline(always)
  static func columns(_ shape: ConvolutionShape, _ m: Int) -> Int {
    (shape.outputWidth &+ m &- 1) / m
  }

  /// The columns of tiles among which a job's tiles are counted.
  @inline(always)
  static func columns(_ job: ConvolutionJob, _ m: Int) -> Int {
    let all = columns(job.shape, m)
    return (job.columnEnd < all ? job.columnEnd : all) &- job.columnStart
  }

  /// Returns the floats that `pack` writes.
  package static func packedSize(inputChannels: Int, outputChannels: Int, m: Int) -> Int {
    let padded = TileShape.padded(outputChannels)
    return padded &+ TileShape.panelWidth &+ (m &+ 2) &* (m &+ 2) &* padded &* inputChannels
  }

  /// Transforms and packs `[O, I, 3, 3]` weights.
  ///
  /// The layout is bias, a row of zeros, then for each of the `(m + 2)²` products its panels. Only
  /// the panels `panelStart ..< panelEnd` are written (and the bias with panel 0), so that threads
  /// can share the work.
  package static func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, inputChannels: Int,
    outputChannels: Int, m: Int, points: WinogradPoints = .whole, panelStart: Int, panelEnd: Int,
    into packed: UnsafeMutablePointer<Float>
  ) {
    let padded = TileShape.padded(outputChannels)
    let slice = padded &* inputChannels
    let start = packed + (padded &+ TileShape.panelWidth)
    if panelStart == 0 {
      packBias(bias, outputChannels, packed)
      fillZeros(packed + padded, TileShape.panelWidth)
    }
    let panels = TileShape.panels(outputChannels)
    var panel = panelStart
    while panel < (panelEnd < panels ? panelEnd : panels) {
      let column = panel &* TileShape.panelWidth
      let rest = padded &- column
      let width = rest < TileShape.panelWidth ? rest : TileShape.panelWidth
      var i = 0
      while i < inputChannels {
        var j = 0
        while j < width {
          let channel = column &+ j
          let missing = outputChannels &- channel
          transformWeights(
            weights + (channel &* inputChannels &+ i) &* 9, channelStep: inputChannels &* 9,
            channels: missing < W ? (missing < 0 ? 0 : missing) : W, m, points,
            start + (column &* inputChannels &+ i &* width &+ j), step: slice)
          j &+= W
        }
        i &+= 1
      }
      panel &+= 1
    }
  }

  /// Returns the tiles that `run` takes at a time.
  ///
  /// Few enough for the second-level cache when the transformed weights fit there as well; for many
  /// channels more, because the weights are then read from farther away once a block.
  package static func blockTiles(inputChannels: Int, outputChannels: Int, m: Int) -> Int {
    let wanted = inputChannels &* outputChannels / 1024
    return wanted < 24 ? 24 : (wanted > 96 ? 96 : wanted / 12 &* 12)
  }

  /// Returns the floats of scratch for `run`.
  package static func scratchSize(_ shape: ConvolutionShape, m: Int) -> Int {
    let points = (m &+ 2) &* (m &+ 2)
    let block = blockTiles(
      inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, m: m)
    return patchSize(shape, m: m)
      &+ points &* block
      &* (inputStride(shape.inputChannels) &+ outputStride(shape.outputChannels))
  }

  /// Computes the tiles of a job, block after block, all three phases by this thread.
  package static func run(_ job: ConvolutionJob, m: Int) {
    guard let scratch = job.scratch else { return }
    let s = job.shape
    let points = (m &+ 2) &* (m &+ 2)
    let block = blockTiles(inputChannels: s.inputChannels, outputChannels: s.outputChannels, m: m)
    let patch = patchSize(s, m: m)
    let v = scratch + patch
    let products = v + points &* block &* inputStride(s.inputChannels)
    var part = job
    var tile = job.rowStart
    while tile < job.rowEnd {
      let rest = job.rowEnd &- tile
      // A rest just above one block is halved.
      let count = rest <= block ? rest : (rest < 2 &* block ? (rest &+ 1) / 2 : block)
      part.rowStart = tile
      part.rowEnd = tile &+ count
      transformInput(part, m: m, into: v, capacity: block, slot: 0)
      multiply(
        s, m: m, weights: job.weights, input: Source(v), products: products, capacity: block,
        slotStart: 0, slotEnd: count, pointStart: 0, pointEnd: points)
      transformOutput(part, m: m, products: Source(products), capacity: block, slot: 0)
      tile &+= count
    }
  }

  /// Returns the floats of one transformed input buffer for `capacity` tiles.
  package static func inputBufferSize(inputChannels: Int, m: Int, capacity: Int) -> Int {
    (m &+ 2) &* (m &+ 2) &* capacity &* inputStride(inputChannels)
  }

  /// Returns the floats of one buffer of products for `capacity` tiles.
  package static func productBufferSize(outputChannels: Int, m: Int, capacity: Int) -> Int {
    (m &+ 2) &* (m &+ 2) &* capacity &* outputStride(outputChannels)
  }

  /// Returns the floats of scratch that the transforms of one thread need.
  package static func patchSize(_ shape: ConvolutionShape, m: Int) -> Int {
    let input = inputStride(shape.inputChannels)
    let output = outputStride(shape.outputChannels)
    return 36 &* W &+ 36 &* (input > output ? input : output)
  }

  /// First phase: transforms the input of the job's tiles into the slots from `slot` on.
  ///
  /// Tiles of several images can share a buffer, so that the weights are read once for all of them.
  package static func transformInput(
    _ job: ConvolutionJob, m: Int, into v: UnsafeMutablePointer<Float>, capacity: Int, slot: Int
  ) {
    guard let scratch = job.scratch else { return }
    let s = job.shape
    let size = m &+ 2
    let ldv = inputStride(s.inputChannels)
    let across = columns(job, m)
    let patch = scratch + 36 &* W
    let rowStride = s.inputWidth &* job.inputStride
    let gather =
      s.inputChannels < W || job.prologue.scale != nil || job.prologue.shift != nil
      || job.prologue.relu
    // Where the last vector of a pixel is not full, some of the next pixel is read with it, and used
    // by nobody; the last pixel has no next one.
    let height = s.inputHeight
    let width = s.inputChannels % W == 0 ? s.inputWidth : s.inputWidth &- 1
    var tile = job.rowStart
    while tile < job.rowEnd {
      let y = tile / across &* m &- s.paddingTop
      let x = (job.columnStart &+ tile % across) &* m &- s.paddingLeft
      let inside =
        y >= 0 && x >= 0 && y &+ size <= height && x &+ size <= s.inputWidth
        && (y &+ size < height || x &+ size <= width)
      let target = v + (slot &+ tile &- job.rowStart) &* ldv
      if inside && !gather {
        let p = job.input + (y &* rowStride &+ x &* job.inputStride)
        transformInputTile(
          m, job.points, p, rowStride, job.inputStride, target, capacity &* ldv, s.inputChannels,
          scratch)
      } else {
        gatherPatch(job, y, x, size, patch, ldv)
        transformInputTile(
          m, job.points, Source(patch), size &* ldv, ldv, target, capacity &* ldv,
          TileShape.padded(s.inputChannels), scratch)
      }
      tile &+= 1
    }
  }

  /// Second phase: the `(m + 2)²` products of some slots.
  package static func multiply(
    _ shape: ConvolutionShape, m: Int, weights: UnsafePointer<Float>,
    input v: UnsafePointer<Float>, products: UnsafeMutablePointer<Float>, capacity: Int,
    slotStart: Int, slotEnd: Int, pointStart: Int, pointEnd: Int
  ) {
    let k = shape.inputChannels
    let n = shape.outputChannels
    multiply(
      inputChannels: k, outputChannels: n, weights: weights, input: v, ldv: inputStride(k),
      products: products, ldm: outputStride(n), capacity: capacity, slotStart: slotStart,
      slotEnd: slotEnd, pointStart: pointStart, pointEnd: pointEnd)
  }

  /// The products of some slots of buffers with the given strides.
  static func multiply(
    inputChannels k: Int, outputChannels n: Int, weights: Source, input v: Source, ldv: Int,
    products: Destination, ldm: Int, capacity: Int, slotStart: Int, slotEnd: Int, pointStart: Int,
    pointEnd: Int
  ) {
    let padded = TileShape.padded(n)
    let zeros = weights + padded
    let panels = TileShape.panels(n)
    let block = Pointwise.blockRows(k)
    var point = pointStart
    while point < pointEnd {
      let b = weights + (padded &+ TileShape.panelWidth &+ point &* padded &* k)
      var row = slotStart
      while row < slotEnd {
        let rows = slotEnd &- row < block ? slotEnd &- row : block
        var panel = 0
        while panel < panels {
          let column = panel &* TileShape.panelWidth
          let rest = padded &- column
          let tile = TileJob(
            segments: 1, length: k, segmentStride: 0, a: v + (point &* capacity &+ row) &* ldv,
            lda: ldv, b: b + column &* k, bias: zeros,
            c: products + ((point &* capacity &+ row) &* ldm &+ column), ldc: ldm, residual: nil,
            ldr: 0, ahead: b, low: splat(-.infinity), high: splat(.infinity))
          runPanel(
            tile, rows: rows, columns: rest < TileShape.panelWidth ? rest : TileShape.panelWidth,
            finish: Finish())
          panel &+= 1
        }
        row &+= rows
      }
      point &+= 1
    }
  }

  /// Third phase: transforms the products of the job's tiles and writes the outputs.
  package static func transformOutput(
    _ job: ConvolutionJob, m: Int, products: UnsafePointer<Float>, capacity: Int, slot: Int
  ) {
    transformOutput(
      job, m: m, products: products, ldm: outputStride(job.shape.outputChannels),
      capacity: capacity, slot: slot)
  }

  /// The same from a buffer with the given stride.
  static func transformOutput(
    _ job: ConvolutionJob, m: Int, products: Source, ldm: Int, capacity: Int, slot: Int
  ) {
    guard let scratch = job.scratch else { return }
    let s = job.shape
    let padded = TileShape.padded(s.outputChannels)
    let across = columns(job, m)
    let patch = scratch + 36 &* W
    let rowStride = s.outputWidth &* job.outputStride
    let isPlain = s.outputChannels % W == 0 && job.epilogue.isClamp
    var tile = job.rowStart
    while tile < job.rowEnd {
      let y = tile / across &* m
      let x = (job.columnStart &+ tile % across) &* m
      let below = s.outputHeight &- y
      let right = s.outputWidth &- x
      let from = products + (slot &+ tile &- job.rowStart) &* ldm
      if isPlain && below >= m && right >= m {
        transformOutputTile(
          m, job.points, from, capacity &* ldm,
          job.output + (y &* rowStride &+ x &* job.outputStride), rowStride, job.outputStride,
          s.outputChannels, job.weights, scratch, low: job.epilogue.low, high: job.epilogue.high)
        tile &+= 1
        continue
      }
      transformOutputTile(
        m, job.points, from, capacity &* ldm, patch, m &* padded, padded, padded, job.weights,
        scratch, low: -.infinity, high: .infinity)
      let rows = below < m ? below : m
      let width = right < m ? right : m
      var i = 0
      while i < rows {
        let pixel = (y &+ i) &* s.outputWidth &+ x
        writePixels(
          job.epilogue, Source(patch + i &* m &* padded), padded,
          job.output + pixel &* job.outputStride, job.outputStride, pixel, rows: width,
          channels: s.outputChannels)
        i &+= 1
      }
      tile &+= 1
    }
  }

  /// Floats between two tiles of transformed input: never a multiple of 4 KiB.
  @inline(always)
  static func inputStride(_ channels: Int) -> Int {
    let padded = TileShape.padded(channels)
    return padded & 1023 == 0 ? padded &+ 16 : padded
  }

  /// Floats between two tiles of products.
  @inline(always)
  static func outputStride(_ channels: Int) -> Int { TileShape.padded(channels) }
}

/// Transforms the 3x3 kernels of up to `W` output channels, `G g Gᵀ`, one channel a lane; missing
/// ones become zero.
@inline(never)
func transformWeights(
  _ g: Source, channelStep: Int, channels: Int, _ m: Int, _ points: WinogradPoints,
  _ out: Destination, step: Int
) {
  // The taps, lane by lane, in the places of the first products, which are written last.
  var tap = 0
  while tap < 9 {
    var lane = 0
    while lane < W {
      out[tap &* step &+ lane] = lane < channels ? g[lane &* channelStep &+ tap] : 0
      lane &+= 1
    }
    tap &+= 1
  }
  let (a, b, c) = (0, 3 &* step, 6 &* step)
  if m == 2 {
    let x = transformThree2(load(out + a), load(out + b), load(out + c))
    let y = transformThree2(
      load(out + (a &+ step)), load(out + (b &+ step)), load(out + (c &+ step)))
    let z = transformThree2(
      load(out + (a &+ 2 &* step)), load(out + (b &+ 2 &* step)), load(out + (c &+ 2 &* step)))
    storeRow2(x.0, y.0, z.0, out, step)
    storeRow2(x.1, y.1, z.1, out + (4 &* step), step)
    storeRow2(x.2, y.2, z.2, out + (8 &* step), step)
    storeRow2(x.3, y.3, z.3, out + (12 &* step), step)
  } else if points == .whole {
    transformNine4(.whole, out, step)
  } else {
    transformNine4(.near, out, step)
  }
}

/// Turns nine numbers into the 36 of F(4, 3), in place.
@inline(always)
func transformNine4(_ points: Points4, _ out: Destination, _ step: Int) {
  let (a, b, c) = (out, out + 3 &* step, out + 6 &* step)
  let x = transformThree4(points, load(a), load(b), load(c))
  let y = transformThree4(points, load(a + step), load(b + step), load(c + step))
  let z = transformThree4(
    points, load(a + 2 &* step), load(b + 2 &* step), load(c + 2 &* step))
  storeRow4(points, x.0, y.0, z.0, out, step)
  storeRow4(points, x.1, y.1, z.1, out + (6 &* step), step)
  storeRow4(points, x.2, y.2, z.2, out + (12 &* step), step)
  storeRow4(points, x.3, y.3, z.3, out + (18 &* step), step)
  storeRow4(points, x.4, y.4, z.4, out + (24 &* step), step)
  storeRow4(points, x.5, y.5, z.5, out + (30 &* step), step)
}

/// The points 0, ±a, ±b and infinity of F(4, 3): constants wherever they are used, so that products
/// with one vanish.
struct Points4 {
  var a: Float
  var b: Float

  /// 0, ±1, ±2: no numbers but sums and powers of two.
  @inline(always)
  static var whole: Points4 { Points4(a: 1, b: 2) }

  /// 0, ±5/8, ±3/2: the powers are nearer to one another, and so is what cancels in the end.
  @inline(always)
  static var near: Points4 { Points4(a: 0.625, b: 1.5) }
}

/// The products of three numbers with the matrix `G` of F(2, 3).
@inline(always)
func transformThree2(_ a: V, _ b: V, _ c: V) -> (V, V, V, V) {
  let sum = (a + c) * splat(0.5)
  let half = b * splat(0.5)
  return (a, sum + half, sum - half, c)
}

/// The products of three numbers with the matrix `G` of F(4, 3).
@inline(always)
func transformThree4(_ points: Points4, _ a: V, _ b: V, _ c: V) -> (V, V, V, V, V, V) {
  if points.a == 1 {
    let sum = (a + c) * splat(-1.0 / 6)
    let sixth = b * splat(1.0 / 6)
    let outer = fma(c * splat(1.0 / 6), a, splat(1.0 / 24))
    let twelfth = b * splat(1.0 / 12)
    return (a * splat(0.25), sum - sixth, sum + sixth, outer + twelfth, outer - twelfth, c)
  }
  let (p, q) = (points.a * points.a, points.b * points.b)
  let (inner, outer) = (1 / (2 * p * (p - q)), 1 / (2 * q * (q - p)))
  let x = fma(a * splat(inner), c, splat(p * inner))
  let y = fma(a * splat(outer), c, splat(q * outer))
  let (u, v) = (b * splat(points.a * inner), b * splat(points.b * outer))
  return (a * splat(1 / (p * q)), x + u, x - u, y + v, y - v, c)
}

@inline(always)
func storeRow2(_ a: V, _ b: V, _ c: V, _ out: Destination, _ step: Int) {
  let row = transformThree2(a, b, c)
  store(row.0, out)
  store(row.1, out + step)
  store(row.2, out + (2 &* step))
  store(row.3, out + (3 &* step))
}

@inline(always)
func storeRow4(
  _ points: Points4, _ a: V, _ b: V, _ c: V, _ out: Destination, _ step: Int
) {
  let row = transformThree4(points, a, b, c)
  store(row.0, out)
  store(row.1, out + step)
  store(row.2, out + (2 &* step))
  store(row.3, out + (3 &* step))
  store(row.4, out + (4 &* step))
  store(row.5, out + (5 &* step))
}

/// Copies the input under a tile, and zeros outside the image.
@inline(never)
func gatherPatch(
  _ job: ConvolutionJob, _ y: Int, _ x: Int, _ size: Int, _ patch: Destination, _ ld: Int
) {
  let s = job.shape
  let channels = s.inputChannels
  // The columns inside the image.
  let left = x < 0 ? 0 &- x : 0
  let rest = s.inputWidth &- x
  let right = rest < size ? rest : size
  var i = 0
  while i < size {
    let row = y &+ i
    let target = patch + i &* size &* ld
    if row < 0 || row >= s.inputHeight || left >= right {
      fillZeros(target, size &* ld)
    } else {
      fillZeros(target, left &* ld)
      fillZeros(target + right &* ld, (size &- right) &* ld)
      copyPixels(
        job.prologue,
        job.input + (row &* s.inputWidth &+ x &+ left) &* job.inputStride, job.inputStride,
        target + left &* ld, ld, rows: right &- left, channels: channels)
    }
    i &+= 1
  }
}

/// Transforms the input of one tile, `Bᵀ d B`, vector by vector of channels.
@inline(never)
func transformInputTile(
  _ m: Int, _ points: WinogradPoints, _ input: Source, _ rowStride: Int, _ columnStride: Int,
  _ out: Destination, _ pointStride: Int, _ channels: Int, _ temporary: Destination
) {
  if m == 4 {
    if points == .whole {
      transformInputTile4(
        .whole, input, rowStride, columnStride, out, pointStride, channels, temporary)
    } else {
      transformInputTile4(
        .near, input, rowStride, columnStride, out, pointStride, channels, temporary)
    }
    return
  }
  var c = 0
  while c < channels {
    var j = 0
    while j < 4 {
      let p = input + (j &* columnStride &+ c)
      winogradInput2(p, rowStride, temporary + j &* W, 4 &* W)
      j &+= 1
    }
    var i = 0
    while i < 4 {
      winogradInput2(
        Source(temporary + 4 &* i &* W), W, out + (4 &* i &* pointStride &+ c), pointStride)
      i &+= 1
    }
    c &+= W
  }
}

@inline(always)
func transformInputTile4(
  _ points: Points4, _ input: Source, _ rowStride: Int, _ columnStride: Int, _ out: Destination,
  _ pointStride: Int, _ channels: Int, _ temporary: Destination
) {
  var c = 0
  while c < channels {
    var j = 0
    while j < 6 {
      let p = input + (j &* columnStride &+ c)
      winogradInput4(points, p, rowStride, temporary + j &* W, 6 &* W)
      j &+= 1
    }
    var i = 0
    while i < 6 {
      winogradInput4(
        points, Source(temporary + 6 &* i &* W), W, out + (6 &* i &* pointStride &+ c), pointStride)
      i &+= 1
    }
    c &+= W
  }
}

/// Six numbers times `Bᵀ` of F(4, 3).
@inline(always)
func winogradInput4(
  _ points: Points4, _ p: Source, _ step: Int, _ q: Destination, _ outStep: Int
) {
  let d0 = load(p)
  let d1 = load(p + step)
  let d2 = load(p + 2 &* step)
  let d3 = load(p + 3 &* step)
  let d4 = load(p + 4 &* step)
  let d5 = load(p + 5 &* step)
  let inner = points.a * points.a
  let outer = points.b * points.b
  let sum = splat(-(inner + outer))
  let product = splat(inner * outer)
  store(fma(fma(d4, d2, sum), d0, product), q)
  let a = fma(d4, d2, splat(-outer))
  let b = fma(d3, d1, splat(-outer)) * splat(points.a)
  store(a + b, q + outStep)
  store(a - b, q + 2 &* outStep)
  let e = fma(d4, d2, splat(-inner))
  let f = fma(d3, d1, splat(-inner)) * splat(points.b)
  store(e + f, q + 3 &* outStep)
  store(e - f, q + 4 &* outStep)
  store(fma(fma(d5, d3, sum), d1, product), q + 5 &* outStep)
}

/// Four numbers times `Bᵀ` of F(2, 3).
@inline(always)
func winogradInput2(_ p: Source, _ step: Int, _ q: Destination, _ outStep: Int) {
  let d0 = load(p)
  let d1 = load(p + step)
  let d2 = load(p + 2 &* step)
  let d3 = load(p + 3 &* step)
  store(d0 - d2, q)
  store(d1 + d2, q + outStep)
  store(d2 - d1, q + 2 &* outStep)
  store(d1 - d3, q + 3 &* outStep)
}

/// Transforms the products of one tile, `Aᵀ M A` plus bias, into `m x m` pixels, and clamps them.
@inline(never)
func transformOutputTile(
  _ m: Int, _ points: WinogradPoints, _ products: Source, _ pointStride: Int, _ out: Destination,
  _ rowStride: Int, _ pixelStride: Int, _ channels: Int, _ bias: Source,
  _ temporary: Destination, low: Float, high: Float
) {
  let (low, high) = (splat(low), splat(high))
  if m == 4 {
    if points == .whole {
      transformOutputTile4(
        .whole, products, pointStride, out, rowStride, pixelStride, channels, bias, temporary, low,
        high)
    } else {
      transformOutputTile4(
        .near, products, pointStride, out, rowStride, pixelStride, channels, bias, temporary, low,
        high)
    }
    return
  }
  let none = (splat(-.infinity), splat(.infinity))
  var c = 0
  while c < channels {
    var j = 0
    while j < 4 {
      winogradOutput2(
        products + (j &* pointStride &+ c), 4 &* pointStride, temporary + j &* W, 4 &* W,
        splat(0), none.0, none.1)
      j &+= 1
    }
    let b = load(bias + c)
    var i = 0
    while i < 2 {
      winogradOutput2(
        Source(temporary + 4 &* i &* W), W, out + (i &* rowStride &+ c), pixelStride, b, low, high)
      i &+= 1
    }
    c &+= W
  }
}

@inline(always)
func transformOutputTile4(
  _ points: Points4, _ products: Source, _ pointStride: Int, _ out: Destination,
  _ rowStride: Int, _ pixelStride: Int, _ channels: Int, _ bias: Source,
  _ temporary: Destination, _ low: V, _ high: V
) {
  let none = (splat(-.infinity), splat(.infinity))
  var c = 0
  while c < channels {
    var j = 0
    while j < 6 {
      winogradOutput4(
        points, products + (j &* pointStride &+ c), 6 &* pointStride, temporary + j &* W, 6 &* W,
        splat(0), none.0, none.1)
      j &+= 1
    }
    let b = load(bias + c)
    var i = 0
    while i < 4 {
      winogradOutput4(
        points, Source(temporary + 6 &* i &* W), W, out + (i &* rowStride &+ c), pixelStride, b,
        low, high)
      i &+= 1
    }
    c &+= W
  }
}

/// Six numbers times `Aᵀ` of F(4, 3).
@inline(always)
func winogradOutput4(
  _ points: Points4, _ p: Source, _ step: Int, _ q: Destination, _ outStep: Int, _ bias: V,
  _ low: V, _ high: V
) {
  let d0 = load(p)
  let d1 = load(p + step)
  let d2 = load(p + 2 &* step)
  let d3 = load(p + 3 &* step)
  let d4 = load(p + 4 &* step)
  let d5 = load(p + 5 &* step)
  let a = d1 + d2
  let b = d1 - d2
  let e = d3 + d4
  let f = d3 - d4
  let inner = points.a * points.a
  let outer = points.b * points.b
  store(clamped((d0 + a) + (e + bias), low, high), q)
  store(clamped(fma(fma(bias, b, splat(points.a)), f, splat(points.b)), low, high), q + outStep)
  store(clamped(fma(fma(bias, a, splat(inner)), e, splat(outer)), low, high), q + 2 &* outStep)
  let last = fma(d5 + bias, b, splat(inner * points.a))
  store(clamped(fma(last, f, splat(outer * points.b)), low, high), q + 3 &* outStep)
}

/// Four numbers times `Aᵀ` of F(2, 3).
@inline(always)
func winogradOutput2(
  _ p: Source, _ step: Int, _ q: Destination, _ outStep: Int, _ bias: V, _ low: V, _ high: V
) {
  let d0 = load(p)
  let d1 = load(p + step)
  let d2 = load(p + 2 &* step)
  let d3 = load(p + 3 &* step)
  store(clamped((d0 + d1) + (d2 + bias), low, high), q)
  store(clamped((d1 - d2) - (d3 - bias), low, high), q + outStep)
}
