internal import Dispatch
internal import Prism
internal import Synchronization

/// Explains inputs in the order in which they are handed over, as many at a time as there are
/// threads; what is held is bounded, and whoever hands over more waits.
final class WorkerLanes: Sendable {
  /// How many inputs are held, at work or waiting.
  static let ahead = 64
  /// How many bytes of inputs are held, unless one alone has more.
  private static let heldLimit = 256 << 20

  /// How an input ended, and how long it took.
  struct Ending: Sendable {
    let result: Result<WorkerOutcome, any Error>
    let seconds: Double
    let attempts: Int
  }

  /// What has been done so far.
  struct Counts: Sendable {
    var done = 0
    var failed = 0
    var cancelled = 0
    var evaluations = 0
    var seconds = 0.0
    /// Inputs that nobody has begun.
    var waiting = 0
    /// Inputs at work.
    var running = 0
  }

  private struct State {
    /// Jobs that wait, in the order in which they came.
    var waiting: [WorkerJob] = []
    /// All jobs that have not ended, by their ids.
    var held: [String: WorkerJob] = [:]
    var running = 0
    var heldBytes = 0
    var counts = Counts()
    /// Whether somebody waits for a job to end.
    var isAwaited = false

    var hasRoom: Bool {
      held.count < WorkerLanes.ahead && (heldBytes < WorkerLanes.heldLimit || held.isEmpty)
    }

    mutating func remove(_ job: WorkerJob) {
      if held.removeValue(forKey: job.id) != nil { heldBytes -= job.bytes.count }
    }
  }

  private let shelf: WorkerShelf
  private let limits: Limits
  private let count: Int
  private let attempts: Int
  private let start: @Sendable (WorkerJob) -> Void
  private let finish: @Sendable (WorkerJob, Ending) -> Void
  private let state = Mutex(State())
  private let changed = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - shelf: Has the model.
  ///   - limits: What an input may take.
  ///   - count: How many inputs are worked on at a time.
  ///   - attempts: How often an input is tried where there is no memory for it.
  ///   - start: Is told of every job that is begun.
  ///   - finish: Is told of every job that ends, once, on the thread that worked.
  init(
    _ shelf: WorkerShelf, limits: Limits, count: Int, attempts: Int = 1,
    start: @escaping @Sendable (WorkerJob) -> Void = { _ in },
    finish: @escaping @Sendable (WorkerJob, Ending) -> Void
  ) {
    self.shelf = shelf
    self.limits = limits
    self.count = max(1, count)
    self.attempts = attempts
    self.start = start
    self.finish = finish
  }

  /// What has been done so far.
  var counts: Counts {
    state.withLock { state in
      var counts = state.counts
      (counts.waiting, counts.running) = (state.waiting.count, state.running)
      return counts
    }
  }

  /// Takes an input, and waits before that while too many are held.
  ///
  /// - Returns: `false` where another with its id has not ended.
  func begin(_ job: WorkerJob) -> Bool {
    wait { $0.hasRoom }
    let isNew = state.withLock { state in
      guard state.held[job.id] == nil else { return false }
      state.held[job.id] = job
      state.heldBytes += job.bytes.count
      state.waiting.append(job)
      return true
    }
    startJobs()
    return isNew
  }

  /// Gives an input up: at once where nobody has begun it, at its next batch otherwise.
  func cancel(_ id: String) {
    let waiting = state.withLock { state -> WorkerJob? in
      guard let job = state.held[id] else { return nil }
      job.cancel()
      guard let place = state.waiting.firstIndex(where: { $0 === job }) else { return nil }
      state.waiting.remove(at: place)
      state.counts.cancelled += 1
      state.remove(job)
      return job
    }
    if let waiting {
      finish(waiting, Ending(result: .failure(CancellationError()), seconds: 0, attempts: 0))
    }
  }

  /// Counts something that failed before it became a job.
  func countFailure() { state.withLock { $0.counts.failed += 1 } }

  /// Waits until all inputs have ended.
  func waitForAll() { wait { $0.held.isEmpty && $0.running == 0 } }

  /// Gives everything up; what has not been begun ends without a word.
  func stop() {
    change { state in
      for job in state.held.values { job.cancel() }
      for job in state.waiting { state.remove(job) }
      state.waiting = []
    }
  }

  // MARK: - The work

  /// Starts jobs that wait while there are threads for them.
  private func startJobs() {
    while let job = nextJob() {
      Task(executorPreference: WorkThreads.shared) {
        self.work(on: job)
        self.startJobs()
      }
    }
  }

  private func nextJob() -> WorkerJob? {
    state.withLock { state in
      guard state.running < count, !state.waiting.isEmpty else { return nil }
      state.running += 1
      return state.waiting.removeFirst()
    }
  }

  private func work(on job: WorkerJob) {
    let (clock, beginning) = (ContinuousClock(), ContinuousClock.now)
    start(job)
    var attempt = 1
    var result = attempted(job)
    // Others may have had the memory; more time would not be given.
    while attempt < attempts, case .failure(is OutOfMemoryError) = result {
      attempt += 1
      result = attempted(job)
    }
    let seconds = (clock.now - beginning) / .seconds(1)
    // Before anybody is told: whoever has read the answer may use the id again.
    change { state in
      state.counts.seconds += seconds
      switch result {
      case .success(let result):
        state.counts.done += 1
        state.counts.evaluations += result.evaluations
      case .failure(is CancellationError): state.counts.cancelled += 1
      case .failure: state.counts.failed += 1
      }
      state.remove(job)
    }
    finish(job, Ending(result: result, seconds: seconds, attempts: attempt))
    change { $0.running -= 1 }
  }

  private func attempted(_ job: WorkerJob) -> Result<WorkerOutcome, any Error> {
    let start = ContinuousClock.now
    do {
      return .success(
        try Limits.$current.withValue(limits) {
          try Threads.beside { try explain(job, until: start + .seconds(limits[.time])) }
        })
    } catch is CancellationError where !job.isCancelled {
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      return .failure(
        LimitError(
          subject: "the work", name: .time, count: Int(seconds.rounded(.up)), limit: limits[.time]))
    } catch {
      return .failure(error)
    }
  }

  private func explain(
    _ job: WorkerJob, until end: ContinuousClock.Instant
  ) throws -> WorkerOutcome {
    if job.isCancelled { throw CancellationError() }
    let work = Work { _ in
      guard job.isCancelled || ContinuousClock.now > end else { return }
      unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
    }
    let input = ReportInput(job.bytes, name: job.name)
    if let evaluation = job.evaluation {
      let logits = try evaluation.logits(of: input, by: shelf.model, work: work)
      return .evaluation(digest: input.sha256, logits: logits)
    }
    let pipeline = try shelf.pipeline(job.request, maps: job.maps, hasPictures: job.hasPictures)
    return .explanation(try pipeline(input, work: work))
  }

  /// Changes the state, and lets somebody who waits look at it.
  private func change(_ body: (inout State) -> Void) {
    let isAwaited = state.withLock { state in
      body(&state)
      defer { state.isAwaited = false }
      return state.isAwaited
    }
    if isAwaited { changed.signal() }
  }

  /// Waits for changes until something holds; only one thread waits at a time.
  private func wait(until isFine: (State) -> Bool) {
    while true {
      let isDone = state.withLock { state in
        state.isAwaited = !isFine(state)
        return !state.isAwaited
      }
      if isDone { return }
      changed.wait()
    }
  }
}
