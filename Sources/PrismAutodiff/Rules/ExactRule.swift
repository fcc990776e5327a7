public import PrismTensor

/// The derivative: what a walk back finds is the gradient.
public struct ExactRule: BackwardRule {
  /// Makes the rule.
  public init() {}

  /// The operation's vector-Jacobian product.
  public func pullback(_ cotangent: Tensor, through operation: EvaluatedOperation) -> [Tensor?] {
    operation.pullback(cotangent)
  }
}
