/// The sizes of the memory in which a plan computes.
struct WorkspaceLayout: Sendable {
  /// The floats of a thread's arena.
  let arenaSize: Int
  /// The floats of scratch of a thread.
  let scratchSize: Int
  /// The floats of an image's arena, which holds what lives beyond a phase.
  let imageArenaSize: Int

  /// The floats between the arenas of two threads.
  var arenaStride: Int { ArenaLayout.aligned(arenaSize) }

  /// The floats between the scratch memories of two threads.
  var scratchStride: Int { ArenaLayout.aligned(scratchSize) }

  /// The floats between the arenas of two images of a batch: an odd number of cache lines, so that
  /// the same value of several images, which a batched step reads side by side, does not fall on
  /// the same lines of a cache.
  var imageArenaStride: Int { ArenaLayout.aligned(imageArenaSize) | 16 }
}

/// The memory in which one call of a plan computes.
struct Workspace {
  let exchange: Exchange
  let layout: WorkspaceLayout
  /// The arenas of threads, their scratch memories, the arenas of images, and what batched steps
  /// share.
  let blocks: [FloatBlock]
  /// The sums over groups of images, where there are any.
  var sums: GroupSums?

  /// The floats of the blocks.
  ///
  /// - Parameters:
  ///   - layout: The sizes for a thread and an image.
  ///   - lanes: The number of threads.
  ///   - images: The number of images that exist at a time.
  ///   - shared: The floats that batched steps share.
  /// - Returns: One number a block.
  static func sizes(_ layout: WorkspaceLayout, lanes: Int, images: Int, shared: Int) -> [Int] {
    [
      layout.arenaStride * lanes, layout.scratchStride * lanes, layout.imageArenaStride * images,
      shared,
    ]
  }

  /// What batched steps share.
  var shared: UnsafeMutablePointer<Float> { blocks[3].pointer }

  /// The memory of one image while a thread computes it.
  ///
  /// - Parameters:
  ///   - lane: The thread.
  ///   - slot: The image's place among those that exist.
  ///   - image: The image's index in the call.
  /// - Returns: Where its values are.
  func context(lane: Int, slot: Int, image: Int) -> Context {
    Context(
      image: image, exchange: exchange, arena: blocks[0].pointer + lane * layout.arenaStride,
      scratch: scratch(lane), imageArena: blocks[2].pointer + slot * layout.imageArenaStride,
      sums: sums?.pointer(ofGroup: slot / (sums?.groupSize ?? 1)))
  }

  /// The scratch memory of a thread.
  func scratch(_ lane: Int) -> UnsafeMutablePointer<Float> {
    blocks[1].pointer + lane * layout.scratchStride
  }
}

/// Where one image's values are while it is computed.
struct Context {
  /// The image's index in the call.
  let image: Int
  let exchange: Exchange
  let arena: UnsafeMutablePointer<Float>
  var scratch: UnsafeMutablePointer<Float>
  let imageArena: UnsafeMutablePointer<Float>
  /// The sums over the image's group.
  var sums: UnsafeMutablePointer<Float>?

  /// Where a step adds what it computes.
  func sums(of step: Step) -> UnsafeMutablePointer<Float>? { sums.map { $0 + step.sumOffset } }

  /// The first number of a value.
  func pointer(_ place: Place) -> UnsafeMutablePointer<Float> {
    switch place.arena {
    case .thread: arena + place.offset
    case .image: imageArena + place.offset
    }
  }
}

/// Sums over groups of images, which one thread adds up in the order of the images.
struct GroupSums {
  /// The images of a group.
  let groupSize: Int
  /// The floats of a group.
  let size: Int
  /// The sums of all groups.
  let block: FloatBlock

  /// The floats from one group to the next.
  static func room(for size: Int) -> Int { ArenaLayout.aligned(size) | 16 }

  /// The sums of a group.
  func pointer(ofGroup group: Int) -> UnsafeMutablePointer<Float> {
    block.pointer + group * Self.room(for: size)
  }

  /// The groups of a number of images.
  func groups(_ images: Int) -> [Range<Int>] {
    stride(from: 0, to: images, by: groupSize).map { $0..<min($0 + groupSize, images) }
  }
}
