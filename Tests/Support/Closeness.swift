public import PrismOperationCases
public import PrismTensor
public import Testing

/// Expects two tensors to agree: first shape and finiteness, then every element.
///
/// - Parameters:
///   - actual: What is checked.
///   - expected: What it is checked against.
///   - tolerance: The largest difference allowed of any element, relative to the largest magnitude
///     of the expected tensor; where that is zero, absolute.
///   - comment: What a failure says besides.
///   - sourceLocation: Where a failure is reported.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, tolerance: Double,
  _ comment: @autoclosure () -> Comment = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(
    actual, Grid(expected), tolerance: tolerance, comment(), sourceLocation: sourceLocation)
}

/// Expects a tensor to agree with a reference in Double: first shape and finiteness, then every
/// element.
public func expectClose(
  _ actual: Tensor, _ expected: Grid, tolerance: Double, _ comment: @autoclosure () -> Comment = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record(
      "shape \(actual.shape), expected \(expected.shape). \(comment())",
      sourceLocation: sourceLocation)
    return
  }
  let scalars = actual.scalars
  guard scalars.allSatisfy(\.isFinite), expected.values.allSatisfy(\.isFinite) else {
    Issue.record("a value is not finite. \(comment())", sourceLocation: sourceLocation)
    return
  }
  let scale = expected.values.reduce(0) { max($0, abs($1)) }
  let bound = tolerance * (scale > 0 ? scale : 1)
  var worst = (index: 0, error: 0.0)
  for i in scalars.indices {
    let error = abs(Double(scalars[i]) - expected.values[i])
    if error > worst.error { worst = (i, error) }
  }
  #expect(
    worst.error <= bound,
    """
    element \(worst.index) is \(scalars.isEmpty ? 0 : scalars[worst.index]), expected \
    \(expected.values.isEmpty ? 0 : expected.values[worst.index]): \
    off by \(worst.error), allowed \(bound). \(comment())
    """,
    sourceLocation: sourceLocation)
}

/// Expects a gradient through kinks (ReLU, maximum pooling) to agree with a reference of another
/// implementation.
///
/// Where a unit's argument is as small as its rounding error, two right evaluations may take
/// different sides of the kink, and all that the unit's receptive field is given through it
/// differs: a few elements, by a share of their size. So the tensors are compared as a whole, by
/// the Euclidean norm of their difference, and single elements ten times wider.
public func expectCloseThroughKinks(
  _ actual: Tensor, _ expected: Tensor, tolerance: Double,
  _ comment: @autoclosure () -> Comment = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(
    actual, expected, tolerance: 10 * tolerance, comment(), sourceLocation: sourceLocation)
  guard actual.shape == expected.shape else { return }
  func norm(_ tensor: Tensor) -> Double { tensor.dot(tensor).squareRoot() }
  let (error, bound) = (norm(actual - expected), tolerance * norm(expected))
  #expect(
    error <= bound, "the norm of the difference is \(error), allowed \(bound). \(comment())",
    sourceLocation: sourceLocation)
}

/// Expects a cotangent to be there exactly when it was wanted.
func expectNil(_ tensor: Tensor?, _ isWanted: Bool, _ comment: @autoclosure () -> Comment) {
  #expect((tensor != nil) == isWanted, comment())
}
