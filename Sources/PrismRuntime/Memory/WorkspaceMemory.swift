internal import PrismKernels
internal import Synchronization

/// The memory in which the plans of a process compute, kept between calls for the next one,
/// whichever plan makes it.
///
/// Plans that are used in turn share what is kept: memory grows to what the largest needs, not to
/// the sum, and no turn allocates. What is kept idle is given back, the longest unused first, as
/// soon as it and what is in use are more than the limit together; what the last call used stays
/// for the next one, whatever its size.
final class WorkspaceMemory: Sendable {
  /// The memory of all plans that are not given one of their own.
  static let shared = WorkspaceMemory(limit: 64 << 20)

  /// The least floats of a block, and how many times larger than needed a block may be that is used
  /// again.
  private static let (leastCount, mostExcess) = (16 << 10, 4)

  private struct State {
    /// Blocks that nobody uses, the longest unused first.
    var idle: [FloatBlock] = []
    var idleCount = 0
    var usedCount = 0
    var allocations = 0
  }

  private let state = Mutex(State())
  private let limit: Int

  /// Makes an empty store.
  ///
  /// - Parameter limit: The bytes beyond which idle memory is given back.
  init(limit: Int) { self.limit = limit / MemoryLayout<Float>.stride }

  /// How many blocks have been allocated so far.
  var allocationCount: Int { state.withLock { $0.allocations } }

  /// The bytes that nobody uses at the moment.
  var idleByteCount: Int { state.withLock { $0.idleCount } * MemoryLayout<Float>.stride }

  /// Blocks of at least the given numbers of floats, whose contents are not defined.
  ///
  /// - Parameter counts: The floats of each.
  /// - Returns: One block a count, to be given back by ``give(_:)``.
  /// - Throws: `OutOfMemoryError` where the system has not so much; nothing is taken then.
  func take(_ counts: [Int]) throws -> [FloatBlock] {
    var blocks: [FloatBlock] = []
    do {
      for count in counts { blocks.append(try take(count)) }
    } catch {
      give(blocks)
      throw error
    }
    return blocks
  }

  private func take(_ count: Int) throws -> FloatBlock {
    try state.withLock { state in
      let block = try reused(count, &state) ?? allocated(count, &state)
      state.usedCount += block.count
      return block
    }
  }

  /// Takes back what ``take(_:)`` gave.
  func give(_ blocks: [FloatBlock]) {
    state.withLock { state in
      let count = blocks.reduce(0) { $0 + $1.count }
      state.usedCount -= count
      shrink(&state, keeping: count)
      state.idle += blocks
      state.idleCount += count
    }
  }

  /// Gives all idle memory back to the system.
  func release() {
    state.withLock { state in
      state.idle = []
      state.idleCount = 0
    }
  }

  /// The smallest idle block that is large enough and not far too large.
  private func reused(_ count: Int, _ state: inout State) -> FloatBlock? {
    let fitting = count...max(count, Self.leastCount) * Self.mostExcess
    let best = state.idle.indices
      .filter { fitting.contains(state.idle[$0].count) }
      .min { state.idle[$0].count < state.idle[$1].count }
    guard let best else { return nil }
    let block = state.idle.remove(at: best)
    state.idleCount -= block.count
    return block
  }

  private func allocated(_ count: Int, _ state: inout State) throws -> FloatBlock {
    let count = max(count, Self.leastCount)
    shrink(&state, keeping: count)
    let block = try FloatBlock(asking: count)
    state.allocations += 1
    return block
  }

  /// Gives back idle blocks until `count` floats more are within the limit, or none is left.
  private func shrink(_ state: inout State, keeping count: Int) {
    while state.idleCount + state.usedCount + count > limit, !state.idle.isEmpty {
      state.idleCount -= state.idle.removeFirst().count
    }
  }
}
