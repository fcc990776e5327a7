public import PrismTensor

/// Why a recording could not be evaluated.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A value that is an input is needed and was not given.
  case inputNotGiven(ValueID)
  /// The recording has another number of inputs.
  case wrongNumberOfInputs(expected: Int, given: Int)
  /// A given tensor does not have the recorded shape.
  case misshapen(ValueID, expected: Shape, given: Shape)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .inputNotGiven(let id): "the input with index \(id.index) is needed and was not given"
    case .wrongNumberOfInputs(let expected, let given):
      "the recording has \(expected) inputs, \(given) were given"
    case .misshapen(let id, let expected, let given):
      "value \(id.index) has the shape \(expected), the given tensor has \(given)"
    }
  }
}
