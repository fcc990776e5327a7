internal import Prism
internal import Synchronization

/// What the line of progress says: which input, which part of it, how many evaluations, how much
/// time is left.
final class BatchProgress: Sendable {
  /// What is told of an input that is worked on.
  private struct Part {
    var input: String
    var stage: (name: String, number: Int, count: Int)?
    /// The evaluations and the time at which the stage began.
    var stageStart: (evaluations: Int, seconds: Double)
    var evaluations = (done: 0, planned: 0)

    /// The share of the stage's evaluations that is done.
    var share: Double {
      stagePlanned > 0 ? Double(stageDone) / Double(stagePlanned) : 0
    }
    // Evaluations count from where the stage began.
    var stageDone: Int { evaluations.done - stageStart.evaluations }
    var stagePlanned: Int { evaluations.planned - stageStart.evaluations }
    /// The share of the input that is done.
    var shareOfInput: Double {
      stage.map { (Double($0.number - 1) + share) / Double(max($0.count, 1)) } ?? share
    }
  }

  private struct State {
    /// The inputs that are worked on, by their number from 0.
    var parts: [Int: Part] = [:]
    var shown = -Double.infinity

    /// The first of them: all before it are done.
    var first: Int? { parts.keys.min() }
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

  /// Work on an input begins.
  ///
  /// - Parameters:
  ///   - input: Its path.
  ///   - index: Its number, from 0; the line tells of the first that is worked on.
  func begin(_ input: String, at index: Int) {
    let now = seconds()
    update(isShown: { count > 1 && $0.first == index }) { state in
      state.parts[index] = Part(input: input, stageStart: (0, now))
    }
  }

  /// The next part of an input begins.
  func begin(_ name: String, _ number: Int, of count: Int, at index: Int) {
    let now = seconds()
    update(isShown: { $0.first == index }) { state in
      guard var part = state.parts[index] else { return }
      part.stage = (name, number, count)
      part.stageStart = (part.evaluations.done, now)
      state.parts[index] = part
    }
  }

  /// Evaluations are done.
  func note(_ progress: Work.Progress, at index: Int) {
    let now = seconds()
    update(isShown: { $0.first == index && now - $0.shown >= Self.pause }) { state in
      state.parts[index]?.evaluations = (progress.done, progress.planned)
    }
  }

  /// An input is done; the line tells of the next.
  func end(at index: Int) {
    update(isShown: { count > 1 && $0.first != nil }) { $0.parts[index] = nil }
  }

  private func update(isShown: (State) -> Bool, _ change: (inout State) -> Void) {
    let now = seconds()
    state.withLock { state in
      change(&state)
      guard isShown(state), let first = state.first, let part = state.parts[first] else { return }
      state.shown = now
      // Inside the lock, so that lines come in their order.
      console.progress(line(part, first, state, now))
    }
  }

  private func line(_ part: Part, _ index: Int, _ state: State, _ now: Double) -> String {
    var parts: [String] = []
    if count > 1 { parts.append("\(index + 1) of \(count): \(shortened(part.input))") }
    if let stage = part.stage {
      parts.append(
        stage.count > 1 ? "\(stage.name) (\(stage.number) of \(stage.count))" : stage.name)
    }
    if part.stagePlanned > 0 {
      parts.append("\(part.stageDone) of \(part.stagePlanned) evaluations")
    }
    if let left = secondsLeft(part, index, state, now) {
      parts.append("about \(Self.duration(left)) left")
    }
    return parts.joined(separator: ", ")
  }

  /// The time for the inputs that are left, and for one alone that of its part.
  private func secondsLeft(_ part: Part, _ index: Int, _ state: State, _ now: Double) -> Double? {
    if count == 1 {
      return part.share > 0
        ? (now - part.stageStart.seconds) * (1 - part.share) / part.share : nil
    }
    let done = Double(index) + state.parts.values.reduce(0) { $0 + $1.shareOfInput }
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
