internal import HTTPTypes
internal import Synchronization

/// Work that goes on beside requests: each piece has a name, a task and events.
final class RunningWork: Sendable {
  private struct Piece {
    let task: Task<Void, Never>
    let log: EventLog
  }

  private struct State {
    var pieces: [String: Piece] = [:]
    var isClosing = false
  }

  private let state = Mutex(State())

  /// Whether everything is being ended.
  var isClosing: Bool { state.withLock { $0.isClosing } }

  /// The events of a piece that runs, or `nil`.
  func log(of name: String) -> EventLog? { state.withLock { $0.pieces[name]?.log } }

  /// Begins a piece of work.
  ///
  /// - Parameters:
  ///   - name: What it is called.
  ///   - work: The work, which is given its events.
  /// - Throws: ``Problem`` while everything is being ended.
  func start(_ name: String, _ work: @escaping @Sendable (EventLog) async -> Void) throws {
    let log = EventLog()
    try state.withLock { state in
      guard !state.isClosing else {
        throw Problem(.serviceUnavailable, "the server is ending", headers: [.retryAfter: "5"])
      }
      let task = Task {
        await work(log)
        self.forget(name, log)
      }
      state.pieces[name] = Piece(task: task, log: log)
    }
  }

  /// Forgets work that has ended, unless something of its name runs again already.
  private func forget(_ name: String, _ log: EventLog) {
    state.withLock { state in
      if state.pieces[name]?.log === log { state.pieces[name] = nil }
    }
  }

  /// Ends a piece of work within a batch, and waits until it has ended.
  func cancel(_ name: String) async {
    guard let piece = state.withLock({ $0.pieces[name] }) else { return }
    piece.task.cancel()
    await piece.task.value
  }

  /// Ends everything that runs, and waits until it has ended.
  func close() async {
    let pieces = state.withLock { state in
      state.isClosing = true
      return state.pieces.values.map { $0 }
    }
    for piece in pieces { piece.task.cancel() }
    for piece in pieces { await piece.task.value }
  }
}
