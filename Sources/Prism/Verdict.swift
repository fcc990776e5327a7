/// How what a model says of a recording's windows becomes what it says of the recording.
///
/// Silent windows have no vote in any of them.
public enum Verdict: String, Sendable, CaseIterable, Codable {
  /// By the mean of the windows' logits: what the recording is as a whole.
  case mean
  /// By the window that speaks most for a label; of a model with two labels, for the second. What
  /// is anywhere in the recording; the numbers of labels that exclude each other need not add up to
  /// 1.
  case maximum
  /// The share of windows in which a label counts: is above its threshold, or is the most probable
  /// where labels exclude each other. The logit stays that of the mean.
  case share

  /// What the recording's numbers are, in words.
  ///
  /// - Parameter count: The windows that have a vote.
  /// - Returns: Such as `mean of 7 windows`.
  public func description(of count: Int) -> String {
    let windows = count == 1 ? "1 window" : "\(count) windows"
    switch self {
    case .mean: return "mean of \(windows)"
    case .maximum: return "maximum of \(windows)"
    case .share: return "share of \(windows) in which the label counts"
    }
  }

  /// The numbers of a recording.
  ///
  /// - Parameters:
  ///   - windows: Those of the windows that have a vote; at least one.
  ///   - output: The kind of the model's labels.
  /// - Returns: The recording's prediction.
  func prediction(of windows: [Prediction], output: ModelCard.Output) -> Prediction {
    guard windows.count > 1 else { return windows[0] }
    let labels = windows[0].entries.map(\.label)
    let mean = Prediction(
      logits: labels.indices.map { label in
        windows.reduce(0) { $0 + $1.entries[label].logit } / Double(windows.count)
      }, labels: labels, output: output)
    switch self {
    case .mean: return mean
    case .maximum: return maximum(of: windows, output: output)
    case .share:
      let shares = labels.indices.map { label in
        Double(windows.count { $0.counts(label, for: output) }) / Double(windows.count)
      }
      // Half of the windows, whatever the threshold in a window is.
      let threshold = output.threshold.map { _ in 0.5 }
      return Prediction(
        entries: zip(mean.entries, shares).map { entry, share in
          Prediction.Entry(
            index: entry.index, label: entry.label, logit: entry.logit, probability: share,
            threshold: threshold)
        }, threshold: threshold)
    }
  }

  private func maximum(of windows: [Prediction], output: ModelCard.Output) -> Prediction {
    func strongest(for label: Int) -> Prediction {
      windows.dropFirst().reduce(windows[0]) {
        $1.entries[label].probability > $0.entries[label].probability
          || ($1.entries[label].probability == $0.entries[label].probability
            && $1.entries[label].logit > $0.entries[label].logit)
          ? $1 : $0
      }
    }
    if case .binary = output, windows[0].entries.count == 2 { return strongest(for: 1) }
    return Prediction(
      entries: windows[0].entries.indices.map { strongest(for: $0).entries[$0] },
      threshold: windows[0].threshold)
  }
}

extension Prediction {
  /// Whether a label counts: is above its threshold, or is the most probable where labels exclude
  /// each other.
  package func counts(_ label: Int, for output: ModelCard.Output) -> Bool {
    switch output {
    case .softmax: top.index == label
    case .sigmoid: entries[label].isPresent ?? false
    case .binary(let threshold):
      // The first label counts where the second does not.
      label == 1 ? entries[1].probability >= threshold : !counts(1, for: output)
    }
  }
}
