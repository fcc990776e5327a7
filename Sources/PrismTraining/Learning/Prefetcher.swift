internal import PrismFiles
internal import PrismKernels

/// Makes values, such as inputs, in their order by several threads, a bounded number of them ahead
/// of their use.
//
// `@unchecked Sendable`: everything that changes is changed under the lock.
package final class Prefetcher<Value: Sendable>: @unchecked Sendable {
  private let count: Int
  private let ahead: Int
  private let load: @Sendable (Int) throws -> Value
  private let lock = WaitingLock()
  private var started = 0
  private var taken = 0
  private var isStopped = false
  private var results: [Int: Result<Value, any Error>] = [:]
  private var threads: [SystemThread] = []

  /// Starts to make inputs.
  ///
  /// - Parameters:
  ///   - count: How many there are.
  ///   - ahead: The most that are made and not yet taken.
  ///   - wanted: How many are made at once.
  ///   - load: Makes the input with an index; called from any thread.
  package init(
    count: Int, ahead: Int, threads wanted: Int, load: @escaping @Sendable (Int) throws -> Value
  ) {
    self.count = count
    self.ahead = max(1, ahead)
    self.load = load
    // Threads know nothing of the task that starts them.
    let (limits, memory) = (Limits.current, MemoryContext())
    for _ in 0..<max(1, min(wanted, count)) {
      let thread = SystemThread {
        Limits.$current.withValue(limits) {
          memory.within { self.serve() }
        }
      }
      if let thread { threads.append(thread) }
    }
  }

  /// The next input, or `nil` after the last.
  ///
  /// - Throws: What making it threw.
  package func next() throws -> Value? {
    let (index, found): (Int?, Result<Value, any Error>?) = lock.withLock {
      guard taken < count else { return (nil, nil) }
      let index = taken
      taken += 1
      lock.broadcast()
      guard !threads.isEmpty else { return (index, nil) }
      while results[index] == nil { lock.wait() }
      return (index, results.removeValue(forKey: index))
    }
    guard let index else { return nil }
    // Where the system refused every thread, the caller makes the input itself.
    return try found?.get() ?? load(index)
  }

  /// Ends the threads; to be called when no more inputs are wanted.
  package func stop() {
    lock.withLock {
      isStopped = true
      lock.broadcast()
    }
    for thread in threads { thread.join() }
    threads = []
  }

  private func serve() {
    while let index = begin() {
      let result = Result { try load(index) }
      lock.withLock {
        results[index] = result
        lock.broadcast()
      }
    }
  }

  /// The input to be made next, once it may be.
  private func begin() -> Int? {
    lock.withLock {
      while !isStopped, started < count, started >= taken + ahead { lock.wait() }
      guard !isStopped, started < count else { return nil }
      defer { started += 1 }
      return started
    }
  }
}
