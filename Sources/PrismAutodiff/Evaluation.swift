public import PrismTensor

extension Recording {
  /// Computes values as the recording stands, one primitive after the other.
  ///
  /// Only what the wanted values depend on is computed, and only back to the given values; a value is freed after
  /// its last use.
  ///
  /// - Parameters:
  ///   - wanted: The values to return.
  ///   - given: Known values: the inputs, or any value in the middle from which to start.
  /// - Returns: The wanted values.
  /// - Throws: ``EvaluationError`` where an input that is needed is not given, or a given tensor has another shape.
  public func evaluate(
    _ wanted: [ValueID], given: [ValueID: Tensor]
  ) throws(EvaluationError) -> [ValueID: Tensor] {
    for (id, tensor) in given where tensor.shape != self[id].shape {
      throw .misshapen(id, expected: self[id].shape, given: tensor.shape)
    }
    let needed = ancestors(of: wanted) { given[$0] != nil }
    var uses = [Int](repeating: 0, count: values.count)
    for id in wanted { uses[id.index] += 1 }
    for id in needed where given[id] == nil {
      for operand in operands(of: id) { uses[operand.index] += 1 }
    }

    var live: [ValueID: Tensor] = [:]
    for id in needed {
      if let tensor = given[id] {
        live[id] = tensor
        continue
      }
      switch self[id].origin {
      case .input: throw .inputNotGiven(id)
      case .parameter(let tensor): live[id] = tensor
      case .computed(let primitive, let operands):
        live[id] = primitive.forward(operands.compactMap { live[$0] })
        for operand in operands {
          uses[operand.index] -= 1
          if uses[operand.index] == 0 { live[operand] = nil }
        }
      }
    }
    return live
  }

  /// The outputs for the given inputs.
  ///
  /// - Throws: ``EvaluationError`` where the inputs are too few, too many or not of the recorded shapes.
  public func callAsFunction(_ tensors: Tensor...) throws(EvaluationError) -> [Tensor] {
    guard tensors.count == inputs.count else {
      throw .wrongNumberOfInputs(expected: inputs.count, given: tensors.count)
    }
    let given = Dictionary(uniqueKeysWithValues: zip(inputs, tensors))
    let results = try evaluate(outputs, given: given)
    return outputs.compactMap { results[$0] }
  }

  /// The values that the given ones depend on, themselves included, in the order of computation.
  package func ancestors(
    of roots: [ValueID], stoppingAt isKnown: (ValueID) -> Bool = { _ in false }
  ) -> [ValueID] {
    var marked = [Bool](repeating: false, count: values.count)
    for id in roots { marked[id.index] = true }
    for i in values.indices.reversed() where marked[i] && !isKnown(ValueID(index: i)) {
      for operand in operands(of: ValueID(index: i)) { marked[operand.index] = true }
    }
    return values.indices.filter { marked[$0] }.map(ValueID.init(index:))
  }
}

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
