public import PrismTensor

/// One operation of a recording with what it was given and gave, as rules meet it on the walk back.
public struct EvaluatedOperation {
  /// What an operation was given and gave in one evaluation.
  public struct Values {
    /// What ``Primitive/forward(_:)`` was given.
    public let inputs: [Tensor]
    /// What it returned.
    public let output: Tensor
  }

  /// The operation.
  public let primitive: any Primitive
  /// The evaluation that is explained.
  public let values: Values
  /// The evaluation that it is compared with, for rules that have a ``BackwardRule/reference``.
  public let reference: Values?
  /// Which inputs' cotangents are needed.
  public let wanted: [Bool]

  /// The vector-Jacobian product at the evaluation.
  ///
  /// - Parameter cotangent: In the output's shape.
  /// - Returns: As ``Primitive/pullback(_:inputs:output:wanted:)``.
  public func pullback(_ cotangent: Tensor) -> [Tensor?] { pullback(cotangent, at: values) }

  /// The vector-Jacobian product at another evaluation.
  ///
  /// - Parameters:
  ///   - cotangent: In the output's shape.
  ///   - values: What the operation was given and gave there.
  /// - Returns: As ``Primitive/pullback(_:inputs:output:wanted:)``.
  public func pullback(_ cotangent: Tensor, at values: Values) -> [Tensor?] {
    primitive.pullback(cotangent, inputs: values.inputs, output: values.output, wanted: wanted)
  }
}
