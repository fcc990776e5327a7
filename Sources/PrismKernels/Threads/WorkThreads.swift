// `@unchecked Sendable`: everything that changes is changed under the lock.

/// Threads for work that takes long, so that it does not hold up the few threads that all tasks of
/// a program share.
///
/// A job runs within its task: work that is cancelled with the task learns of it. Threads begin
/// when they are needed; a few stay for the next job, the others end when there is nothing to do.
public final class WorkThreads: TaskExecutor, @unchecked Sendable {
  /// The threads of the process.
  public static let shared = WorkThreads(limit: 64)

  /// The addresses that a thread takes for its stack at the least.
  package static let stackSize = AddressSpace.smallStack

  private let lock = WaitingLock()
  private let limit: Int
  /// Jobs that no thread has begun, by numbers that count up.
  private var waiting: [(number: Int, job: UnownedJob)] = []
  /// How many threads stay where there is nothing to do.
  private var kept = 4
  private var count = 0
  private var threads = 0
  /// Threads that are not at a job.
  private var idle = 0

  /// Makes an executor.
  ///
  /// - Parameter limit: The most threads at a time; at least 1. Jobs beyond them wait for their
  ///   turn, and a thread that has done one takes the next: it stays on its processor.
  package init(limit: Int) { self.limit = max(limit, 1) }

  /// Ends the threads that have nothing to do, now and later; to be called for an executor that is
  /// used no more.
  package func retire() {
    lock.withLock { kept = 0 }
    lock.broadcast()
  }

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

  /// Begins work on a thread of its own, with the task's values; where the system has no thread,
  /// the work is done before this returns.
  ///
  /// - Parameter body: May take as long as it likes.
  package static func begin(_ body: @escaping @Sendable () -> Void) {
    Task(executorPreference: shared) { body() }
  }

  /// Sees to it that a thread is there for the next job.
  ///
  /// - Returns: `false` where the system has none.
  package func prepare() -> Bool {
    let needsThread = lock.withLock {
      guard idle <= waiting.count, threads < limit else { return false }
      (threads, idle) = (threads + 1, idle + 1)
      return true
    }
    return !needsThread || start()
  }

  /// Takes a job.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let (number, needsThread) = lock.withLock {
      count += 1
      waiting.append((count, job))
      guard idle < waiting.count, threads < limit else { return (count, false) }
      (threads, idle) = (threads + 1, idle + 1)
      return (count, true)
    }
    // Who is woken may run instead of this thread, which must not hold the lock then.
    guard needsThread else { return lock.signal() }
    // Without a thread the job runs where it is, unless one of the others has begun it meanwhile.
    if !start(), withdraw(number) {
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  /// Takes a job back; `false` where a thread has begun it.
  private func withdraw(_ number: Int) -> Bool {
    lock.withLock {
      guard let index = waiting.firstIndex(where: { $0.number == number }) else { return false }
      waiting.remove(at: index)
      return true
    }
  }

  /// Runs jobs until there are more threads than are kept.
  private func serve() {
    while let job = next() {
      job.runSynchronously(on: asUnownedTaskExecutor())
      lock.withLock { idle += 1 }
    }
  }

  private func next() -> UnownedJob? {
    lock.withLock {
      while waiting.isEmpty {
        guard idle <= kept else {
          (threads, idle) = (threads - 1, idle - 1)
          return nil
        }
        lock.wait()
      }
      idle -= 1
      return waiting.removeFirst().job
    }
  }

  /// Begins a thread that has been counted; `false` where the system has none.
  private func start() -> Bool {
    guard let thread = SystemThread({ self.serve() }) else {
      lock.withLock { (threads, idle) = (threads - 1, idle - 1) }
      return false
    }
    thread.detach()
    return true
  }
}
