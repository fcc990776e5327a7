public import PrismTensor

/// What a walk back through a recording does at every operation.
///
/// The walk itself is one for all rules: it visits the operations between an output and the targets
/// in reverse order, asks the rule what each makes of the cotangent of its output, and adds up what
/// one value is given by several.
public protocol BackwardRule: Sendable {
  /// The inputs of an evaluation that the rule compares with, one for each input of the recording;
  /// `nil` where it looks at one evaluation alone.
  var reference: [Tensor]? { get }

  /// The cotangents of an operation's inputs.
  ///
  /// - Parameters:
  ///   - cotangent: In the shape of the operation's output.
  ///   - operation: The operation and its values, in both evaluations where there is a
  ///     ``reference``.
  /// - Returns: One entry an input, in the input's shape; `nil` where it is not wanted or has none.
  func pullback(_ cotangent: Tensor, through operation: EvaluatedOperation) -> [Tensor?]
}

extension BackwardRule {
  /// Rules look at one evaluation unless they say otherwise.
  public var reference: [Tensor]? { nil }
}
