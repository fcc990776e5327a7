public import PrismRuntime

/// Why a model gave one label its number for a sound: a map over the spectrogram of one window, and
/// what of the sound it points at.
public struct SoundExplanation: Sendable, Codable {
  /// A part of time and frequency that the evidence fills.
  public struct Region: Sendable, Equatable, Codable {
    /// In seconds from the start of the sound.
    public let times: ClosedRange<Double>
    /// In which repetition of a sound that is shorter than a window; 0 for the sound itself.
    public let repetition: Int
    /// In Hz.
    public let frequencies: ClosedRange<Double>
    /// How much of the map's positive sum it holds, from 0 to 1.
    public let share: Double
  }

  /// The share of the positive attribution that counts as the evidence.
  public static let evidence = Evidence.share

  /// The map over the network's picture, and what the method reports.
  public let explanation: Explanation
  /// The explained window; the explanation has its numbers, not those of the whole sound.
  public let window: Hearing.Window
  /// The label's probability in every window.
  public let scores: [SpectrogramFigure.Score]
  /// The strongest parts of the evidence, at most five, the largest share first.
  public let regions: [Region]
  /// Where the evidence is, `[H, W]` of 0 and 1, low frequencies at the bottom: the fewest places
  /// of the smoothed map that hold half of its positive sum.
  public let mask: Tensor
  /// The window with the evidence alone: its spectrum times the mask, with the original phase.
  public let kept: Sound
  /// The window without the evidence; with ``kept`` it adds up to the window.
  public let removed: Sound
  /// What was heard, and how sure it is, a line each.
  public let notes: [String]
  /// What the model says of the whole sound, in words; `nil` where the window is all there is.
  public let verdict: String?
  /// The spectrogram as people see it.
  private let picture: Image
  /// What its axes show.
  private let axes: FigureAxes
  /// The map as people see it.
  private let shown: Tensor

  init(
    _ explanation: Explanation, window: Hearing.Window, hearing: Hearing, rule: AudioPreparation
  ) throws {
    self.explanation = explanation
    self.window = window
    let target = explanation.target
    scores = hearing.windows.map { window in
      SpectrogramFigure.Score(
        times: window.start...window.end,
        probability: window.prediction?.counterpart(of: target).probability)
    }
    notes = hearing.notes
    let whole = hearing.prediction.counterpart(of: target)
    verdict = hearing.judged.map {
      "the recording: \(whole.label) \(Text.percent(whole.probability)), \($0)"
    }
    shown = rule.upright(explanation.values)
    let evidence = Evidence(of: shown)
    mask = evidence.mask
    let length = window.end - window.start
    regions = evidence.strongest.map { part in
      let (height, width) = (Double(evidence.height), Double(evidence.width))
      let start = rule.time(at: Double(part.columns.lowerBound) / width)
      let end = rule.time(at: Double(part.columns.upperBound) / width)
      // A short sound is heard again and again.
      let repetition = hearing.isRepeated ? Int(start / length) : 0
      let shift = Double(repetition) * length
      let times = (start - shift, max(start - shift, min(end - shift, length)))
      let low = rule.frequency(at: 1 - Double(part.rows.upperBound) / height)
      let high = rule.frequency(at: 1 - Double(part.rows.lowerBound) / height)
      return Region(
        times: (window.start + times.0)...(window.start + times.1), repetition: repetition,
        frequencies: low...high, share: part.share)
    }
    (kept, removed) = try rule.divided(window.sound, by: evidence.mask)
    picture = try rule.shown(window.sound, seconds: length)
    axes = rule.axes(of: window.start...window.end, height: picture.height)
  }

