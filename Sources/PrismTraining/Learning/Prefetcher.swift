internal import PrismFiles

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Makes values, such as inputs, in their order by several threads, a bounded number of them ahead
/// of their use.
//
// `@unchecked Sendable`: everything that changes is changed under the lock.
package final class Prefetcher<Value: Sendable>: @unchecked Sendable {
  private let count: Int
  private let ahead: Int
  private let load: @Sendable (Int) throws -> Value
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var started = 0
  private var taken = 0
  private var isStopped = false
  private var results: [Int: Result<Value, any Error>] = [:]
  private var threads: [pthread_t] = []

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
    lock = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
    // Threads know nothing of the task that starts them.
    let limits = Limits.current
    for _ in 0..<max(1, min(wanted, count)) {
      let argument = Unmanaged.passRetained(
        Service { Limits.$current.withValue(limits) { self.serve() } })
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { argument in
          guard let argument else { return nil }
          Unmanaged<Service>.fromOpaque(argument).takeRetainedValue().run()
          return nil
        }, argument.toOpaque())
      if status == 0 { threads.append(thread) } else { argument.release() }
    }
  }

  deinit {
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(changed)
    lock.deallocate()
    changed.deallocate()
  }

  /// The next input, or `nil` after the last.
  ///
  /// - Throws: What making it threw.
  package func next() throws -> Value? {
    pthread_mutex_lock(lock)
    guard taken < count else {
      pthread_mutex_unlock(lock)
      return nil
    }
    let index = taken
    taken += 1
    pthread_cond_broadcast(changed)
    // Where the system refused every thread, the caller makes the input itself.
    guard !threads.isEmpty else {
      pthread_mutex_unlock(lock)
      return try load(index)
    }
    var found = results.removeValue(forKey: index)
    while found == nil {
      pthread_cond_wait(changed, lock)
      found = results.removeValue(forKey: index)
    }
    pthread_mutex_unlock(lock)
    return try found?.get()
  }

  /// Ends the threads; to be called when no more inputs are wanted.
  package func stop() {
    pthread_mutex_lock(lock)
    isStopped = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  private func serve() {
    while true {
      pthread_mutex_lock(lock)
      while !isStopped, started < count, started >= taken + ahead {
        pthread_cond_wait(changed, lock)
      }
      guard !isStopped, started < count else {
        pthread_mutex_unlock(lock)
        return
      }
      let index = started
      started += 1
      pthread_mutex_unlock(lock)
      let result = Result { try load(index) }
      pthread_mutex_lock(lock)
      results[index] = result
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(lock)
    }
  }
}

/// What a thread does: a C function knows no generic types.
private final class Service {
  let run: () -> Void

  init(_ run: @escaping () -> Void) { self.run = run }
}
