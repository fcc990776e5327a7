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
    var kept: Value?
    var result: Result<Value, any Error>?
  }

  /// What evaluates a model reports to this, and ends where the input is given up.
  let work: Work
  private let state = Mutex(State())
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

  /// Does the work and waits for it, or for an interruption.
  ///
  /// - Parameters:
  ///   - interruption: What somebody wants.
  ///   - body: The work; it may still run for the length of a batch after an interruption.
  /// - Returns: How it ended.
  func run(
    until interruption: @Sendable () -> Interruption?,
    _ body: @escaping @Sendable (Running<Value>) throws -> Value
  ) -> Ending {
    // Work that computes for long must not hold a thread of those that Swift shares among all
    // tasks, nor the one that watches it.
    guard WorkThreads.shared.prepare() else {
      return .failed(OutOfMemoryError(bytes: WorkThreads.stackSize))
    }
    let done = DispatchSemaphore(value: 0)
    let task = Task(executorPreference: WorkThreads.shared) {
      let result = Result { try body(self) }
      self.state.withLock { $0.result = result }
      done.signal()
    }
    let limit = Limits.current[.time]
    let (clock, start) = (ContinuousClock(), ContinuousClock.now)
    while done.wait(timeout: .now() + .milliseconds(Self.pause)) == .timedOut {
      let interruption = interruption()
      let seconds = (clock.now - start) / .seconds(1)
      guard interruption != nil || seconds > Double(limit) else { continue }
      task.cancel()
      _ = done.wait(timeout: .now() + .milliseconds(Self.grace))
      if let interruption { return ending(after: interruption) }
      let error = LimitError(
        subject: "the work", name: .time, count: Int(seconds.rounded(.up)), limit: limit)
      return .overdue(error, kept: state.withLock { $0.kept })
    }
    return ending(after: nil)
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
