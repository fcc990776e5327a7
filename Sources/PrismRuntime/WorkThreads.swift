internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Threads for work that takes long, so that it does not hold up the few threads that all tasks of a program share.
///
/// A job runs within its task: work that is cancelled with the task learns of it. Threads begin when they are needed and
/// end when there is nothing to do.
public final class WorkThreads: TaskExecutor {
  /// The threads of the process.
  public static let shared = WorkThreads(limit: 64)

  // Jobs that wait, and how many threads there are.
  private struct State {
    var waiting: [UnownedJob] = []
    var threads = 0
  }

  private let state = Mutex(State())
  private let limit: Int

  /// Makes an executor.
  ///
  /// - Parameter limit: The most threads at a time; at least 1.
  init(limit: Int) { self.limit = max(limit, 1) }

  /// Runs a closure on a thread of its own, within the current task.
  ///
  /// - Parameter body: May take as long as it likes.
  /// - Returns: What the closure returns.
  /// - Throws: What the closure throws.
  public static func run<Result: Sendable>(
    _ body: @Sendable () throws -> Result
  ) async throws -> Result {
    try await withTaskExecutorPreference(shared) { try body() }
  }

  /// Takes a job.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let needsThread = state.withLock { state in
      state.waiting.append(job)
      guard state.threads < limit else { return false }
      state.threads += 1
      return true
    }
    if needsThread, !start() {
      // Without a thread of its own the job runs where it is; others may have come in meanwhile.
      work()
    }
  }

  /// Runs jobs until none waits.
  private func work() {
    while let job = next() { job.runSynchronously(on: asUnownedTaskExecutor()) }
  }

  private func next() -> UnownedJob? {
    state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.threads -= 1
        return nil
      }
      return state.waiting.removeFirst()
    }
  }

  /// Begins a thread; `false` where the system has none.
  private func start() -> Bool {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return false }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let argument = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        #if canImport(Darwin)
          let pointer = argument
        #else
          guard let pointer = argument else { return nil }
        #endif
        Unmanaged<WorkThreads>.fromOpaque(pointer).takeRetainedValue().work()
        return nil
      }, argument.toOpaque())
    if status != 0 { argument.release() }
    return status == 0
  }
}
