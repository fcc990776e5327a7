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

    /// Whether the label counts; `nil` where labels exclude each other.
    public var isPresent: Bool? { threshold.map { probability >= $0 } }
  }

  /// The labels in the order of the model's outputs; there is at least one.
  public let entries: [Entry]

  /// The probability from which labels count that have no threshold of their own
  /// (``Entry/threshold``), or `nil` where labels exclude each other.
  public let threshold: Double?

  /// The labels with the most probable first; equals keep the model's order.
  public var ranked: [Entry] {
    entries.sorted {
      ($1.probability, $1.logit, $0.index) < ($0.probability, $0.logit, $1.index)
    }
  }

  /// The most probable label.
  public var top: Entry { ranked[0] }

  /// The entry of a label, or `nil` where the model has no label of that name.
  public subscript(label: String) -> Entry? {
    entries.first { $0.label == label }
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
