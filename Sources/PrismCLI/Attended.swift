internal import Dispatch
internal import Prism
internal import Synchronization

/// How work of a process ended that does nothing else, and that is left behind where somebody wants
/// the process to end.
enum Attended<Value: Sendable> {
  /// The work came to its end.
  case done(Value)
  /// Somebody wanted the process to end.
  case interrupted(Interruption)

  /// How often a wish to end, or a reason for it, is looked for, in milliseconds.
  private static var pause: Int { 50 }

  /// Does work on a thread of its own.
  ///
  /// - Parameters:
  ///   - console: Tells when the process should end.
  ///   - check: Throws where the work is of no use any more; it is left behind then.
  ///   - body: The work.
  /// - Returns: How it ended.
  /// - Throws: What `body` and `check` throw.
  static func run(
    _ console: Console, checking check: () throws -> Void = {},
    _ body: @escaping @Sendable () throws -> Value
  ) throws -> Attended {
    let interruptions = console.interruptions
    interruptions.start()
    defer { interruptions.stop() }
    let ending = Ending()
    WorkThreads.begin { ending.end(Result { try body() }) }
    while true {
      if let result = ending.wait(milliseconds: pause) { return .done(try result.get()) }
      if let interruption = interruptions.current() { return .interrupted(interruption) }
      try check()
    }
  }

  private final class Ending: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    func end(_ result: Result<Value, any Error>) {
      self.result.withLock { $0 = result }
      done.signal()
    }

    /// Waits for a while.
    func wait(milliseconds: Int) -> Result<Value, any Error>? {
      _ = done.wait(timeout: .now() + .milliseconds(milliseconds))
      return result.withLock { $0 }
    }
  }
}
