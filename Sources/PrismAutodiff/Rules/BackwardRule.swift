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

  /// The recording that is walked instead, for rules that need to know the whole of it.
  ///
  /// - Parameter recording: What was recorded.
  /// - Returns: A recording with the same inputs and outputs, or `nil` where the recording itself is
  ///   walked.
  /// - Throws: `OutOfMemoryError` where there is no room for it.
  func rewritten(_ recording: Recording) throws -> Recording?

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

  /// Rules walk the recording itself unless they say otherwise.
  public func rewritten(_ recording: Recording) throws -> Recording? { nil }
}
