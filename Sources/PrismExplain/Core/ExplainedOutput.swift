internal import PrismTensor

/// Which number of the model a black-box method explains.
public enum ExplainedOutput: String, Sendable, CaseIterable, Codable {
  /// The logit itself.
  case logit
  /// The label's share of the softmax over all logits.
  case softmax
  /// The sigmoid of the logit.
  case sigmoid

  /// The label's probability, as the model's labels make it.
  ///
  /// - Parameter labelsExcludeEachOther: Whether exactly one label is right, so that all of them
  ///   share the softmax; otherwise every label has its own sigmoid.
  /// - Returns: ``softmax`` or ``sigmoid``.
  public static func probability(labelsExcludeEachOther: Bool) -> ExplainedOutput {
    labelsExcludeEachOther ? .softmax : .sigmoid
  }

  /// Whether the number is a probability, from 0 to 1.
  public var isProbability: Bool { self != .logit }

  /// The explained numbers of one row of logits.
  ///
  /// - Parameters:
  ///   - logits: The logits, and behind them the differences of contrasts.
  ///   - targets: Which of them.
  ///   - contrasts: How many of them are differences; the probability of such a one is that of the
  ///     one label where only the two are possible.
  /// - Returns: One number a target.
  func callAsFunction(
    _ logits: UnsafeBufferPointer<Float>, targets: [Int], contrasts: Int = 0
  ) -> [Double] {
    switch self {
    case .logit: return targets.map { Double(logits[$0]) }
    case .sigmoid: return targets.map { PrismTensor.sigmoid(Double(logits[$0])) }
    case .softmax:
      let shares = PrismTensor.softmax(logits.dropLast(contrasts).lazy.map(Double.init))
      return targets.map {
        $0 < shares.count ? shares[$0] : PrismTensor.sigmoid(Double(logits[$0]))
      }
    }
  }
}
