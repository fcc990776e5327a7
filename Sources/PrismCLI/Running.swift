internal import Dispatch
internal import Prism
internal import Synchronization

/// The work on one input: it runs on a thread of its own, tells how far it is, and keeps what is
/// finished.
final class Running<Value: Sendable>: Sendable {
  /// How the work ended.
  enum Ending {
    case done(Value)
    case failed(any Error)
    /// Somebody wanted it to end; with what was finished by then.
    case interrupted(Interruption, kept: Value?)
    /// It took too long; with what was finished by then.
    case overdue(LimitError, kept: Value?)
  }

  /// How long a batch that runs may take to end after an interruption, in milliseconds.
  private static var grace: Int { 80 }
  /// How soon an interruption is noticed, in milliseconds.
  private static var pause: Int { 10 }

  private struct State {
    var task: Task<Void, Never>?
    var start = ContinuousClock.now
    var kept: Value?
    var result: Result<Value, any Error>?
  }

  /// What evaluates a model reports to this, and ends where the input is given up.
  let work: Work
  private let state = Mutex(State())
  private let done = DispatchSemaphore(value: 0)
  private let stages: @Sendable (Stage) -> Void

  /// A part of the work, such as one method.
  struct Stage: Sendable {
    let name: String
    /// Counted from 1.
    let number: Int
    let count: Int
  }

  /// - Parameters:
  ///   - progress: Is told of evaluations, on the thread that works.
  ///   - stages: Is told of the parts as they begin.
  init(
    progress: @escaping @Sendable (Work.Progress) -> Void,
    stages: @escaping @Sendable (Stage) -> Void
  ) {
    work = Work(report: progress)
    self.stages = stages
  }

  /// Announces the next part of the work.
  func stage(_ name: String, _ number: Int, of count: Int) {
    stages(Stage(name: name, number: number, count: count))
  }

  /// Keeps what is finished so far, which is not lost if the work is interrupted.
  func keep(_ value: Value) { state.withLock { $0.kept = value } }

  /// Begins the work, on a thread of its own.
  ///
  /// - Parameters:
  ///   - threads: Where; the work waits for its turn where it has no more of them.
  ///   - body: The work; it may still run for the length of a batch after it is given up.
  func begin(
    on threads: WorkThreads, _ body: @escaping @Sendable (Running<Value>) throws -> Value
  ) {
    // Work that computes for long must not hold a thread of those that Swift shares among all
    // tasks, nor the one that watches it.
    guard threads.prepare() else {
      let error = OutOfMemoryError(bytes: WorkThreads.stackSize)
      state.withLock { $0.result = .failure(error) }
      done.signal()
      return
    }
    let task = Task(executorPreference: threads) {
      let result = Result { try body(self) }
      self.state.withLock { $0.result = result }
      self.done.signal()
    }
    state.withLock { $0.task = task }
  }

  /// Counts the time of the work from now on: it had to wait for its turn.
  func started() { state.withLock { $0.start = .now } }

  /// Gives the work up.
  func cancel() { state.withLock { $0.task }?.cancel() }

  /// Waits for the work, or for an interruption.
  ///
  /// - Parameter interruption: What somebody wants.
  /// - Returns: How it ended.
  func wait(until interruption: @Sendable () -> Interruption?) -> Ending {
    let limit = Limits.current[.time]
    while done.wait(timeout: .now() + .milliseconds(Self.pause)) == .timedOut {
      let interruption = interruption()
      let seconds = (ContinuousClock.now - state.withLock { $0.start }) / .seconds(1)
      guard interruption != nil || seconds > Double(limit) else { continue }
      cancel()
      _ = done.wait(timeout: .now() + .milliseconds(Self.grace))
      if let interruption { return ending(after: interruption) }
      let error = LimitError(
        subject: "the work", name: .time, count: Int(seconds.rounded(.up)), limit: limit)
      return .overdue(error, kept: state.withLock { $0.kept })
    }
    // Work that was given up before it was waited for ends by itself.
    return ending(after: interruption())
  }

  private func ending(after interruption: Interruption?) -> Ending {
    state.withLock { state in
      switch (state.result, interruption) {
      case (.success(let value), _): .done(value)
      case (.failure(let error), nil): .failed(error)
      case (.failure(let error), _?) where !(error is CancellationError): .failed(error)
      case (_, let interruption?): .interrupted(interruption, kept: state.kept)
      case (nil, nil): .failed(CancellationError())
      }
    }
  }
}
