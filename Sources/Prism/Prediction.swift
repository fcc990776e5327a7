public import PrismExplain
internal import PrismTensor

/// What a model says about one input: a logit and a probability for every label.
public struct Prediction: Sendable, Equatable, Codable {
  /// One label with its numbers.
  public struct Entry: Sendable, Equatable, Codable {
    /// The label's place among the model's outputs.
    public let index: Int
    /// The label's name.
    public let label: String
    /// The number the network computed.
    public let logit: Double
    /// Softmax or sigmoid of the logit, as the model card says.
    public let probability: Double
    /// The probability from which the label counts, or `nil` where labels exclude each other.
    public let threshold: Double?
    /// The two labels whose logits are subtracted, of a contrast; `nil` for a label.
    ///
    /// ``Prediction/contrast(of:against:)`` makes one.
    public let contrast: Contrast?

    /// Takes numbers as they are.
    init(
      index: Int, label: String, logit: Double, probability: Double, threshold: Double?,
      contrast: Contrast? = nil
    ) {
      self.index = index
      self.label = label
      self.logit = logit
      self.probability = probability
      self.threshold = threshold
      self.contrast = contrast
    }

    /// Whether the label counts; `nil` where labels exclude each other.
    public var isPresent: Bool? { threshold.map { probability >= $0 } }

    /// Whether labels exclude each other and this one is found though its logit is negative: the
    /// softmax knows differences alone, and what speaks for the logit by itself says little.
    package var isFoundBelowZero: Bool {
      threshold == nil && contrast == nil && probability > 0.5 && logit < 0
    }
  }

  /// The labels in the order of the model's outputs; there is at least one.
  public let entries: [Entry]

  /// The probability from which labels count that have no threshold of their own
  /// (``Entry/threshold``), or `nil` where labels exclude each other.
  public let threshold: Double?

  /// The labels with the most probable first; equals keep the model's order.
  public var ranked: [Entry] {
    unsafe entries.withUnsafeBufferPointer { entries in
      // Places are moved about, not entries with their texts.
      entries.indices.sorted { unsafe Self.precedes(entries[$0], entries[$1]) }
        .map { unsafe entries[$0] }
    }
  }

  /// The most probable label.
  public var top: Entry {
    entries.dropFirst().reduce(entries[0]) { Self.precedes($1, $0) ? $1 : $0 }
  }

  private static func precedes(_ first: Entry, _ second: Entry) -> Bool {
    (second.probability, second.logit, first.index) < (first.probability, first.logit, second.index)
  }

  /// The entry of a label, or `nil` where the model has no label of that name.
  public subscript(label: String) -> Entry? {
    entries.first { $0.label == label }
  }

  /// One label against another: what is explained is the difference of their logits.
  ///
  /// The probability is that of the first label where only the two are possible, the sigmoid of the
  /// difference. The index lies behind those of the labels, and every contrast has its own.
  ///
  /// ```swift
  /// let entry = prediction.contrast(of: husky, against: malamute)
  /// let map = try model.explain(image, with: HiResCAM(), target: entry)
  /// ```
  ///
  /// - Parameters:
  ///   - first: A label.
  ///   - second: The label that it is compared with.
  /// - Returns: What methods take for a target.
  public func contrast(of first: Entry, against second: Entry) -> Entry {
    let difference = first.logit - second.logit
    return Entry(
      index: entries.count * (1 + first.index) + second.index,
      label: "\(first.label)-vs-\(second.label)", logit: difference,
      probability: sigmoid(difference), threshold: nil,
      contrast: Contrast(first.index, against: second.index))
  }

  /// The numbers of this prediction for what an entry of another prediction of the same model is
  /// about: a label, or a contrast.
  public func counterpart(of entry: Entry) -> Entry {
    guard let contrast = entry.contrast else { return entries[entry.index] }
    return self.contrast(of: entries[contrast.index], against: entries[contrast.rival])
  }

  /// Takes numbers as they are.
  init(entries: [Entry], threshold: Double?) {
    self.entries = entries
    self.threshold = threshold
  }

  /// Turns logits into probabilities.
  init(logits: [Double], labels: [String], output: ModelCard.Output) {
    let probabilities: [Double]
    switch output {
    case .softmax:
      probabilities = softmax(logits)
    case .sigmoid, .binary:
      probabilities = logits.map(sigmoid)
    }
    threshold = output.threshold
    entries = labels.indices.map {
      Entry(
        index: $0, label: labels[$0], logit: logits[$0], probability: probabilities[$0],
        threshold: output.threshold(ofLabel: $0))
    }
  }
}
