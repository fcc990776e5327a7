internal import PrismRuntime

/// What a model says about a sound: about every window of it, and about the whole.
public struct Hearing: Sendable, Codable {
  /// A part of the sound as long as the model looks at.
  public struct Window: Sendable, Codable {
    /// Where it begins, in seconds.
    public let start: Double
    /// Where it ends, in seconds; for a sound that is shorter than a window, where the sound ends,
    /// which is then repeated to fill the window.
    public let end: Double
    /// Its samples, at the model's rate.
    public let sound: Sound
    /// What the model says about it; `nil` for silence, of which it can say nothing.
    public let prediction: Prediction?
    /// The picture with what was computed of it, where it was kept.
    var image: ExplainedImage?

    /// Whether it is silence.
    public var isSilent: Bool { prediction == nil }

    private enum CodingKeys: CodingKey {
      case start, end, sound, prediction
    }
  }

  /// A part of the sound of which the model says something else than of the whole.
  public struct Passage: Sendable, Equatable, Codable {
    /// The label's place among the model's outputs.
    public let index: Int
    /// The label.
    public let label: String
    /// Where its windows begin, in seconds.
    public let start: Double
    /// Where they end, in seconds.
    public let end: Double
    /// The largest probability of the label in them.
    public let probability: Double
  }

  /// The sound, at its own rate.
  public let sound: Sound
  /// The rate at which the model heard it, in Hz.
  public let rate: Int
  /// The length of a window, in seconds.
  public let windowSeconds: Double
  /// The windows in the order of time; at least one is not silent.
  public let windows: [Window]
  /// How the windows' numbers became the whole's.
  public let verdict: Verdict
  /// What the model says of the whole.
  public let prediction: Prediction
  /// Parts of which the model says something else, in the order of time, such as a short synthetic
  /// insert in a real recording.
  public let passages: [Passage]
  /// What the sound is like.
  public let signal: SignalCheck
  /// What speaks against believing the prediction, a line each; none for an ordinary recording.
  public let warnings: [String]

  /// The windows that have a vote.
  public var heard: [Window] { windows.filter { !$0.isSilent } }

  /// Whether the sound is shorter than a window, so that it was repeated to fill it.
  public var isRepeated: Bool { sound.seconds < windowSeconds - 1e-6 }

  /// The window that speaks most for a label; the first of several.
  public func strongest(for target: Prediction.Entry) -> Window {
    func logit(_ window: Window) -> Double {
      window.prediction?.counterpart(of: target).logit ?? -.infinity
    }
    return windows.dropFirst().reduce(windows[0]) { logit($1) > logit($0) ? $1 : $0 }
  }
}

/// Which windows of a sound are explained.
public enum WindowChoice: Sendable, Equatable {
  /// So many that speak most for the label.
  case strongest(Int)
  /// Those that begin nearest to the given times, in seconds.
  case starts([Double])
  /// All that are not silent.
  case all
}

