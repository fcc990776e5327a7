internal import PrismTensor

/// Which number of the model a black-box method explains.
public enum ExplainedOutput: String, Sendable, CaseIterable {
  /// The logit itself.
  case logit
  /// The label's share of the softmax over all logits.
  case softmax
  /// The sigmoid of the logit.
  case sigmoid

  /// The explained numbers of one row of logits.
  func callAsFunction(_ logits: UnsafeBufferPointer<Float>, targets: [Int]) -> [Double] {
    switch self {
    case .logit: return targets.map { Double(logits[$0]) }
    case .sigmoid: return targets.map { 1 / (1 + exponential(-Double(logits[$0]))) }
    case .softmax:
      let top = Double(logits.max() ?? 0)
      let sum = logits.reduce(0.0) { $0 + exponential(Double($1) - top) }
      return targets.map { exponential(Double(logits[$0]) - top) / sum }
    }
  }
}
