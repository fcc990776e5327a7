internal import Prism
internal import Synchronization

/// Tells watchers how far work is, a few times a second.
final class ProgressReport: Sendable {
  private struct State {
    var stage = ""
    var number = 0
    var count = 0
    var before = 0
    var start = ContinuousClock.now
    var last: ContinuousClock.Instant?
  }

  private let log: EventLog
  private let state = Mutex(State())

  init(_ log: EventLog) { self.log = log }

  /// A method begins.
  func begin(_ stage: String, _ number: Int, of count: Int) {
    state.withLock { state in
      state.stage = stage
      state.number = number
      state.count = count
      state.start = .now
      state.last = nil
    }
    send(Work.Progress(done: 0, planned: 0))
  }

  /// Evaluations are done.
  func report(_ progress: Work.Progress) {
    let isTime = state.withLock { state in
      let now = ContinuousClock.now
      if let last = state.last, now - last < .milliseconds(100) { return false }
      state.last = now
      return true
    }
    if isTime { send(progress) }
  }

  private func send(_ progress: Work.Progress) {
    let state = state.withLock { $0 }
    let seconds = (ContinuousClock.now - state.start) / .seconds(1)
    let left = progress.planned - progress.done
    log.report(progress: [
      "method": .string(state.stage), "number": .integer(state.number),
      "count": .integer(state.count), "done": .integer(progress.done),
      "planned": .integer(progress.planned),
      "secondsLeft": progress.done > 0 && left > 0
        ? .number((seconds / Double(progress.done) * Double(left) * 10).rounded() / 10) : .null,
    ])
  }
}