extension Hearing {
  /// The windows that are explained for a label, in the order of time.
  ///
  /// - Parameters:
  ///   - target: The label.
  ///   - choice: Which of its windows.
  /// - Returns: At least one window, each once.
  /// - Throws: ``ModelError/window(_:)`` where a time lies outside the sound, or in silence.
  public func windows(for target: Prediction.Entry, _ choice: WindowChoice) throws -> [Window] {
    func logit(_ index: Int) -> Double {
      windows[index].prediction?.counterpart(of: target).logit ?? -.infinity
    }
    switch choice {
    case .all: return heard
    case .strongest(let count):
      let order = windows.indices.filter { !windows[$0].isSilent }.sorted {
        (logit($1), $0) < (logit($0), $1)
      }
      return order.prefix(max(count, 1)).sorted().map { windows[$0] }
    case .starts(let times):
      let places = try times.map { time in
        guard time >= 0, time < sound.seconds else {
          throw ModelError.window(
            "there is no window at \(time) s: the sound has \((sound.seconds * 100).rounded() / 100) s"
          )
        }
        let nearest =
          windows.indices.min {
            abs(windows[$0].start - time) < abs(windows[$1].start - time)
          } ?? 0
        guard !windows[nearest].isSilent else {
          throw ModelError.window(
            "the window at \(windows[nearest].start) s is silent, and there is nothing to explain")
        }
        return nearest
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
  ///   - verdict: How the windows' numbers become the whole's.
  /// - Returns: The prediction of every window that is not silent, and that of the whole.
  /// - Throws: `SoundError.tooShort`, `.silent`; ``ModelError``.
  public func listen(
    to sound: Sound, hop: Double? = nil, verdict: Verdict = .mean
  ) throws -> Hearing {
    let rule = try audioPreparation()
    let segments = try rule.windows(of: sound, hop: hop)
    let heard = segments.filter { !$0.isSilent }
    var image: ExplainedImage?
    var predictions: [Prediction] = []
    if heard.count == 1 {
      // What methods need of the only window is computed once.
      var explained = try explained(heard[0].sound, by: rule)
      predictions = [try predict(&explained)]
      image = explained
    } else {
      predictions = try self.predictions(of: heard, rule: rule)
    }
    var rest = predictions[...]
    let windows = segments.map { segment in
      Hearing.Window(
        start: segment.start, end: segment.end, sound: segment.sound,
        prediction: segment.isSilent ? nil : rest.popFirst(),
        image: segment.isSilent ? nil : image)
    }
    let prediction = verdict.prediction(of: predictions, output: card.output)
    let signal = try SignalCheck(sound)
    return Hearing(
      sound: sound, rate: rule.input.sampleRate, windowSeconds: rule.input.seconds,
      windows: windows, verdict: verdict, prediction: prediction,
      passages: Hearing.passages(in: windows, unlike: prediction, output: card.output),
      signal: signal,
      warnings: signal.warnings(highest: rule.input.maximum, needed: rule.input.seconds))
  }

  private func predictions(
    of segments: [AudioSegment], rule: AudioPreparation
  ) throws -> [Prediction] {
    var predictions: [Prediction] = []
    // Few at a time, so that memory does not grow with the sound.
    let batch = 16
    for first in stride(from: 0, to: segments.count, by: batch) {
      let part = segments[first..<min(first + batch, segments.count)]
      let logits = try logits(Tensor.stacking(part.map { try rule.tensor(of: $0.sound) }))
      let scalars = logits.scalars.map(Double.init)
      guard scalars.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
      predictions += part.indices.map { place in
        let row = place - first
        return Prediction(
          logits: Array(scalars[(row * labels.count)..<((row + 1) * labels.count)]),
          labels: labels, output: card.output)
      }
    }
    return predictions
  }

  /// Predicts the labels of a sound: those of the mean logits of its windows.
  ///
  /// - Throws: As `listen(to:hop:verdict:)`.
  public func predict(_ sound: Sound) throws -> Prediction {
    try listen(to: sound).prediction
  }
}

extension Hearing {
  /// Runs of windows of which the model says something else than of the whole.
  fileprivate static func passages(
    in windows: [Window], unlike whole: Prediction, output: ModelCard.Output
  ) -> [Passage] {
    guard windows.count(where: { !$0.isSilent }) > 1 else { return [] }
    let others = whole.entries.filter { entry in
      if case .sigmoid = output { return entry.isPresent != true }
      return entry.index != whole.top.index
    }
    let found = others.flatMap { entry -> [Passage] in
      var passages: [Passage] = []
      var isOpen = false
      for window in windows {
        guard let prediction = window.prediction, prediction.counts(entry.index, for: output),
          prediction.entries[entry.index].probability >= 0.5 || output.threshold != nil
        else {
          isOpen = false
          continue
        }
        let probability = prediction.entries[entry.index].probability
        let before = isOpen ? passages.popLast() : nil
        passages.append(
          Passage(
            index: entry.index, label: entry.label, start: before?.start ?? window.start,
            end: window.end, probability: max(before?.probability ?? 0, probability)))
        isOpen = true
      }
      return passages
    }
    return found.sorted { ($0.start, $0.index) < ($1.start, $1.index) }
  }
}