  /// The map drawn over the spectrogram, with axes in seconds and hertz and frames around the
  /// regions.
  ///
  /// - Parameters:
  ///   - colorMap: Colours of the map's values; `nil` for one that suits the map's signs.
  ///   - title: What stands above all, such as the name of the sound's file.
  ///   - outline: A region whose border is drawn, not zero inside, `[H, W]` of any size, low
  ///     frequencies at the bottom.
  /// - Returns: A picture; under it the label's probability over time where the sound has several
  ///   windows.
  /// - Throws: `ImageError.noMemory`.
  public func overlay(
    colorMap: ColorMap? = nil, title: String = "", outline: Tensor? = nil
  ) throws -> Image {
    let attribution = explanation.attribution
    let length = window.end - window.start
    return try SpectrogramFigure(
      image: picture, map: shown, axes: axes,
      label: explanation.target.label, probability: explanation.target.probability,
      details: [explanation.title]
        + (attribution.layer.map { ["layer \($0)"] } ?? [])
        + ["frames: the evidence, half of the positive attribution"],
      notes: (verdict.map {
        [
          "probability and map are those of the window \(Text.decimal(window.start, decimals: 2)) to "
            + "\(Text.decimal(window.end, decimals: 2)) s; \($0)"
        ]
      } ?? []) + notes + attribution.diagnostics,
      boxes: regions.map { region in
        let shift = Double(region.repetition) * length
        return .init(
          times: (region.times.lowerBound + shift)...(region.times.upperBound + shift),
          frequencies: region.frequencies)
      },
      scores: scores, title: title, unit: explanation.mapUnit, outline: outline,
      overlay: Overlay(colorMap: colorMap)
    ).rendered()
  }
}

extension Model {
  /// Explains labels' numbers for a sound, each in the window that speaks most for it; those of one
  /// window in one pass.
  ///
  /// - Parameters:
  ///   - hearing: What the model heard.
  ///   - explainer: The method.
  ///   - targets: The labels, from the prediction of the same sound.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - work: What the evaluations are reported to.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func explain(
    _ hearing: Hearing, with explainer: any Explainer, targets: [Prediction.Entry],
    batch: Int? = nil, work: Work = .unwatched
  ) throws -> [SoundExplanation] {
    let windows = targets.map(hearing.strongest)
    var results = [SoundExplanation?](repeating: nil, count: targets.count)
    for start in Set(windows.map(\.start)).sorted() {
      let indices = targets.indices.filter { windows[$0].start == start }
      let window = windows[indices[0]]
      // The numbers that are explained are those of the window, not of the whole sound.
      let explanations = try explain(
        explained(window), with: explainer,
        targets: indices.compactMap { window.prediction?.counterpart(of: targets[$0]) },
        batch: batch, work: work)
      for (index, explanation) in zip(indices, explanations) {
        results[index] = try evidence(of: explanation, in: window, of: hearing)
      }
    }
    return try results.map { result in
      guard let result else {
        throw ExplanationError.unsuitable("\(explainer.name) explained nothing")
      }
      return result
    }
  }

  /// What explainers look at: the spectrogram of a window as the network takes it.
  ///
  /// Of a sound of one window it has what was computed when it was listened to; that of others gets
  /// it from ``predict(_:)-(ExplainedImage)``, so that several methods need no further forward
  /// pass.
  ///
  /// - Throws: ``ModelError/wrongInput(_:)`` where the model takes pictures; `SpectrogramError`.
  public func explained(_ window: Hearing.Window) throws -> ExplainedImage {
    try window.image ?? explained(window.sound, by: try audioPreparation())
  }

  /// What of a sound a map points at.
  ///
  /// - Parameters:
  ///   - explanation: Of the window's picture, with the window's numbers.
  ///   - window: The window that was explained.
  ///   - hearing: The sound that it belongs to.
  /// - Returns: The explanation with its regions and sounds.
  /// - Throws: ``ModelError/wrongInput(_:)`` where the model takes pictures; `SpectrogramError`.
  public func evidence(
    of explanation: Explanation, in window: Hearing.Window, of hearing: Hearing
  ) throws -> SoundExplanation {
    try SoundExplanation(
      explanation, window: window, hearing: hearing, rule: try audioPreparation())
  }

  /// The probability of a label for a part of a sound as long as a window, such as the evidence
  /// alone.
  ///
  /// - Returns: `nil` for silence, of which the model can say nothing.
  public func probability(of target: Prediction.Entry, in window: Sound) throws -> Double? {
    guard window.samples.contains(where: { $0 != 0 }) else { return nil }
    let input = try audioPreparation().tensor(of: window)
    return try prediction(ofLogits: logits(input).scalars).counterpart(of: target).probability
  }

  /// What explainers look at: the spectrogram of a part of a sound as long as a window.
  func explained(_ window: Sound, by rule: AudioPreparation) throws -> ExplainedImage {
    let (input, pixels) = try rule.prepared(window)
    return ExplainedImage(
      input, pixels: pixels.tensor(), black: rule.black, white: rule.white)
  }
}
