public import PrismTensor

/// Layer-wise relevance propagation: what a walk back finds is relevance, shares of the selected
/// output's number.
///
/// - Layers with weights divide the relevance of their outputs by the composite's rules. Batch
///   normalisations and constants behind a layer are merged into it first; others hand relevance on
///   as it is.
/// - Functions of one number hand it on as it is, SiLU, hard-swish and GELU too.
/// - Sums and means (residual connections, average pools) divide it in proportion to the summands.
/// - Of a product all of it goes to the signal and none to the gate: the smaller operand, as of
///   squeeze-and-excitation, or the one that a sigmoid bounds. Where neither is a gate, each takes
///   half.
/// - Selections hand it to the winner; what moves numbers moves it too.
/// - Normalisations over what they look at, softmaxes and quotients hand it on to what is
///   normalised.
///
/// So the relevance of the inputs adds up to the output's number but for what biases take, and for
/// what stabilises divisions.
public struct RelevanceRule: BackwardRule {
  /// The rules of layers with weights.
  public let composite: RelevanceComposite

  /// Makes the rule.
  ///
  /// - Parameter composite: The rules of layers with weights.
  public init(_ composite: RelevanceComposite) {
    self.composite = composite
  }

  /// The recording with operations that divide relevance on the walk back.
  ///
  /// - Throws: `OutOfMemoryError` where there is no room for merged weights.
  public func rewritten(_ recording: Recording) throws -> Recording? {
    try recording.dividingRelevance(composite)
  }

  /// What the rewritten operation makes of the relevance of its output.
  public func pullback(_ cotangent: Tensor, through operation: EvaluatedOperation) -> [Tensor?] {
    operation.pullback(cotangent)
  }
}
