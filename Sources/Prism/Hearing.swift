/// What a model says about a sound: about every window of it, and about the whole.
public struct Hearing: Sendable {
  /// A part of the sound as long as the model looks at.
  public struct Window: Sendable {
    /// Where it begins, in seconds.
    public let start: Double
    /// Where it ends, in seconds; for a sound that is shorter than a window, where the repetition ends.
    public let end: Double
    /// Its samples, at the model's rate.
    public let sound: Sound
    /// What the model says about it.
    public let prediction: Prediction
  }

  /// The sound, at its own rate.
  public let sound: Sound
  /// The windows in the order of time; at least one.
  public let windows: [Window]
  /// The labels by the mean of the windows' logits.
  public let prediction: Prediction

  /// The window that speaks most for a label; the first of several.
  public func strongest(for target: Prediction.Entry) -> Window {
    func logit(_ window: Window) -> Double { window.prediction.entries[target.index].logit }
    return windows.dropFirst().reduce(windows[0]) { logit($1) > logit($0) ? $1 : $0 }
  }
}

/// Which windows of a sound are explained.
public enum WindowChoice: Sendable, Equatable {
  /// So many that speak most for the label.
  case strongest(Int)
  /// Those that begin nearest to the given times, in seconds.
  case starts([Double])
  /// All.
  case all
}

extension Hearing {
  /// The windows that are explained for a label, in the order of time.
  ///
  /// - Parameters:
  ///   - target: The label.
  ///   - choice: Which of its windows.
  /// - Returns: At least one window, each once.
  /// - Throws: ``ModelError/wrongInput(_:)`` where a time lies outside the sound.
  public func windows(for target: Prediction.Entry, _ choice: WindowChoice) throws -> [Window] {
    func logit(_ index: Int) -> Double { windows[index].prediction.entries[target.index].logit }
    switch choice {
    case .all: return windows
    case .strongest(let count):
      let order = windows.indices.sorted { (logit($1), $0) < (logit($0), $1) }
      return order.prefix(max(count, 1)).sorted().map { windows[$0] }
    case .starts(let times):
      let places = try times.map { time in
        guard time >= 0, time < sound.seconds else {
          throw ModelError.wrongInput(
            "window at \(time) s: the sound has \((sound.seconds * 100).rounded() / 100) s")
        }
        return windows.indices.min {
          abs(windows[$0].start - time) < abs(windows[$1].start - time)
        } ?? 0
      }
      return Set(places).sorted().map { windows[$0] }
    }
  }
}

extension Model {
  /// The rule by which a sound becomes the network's input.
  ///
  /// - Throws: ``ModelError/wrongInput(_:)`` where the model takes pictures.
  func audioPreparation() throws -> AudioPreparation {
    guard let audio = card.input.audio else { throw ModelError.wrongInput("sounds") }
    return try AudioPreparation(audio)
  }

  /// Predicts the labels of a sound, window by window.
  ///
  /// - Parameters:
  ///   - sound: Of any rate and length.
  ///   - hop: From one window to the next, in seconds; `nil` for half a window.
  /// - Returns: The prediction of every window, and that of the whole.
  /// - Throws: `SoundError.tooShort`, `.silent`; ``ModelError``.
  public func listen(to sound: Sound, hop: Double? = nil) throws -> Hearing {
    let rule = try audioPreparation()
    let windows = try rule.windows(of: sound, hop: hop)
    var heard: [Hearing.Window] = []
    var sums = [Double](repeating: 0, count: labels.count)
    // Few at a time, so that memory does not grow with the sound.
    let batch = 16
    for first in stride(from: 0, to: windows.count, by: batch) {
      let part = windows[first..<min(first + batch, windows.count)]
      let logits = try logits(Tensor.stacking(part.map { try rule.tensor(of: $0.sound) }))
      let scalars = logits.scalars.map(Double.init)
      guard scalars.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
      for (row, window) in part.enumerated() {
        let values = Array(scalars[(row * labels.count)..<((row + 1) * labels.count)])
        for (label, value) in values.enumerated() { sums[label] += value }
        heard.append(
          Hearing.Window(
            start: window.start, end: window.start + rule.input.seconds, sound: window.sound,
            prediction: Prediction(logits: values, labels: labels, output: card.output)))
      }
    }
    return Hearing(
      sound: sound, windows: heard,
      prediction: Prediction(
        logits: sums.map { $0 / Double(windows.count) }, labels: labels, output: card.output))
  }

  /// Predicts the labels of a sound: those of the mean logits of its windows.
  ///
  /// - Throws: As `listen(to:hop:)`.
  public func predict(_ sound: Sound) throws -> Prediction {
    try listen(to: sound).prediction
  }
}
