public import PrismTensor

/// Guided backpropagation: at rectifiers nothing passes where the cotangent is negative, nor where
/// the input is not positive.
///
/// Definition: Springenberg, Dosovitskiy, Brox and Riedmiller, "Striving for Simplicity: The All
/// Convolutional Net", ICLR Workshop 2015, for ReLU; ReLU6 and SiLU are taken for the rectifiers
/// they stand for.
public struct GuidedRule: BackwardRule {
  /// Makes the rule.
  public init() {}

  /// The vector-Jacobian product, at rectifiers of the positive part of the cotangent where the
  /// input is positive.
  public func pullback(_ cotangent: Tensor, through operation: EvaluatedOperation) -> [Tensor?] {
    guard case .rectifier = operation.primitive.nature else { return operation.pullback(cotangent) }
    return operation.pullback(
      cotangent.zip(operation.values.inputs[0]) { $1 > 0 ? max($0, 0) : 0 })
  }
}
