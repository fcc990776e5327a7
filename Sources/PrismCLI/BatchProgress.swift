internal import Prism
internal import Synchronization

/// What the line of progress says: which input, which part of it, how many evaluations, how much
/// time is left.
final class BatchProgress: Sendable {
  private struct State {
    var input = ""
    var inputsDone = 0
    var stage: (name: String, number: Int, count: Int)?
    /// The evaluations and the time at which the stage began.
    var stageStart = (evaluations: 0, seconds: 0.0)
    var evaluations = (done: 0, planned: 0)
    var shown = -Double.infinity
  }

  /// The time between two changes of the line, in seconds, so that a terminal is not flooded.
  private static let pause = 0.1

  private let console: Console
  private let count: Int
  private let seconds: @Sendable () -> Double
  private let state = Mutex(State())

  /// - Parameters:
  ///   - console: Where the line is shown.
  ///   - count: The number of inputs.
  ///   - seconds: The time since the work began.
  init(_ console: Console, count: Int, seconds: @escaping @Sendable () -> Double) {
    self.console = console
    self.count = count
    self.seconds = seconds
  }

  /// A clock that begins now.
  static func clock() -> @Sendable () -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    return { (clock.now - start) / .seconds(1) }
  }

  /// The next input begins.
  func begin(_ input: String, after inputsDone: Int) {
    let now = seconds()
    update(isShown: count > 1) { state in
      state.input = input
      state.inputsDone = inputsDone
      state.stage = nil
      state.stageStart = (0, now)
      state.evaluations = (0, 0)
    }
  }

  /// The next part of an input begins.
  func begin(_ name: String, _ number: Int, of count: Int) {
    let now = seconds()
    update(isShown: true) { state in
      state.stage = (name, number, count)
      state.stageStart = (state.evaluations.done, now)
    }
  }

  /// Evaluations are done.
  func note(_ progress: Work.Progress) {
    let now = seconds()
    let isDue = state.withLock { now - $0.shown >= Self.pause }
    update(isShown: isDue) { $0.evaluations = (progress.done, progress.planned) }
  }

  private func update(isShown: Bool, _ change: (inout State) -> Void) {
    let now = seconds()
    state.withLock { state in
      change(&state)
      guard isShown else { return }
      state.shown = now
      // Inside the lock, so that lines come in their order.
      console.progress(line(state, now))
    }
  }

  private func line(_ state: State, _ now: Double) -> String {
    var parts: [String] = []
    if count > 1 { parts.append("\(state.inputsDone + 1) of \(count): \(shortened(state.input))") }
    if let stage = state.stage {
      parts.append(
        stage.count > 1 ? "\(stage.name) (\(stage.number) of \(stage.count))" : stage.name)
    }
    // Evaluations count from where the stage began.
    let done = state.evaluations.done - state.stageStart.evaluations
    let planned = state.evaluations.planned - state.stageStart.evaluations
    if planned > 0 { parts.append("\(done) of \(planned) evaluations") }
    let share = planned > 0 ? Double(done) / Double(planned) : 0
    if let left = secondsLeft(state, now, share) {
      parts.append("about \(Self.duration(left)) left")
    }
    return parts.joined(separator: ", ")
  }

  /// The time for the inputs that are left, and for one alone that of its part.
  private func secondsLeft(_ state: State, _ now: Double, _ share: Double) -> Double? {
    if count == 1 {
      return share > 0 ? (now - state.stageStart.seconds) * (1 - share) / share : nil
    }
    let within =
      state.stage.map { (Double($0.number - 1) + share) / Double(max($0.count, 1)) } ?? share
    let done = Double(state.inputsDone) + within
    return done > 0 ? now * (Double(count) - done) / done : nil
  }

  /// A path's end, which tells most, so that the line does not wrap.
  private func shortened(_ path: String) -> String {
    path.count <= 32 ? path : "…" + path.suffix(31)
  }

  /// A time as it is shown, such as `12 s`.
  static func duration(_ seconds: Double) -> String {
    let left = Int(min(seconds, 1e9).rounded(.up))
    return left < 120 ? "\(left) s" : left < 7200 ? "\(left / 60) min" : "\(left / 3600) h"
  }
}
