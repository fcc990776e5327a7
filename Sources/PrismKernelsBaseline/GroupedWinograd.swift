// Winograd's minimal filtering within groups of channels.

#if PRISM_AVX512 || PRISM_AVX2
  package import PrismKernelsBaseline
#endif

/// Convolution in groups of channels, with a 3x3 kernel and stride 1, by F(m x m, 3 x 3) for `m` 2
/// or 4.
///
/// Some groups at a time, as many as fill whole vectors where that is possible: the transforms then
/// waste nothing, both buffers stay in the second-level cache, and the weights of these groups are
/// read for a block of tiles after the other. The shape of a job has the channels of all groups;
/// its channels are those of whole groups.
package enum GroupedWinograd {
  /// Groups that are computed at a time, and their buffers.
  private struct Block {
    /// The groups.
    let groups: Int
    /// The tiles.
    let tiles: Int
    /// The floats of a tile of transformed input, and of products.
    let ldv, ldm: Int

    /// The slots of a buffer: an odd number, so that points do not fall on the same lines of a
    /// cache.
    var capacity: Int { tiles | 1 }

    init(groups all: Int, inputChannels k: Int, outputChannels n: Int, m: Int) {
      var count = 1
      while count < all && (count &* k % W != 0 || count &* n % W != 0) { count &+= 1 }
      let channels = count &* (k > n ? k : n)
      if channels < 48 { count &*= (48 &+ channels &- 1) / channels }
      groups = count < all ? count : all
      ldv = Winograd.inputStride(groups &* k)
      // A group's last vector may hold more than its outputs; the next group writes its own there.
      ldm = TileShape.padded((groups &- 1) &* n &+ TileShape.padded(n))
      let fitting = 96 &* 1024 / ((m &+ 2) &* (m &+ 2) &* (ldv &+ ldm)) / 12 &* 12
      let wanted = Winograd.blockTiles(inputChannels: k, outputChannels: n, m: m)
      let most = fitting < 96 ? fitting : 96
      tiles = wanted > most ? wanted : most
    }
  }

  /// The floats before the weights of the first group: the biases of all.
  @inline(always)
  private static func biasSize(_ outputs: Int) -> Int { TileShape.padded(outputs) &+ W }

  /// Returns the floats that `pack` writes for all groups of some channels.
  package static func packedSize(
    groups: Int, inputChannels: Int, outputChannels: Int, m: Int
  ) -> Int {
    biasSize(groups &* outputChannels) &+ groups
      &* Winograd.packedSize(inputChannels: inputChannels, outputChannels: outputChannels, m: m)
  }

  /// Transforms and packs the `[O, I, 3, 3]` weights of one group, and its bias.
  package static func pack(
    weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, group: Int, groups: Int,
    inputChannels: Int, outputChannels: Int, m: Int, points: WinogradPoints,
    into packed: UnsafeMutablePointer<Float>
  ) {
    var i = 0
    while i < outputChannels {
      if let bias {
        packed[group &* outputChannels &+ i] = bias[i]
      } else {
        packed[group &* outputChannels &+ i] = 0
      }
      i &+= 1
    }
    let lead = biasSize(groups &* outputChannels)
    if group &+ 1 == groups {
      let end = groups &* outputChannels
      fillZeros(packed + end, lead &- end)
    }
    let size = Winograd.packedSize(
      inputChannels: inputChannels, outputChannels: outputChannels, m: m)
    Winograd.pack(
      weights: weights, bias: bias, inputChannels: inputChannels, outputChannels: outputChannels,
      m: m, points: points, panelStart: 0, panelEnd: Int.max,
      into: packed + (lead &+ group &* size))
  }

  /// Returns the floats of scratch for `run`.
  package static func scratchSize(_ shape: ConvolutionShape, groups: Int, m: Int) -> Int {
    let (k, n) = (shape.inputChannels / groups, shape.outputChannels / groups)
    let block = Block(groups: groups, inputChannels: k, outputChannels: n, m: m)
    return patchSize(block, k, n)
      &+ (m &+ 2) &* (m &+ 2) &* block.capacity &* (block.ldv &+ block.ldm)
  }

  private static func patchSize(_ block: Block, _ k: Int, _ n: Int) -> Int {
    let outputs = TileShape.padded(block.groups &* n)
    return 36 &* W &+ 36 &* (block.ldv > outputs ? block.ldv : outputs)
  }

  /// Computes the tiles and groups of a job.
  package static func run(_ job: ConvolutionJob, groups: Int, m: Int) {
    let s = job.shape
    let (k, n) = (s.inputChannels / groups, s.outputChannels / groups)
    let block = Block(groups: groups, inputChannels: k, outputChannels: n, m: m)
    let end = job.channelEnd < s.outputChannels ? job.channelEnd / n : groups
    var group = job.channelStart / n
    while group < end {
      let rest = end &- group
      let count = rest < block.groups ? rest : block.groups
      run(job, groups, group, count, block, m)
      group &+= count
    }
  }

  /// Computes some groups, block after block of tiles, all three phases.
  private static func run(
    _ job: ConvolutionJob, _ groups: Int, _ first: Int, _ count: Int, _ block: Block, _ m: Int
  ) {
    guard let scratch = job.scratch else { return }
    let (k, n) = (job.shape.inputChannels / groups, job.shape.outputChannels / groups)
    let points = (m &+ 2) &* (m &+ 2)
    let v = scratch + patchSize(block, k, n)
    let products = v + points &* block.capacity &* block.ldv
    let size = Winograd.packedSize(inputChannels: k, outputChannels: n, m: m)
    let weights = job.weights + (biasSize(job.shape.outputChannels) &+ first &* size)
    let ldv = Winograd.inputStride(count &* k)
    var part = job
    part.shape.inputChannels = count &* k
    part.shape.outputChannels = count &* n
    part.input += first &* k
    part.output += first &* n
    // What the output's transform reads of them: the biases.
    part.weights += first &* n
    part.epilogue.residual = offset(job.epilogue.residual, first &* n)
    part.prologue.scale = offset(job.prologue.scale, first &* k)
    part.prologue.shift = offset(job.prologue.shift, first &* k)
    var tile = job.rowStart
    while tile < job.rowEnd {
      let rest = job.rowEnd &- tile
      // A rest just above one block is halved.
      let tiles =
        rest <= block.tiles ? rest : (rest < 2 &* block.tiles ? (rest &+ 1) / 2 : block.tiles)
      part.rowStart = tile
      part.rowEnd = tile &+ tiles
      Winograd.transformInput(part, m: m, into: v, capacity: block.capacity, slot: 0)
      var group = 0
      while group < count {
        Winograd.multiply(
          inputChannels: k, outputChannels: n, weights: weights + group &* size,
          input: Source(v + group &* k), ldv: ldv, products: products + group &* n,
          ldm: block.ldm, capacity: block.capacity, slotStart: 0, slotEnd: tiles, pointStart: 0,
          pointEnd: points)
        group &+= 1
      }
      Winograd.transformOutput(
        part, m: m, products: Source(products), ldm: block.ldm, capacity: block.capacity, slot: 0)
      tile &+= tiles
    }
  }
}
