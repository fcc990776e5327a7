public import PrismTensor

extension Recording {
  /// What a rule finds at values on the walk back from another: by the exact rule the gradient
  /// (reverse-mode autodiff).
  ///
  /// Nothing is computed that the targets do not need: pullbacks run only on the paths between the
  /// targets and the output, and only toward operands on such a path.
  ///
  /// - Parameters:
  ///   - output: The value to differentiate.
  ///   - cotangent: In the output's shape; a one-hot row selects one logit.
  ///   - targets: The values to differentiate by: inputs, parameters, or any value between.
  ///   - given: Known values, as for ``evaluate(_:given:)``; known values between the targets and
  ///     the output save their recomputation.
  ///   - rule: What happens at every operation.
  /// - Returns: For every target a tensor of its shape; zeros where the output does not depend on
  ///   it.
  /// - Throws: ``EvaluationError`` where an input that is needed is not given, or a shape differs;
  ///   `OutOfMemoryError` where there is no room for a value or a cotangent.
  public func gradient(
    of output: ValueID, cotangent: Tensor, at targets: [ValueID], given: [ValueID: Tensor],
    rule: any BackwardRule = ExactRule()
  ) throws -> [ValueID: Tensor] {
    guard cotangent.shape == self[output].shape else {
      throw EvaluationError.misshapen(output, expected: self[output].shape, given: cotangent.shape)
    }
    return try Trace(
      self, of: output, at: targets, given: given, keepsOutput: false, rule: rule
    ).gradient(cotangent: cotangent)
  }

  /// Computes a value and keeps what the walk back needs, for cotangents that depend on the value,
  /// or for several.
  ///
  /// - Parameters:
  ///   - output: The value to compute and to differentiate.
  ///   - targets: The values to differentiate by, as for ``gradient(of:cotangent:at:given:rule:)``.
  ///   - given: Known values; a tensor given for a parameter takes the place of the recorded one.
  ///   - rule: What happens at every operation on the walk back.
  /// - Returns: The forward pass, to be continued with ``Trace/gradient(cotangent:)``.
  /// - Throws: ``EvaluationError`` where an input that is needed is not given, or a shape differs;
  ///   `OutOfMemoryError` where there is no room for a value or a cotangent.
  public func trace(
    of output: ValueID, at targets: [ValueID], given: [ValueID: Tensor],
    rule: any BackwardRule = ExactRule()
  ) throws -> Trace {
    try Trace(self, of: output, at: targets, given: given, keepsOutput: true, rule: rule)
  }
}
