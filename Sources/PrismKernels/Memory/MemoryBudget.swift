internal import Synchronization

/// What tensors and the arenas of plans may take within a task.
///
/// Large memory is asked for before it is taken (``Memory/expecting(_:_:)``), where that can be an
/// error; what is taken then counts until it is given back. A test may have a request refused, and
/// learns of memory that is taken without having been asked for.
package final class MemoryBudget: Sendable {
  /// What bounds the memory of a task; nothing but the system where it is `nil`.
  @TaskLocal package static var current: MemoryBudget?

  /// Below this number of bytes memory is not asked for, nor counted.
  package static let usualLeast = 64 << 10
  /// Below this number of bytes nobody looks whether there is a budget.
  package static let leastOfAll = 1 << 10

  /// Below this number of bytes memory is not asked for, nor counted.
  package let least: Int
  private let limit: Int
  private let used = Atomic<Int>(0)
  // How many requests are let through, and the one that is refused after them.
  private let requestsLeft: Atomic<Int>
  private let isWatching: Bool
  private let excess = Mutex<[Int]>([])

  /// Makes a budget.
  ///
  /// - Parameter limit: The most bytes that may be in use at a time.
  package init(limit: Int) {
    self.limit = limit
    least = Self.usualLeast
    requestsLeft = Atomic(.max)
    isWatching = false
  }

  /// Makes a budget for a test: it watches, and refuses one request.
  ///
  /// - Parameters:
  ///   - request: Which one, counted from 1.
  ///   - least: Below this number of bytes memory is not asked for.
  package init(refusing request: Int, least: Int = leastOfAll) {
    limit = .max
    self.least = max(least, Self.leastOfAll)
    requestsLeft = Atomic(request)
    isWatching = true
  }

  /// Whether no request has been refused so far, for a test.
  package var isWaiting: Bool { requestsLeft.load(ordering: .relaxed) > 0 }

  /// The sizes in bytes of what was taken beyond what had been asked for, for a test.
  package var unexpected: [Int] { excess.withLock { $0 } }

  /// The bytes in use.
  package var byteCount: Int { used.load(ordering: .relaxed) }

  /// The bytes that may still be taken.
  package var bytesLeft: Int { limit - byteCount }

  /// Asks for memory.
  ///
  /// - Throws: ``OutOfMemoryError`` where it is refused.
  func ask(_ bytes: Int) throws(OutOfMemoryError) {
    if isWatching, requestsLeft.subtract(1, ordering: .relaxed).newValue == 0 {
      throw OutOfMemoryError(bytes: bytes)
    }
    try check(bytes)
  }

  private func check(_ bytes: Int) throws(OutOfMemoryError) {
    guard bytes <= bytesLeft else { throw OutOfMemoryError(bytes: bytes, limit: limit) }
  }

  /// The budget in which memory that is taken counts, and which is to be told when it is given
  /// back; `nil` for memory that does not count.
  ///
  /// - Parameter bytes: How much is taken.
  /// - Returns: The task's budget, which has counted it.
  package static func charging(_ bytes: Int) -> MemoryBudget? {
    guard bytes >= leastOfAll, let budget = current, bytes >= budget.least else { return nil }
    budget.took(bytes)
    return budget
  }

  /// Counts memory that has been taken.
  package func took(_ bytes: Int) {
    used.add(bytes, ordering: .relaxed)
    guard isWatching else { return }
    let left = Pledge.current?.left.subtract(bytes, ordering: .relaxed).newValue
    if left.map({ $0 < 0 }) ?? true { excess.withLock { $0.append(bytes) } }
  }

  /// Counts memory that was there before, such as that of a plan, until it is given back.
  ///
  /// - Throws: ``OutOfMemoryError`` beyond the limit.
  package func admit(_ bytes: Int) throws(OutOfMemoryError) {
    try check(bytes)
    used.add(bytes, ordering: .relaxed)
  }

  /// Counts memory that has been given back.
  package func gave(_ bytes: Int) {
    used.subtract(bytes, ordering: .relaxed)
    if isWatching { Pledge.current?.left.add(bytes, ordering: .relaxed) }
  }

  /// Runs what takes memory that has been asked for.
  func watching<Result>(_ bytes: Int, _ body: () throws -> Result) rethrows -> Result {
    guard isWatching else { return try body() }
    return try Pledge.$current.withValue(Pledge(bytes), operation: body)
  }
}

/// What a request that was let through may take, for a test that watches.
final class Pledge: Sendable {
  @TaskLocal static var current: Pledge?

  let left: Atomic<Int>

  init(_ bytes: Int) { left = Atomic(bytes) }
}

/// What bounds the memory of a task, taken along to a thread that knows nothing of the task.
package struct MemoryContext: Sendable {
  private let budget = MemoryBudget.current
  private let pledge = Pledge.current

  /// Takes the task's.
  package init() {}

  /// Runs work within the same bounds.
  ///
  /// - Parameter body: The work.
  /// - Returns: What `body` returns.
  package func within<Result>(_ body: () -> Result) -> Result {
    guard budget != nil else { return body() }
    return MemoryBudget.$current.withValue(budget) {
      Pledge.$current.withValue(pledge, operation: body)
    }
  }
}
