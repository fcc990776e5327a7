internal import PrismKernels
public import PrismTensor

extension Recording {
  /// Computes values as the recording stands, one primitive after the other.
  ///
  /// Only what the wanted values depend on is computed, and only back to the given values; a value
  /// is freed after its last use.
  ///
  /// - Parameters:
  ///   - wanted: The values to return.
  ///   - given: Known values: the inputs, or any value in the middle from which to start.
  /// - Returns: The wanted values.
  /// - Throws: ``EvaluationError`` where an input that is needed is not given, or a given tensor
  ///   has another shape; `OutOfMemoryError` where there is no room for a value.
  public func evaluate(
    _ wanted: [ValueID], given: [ValueID: Tensor]
  ) throws -> [ValueID: Tensor] {
    for (id, tensor) in given where tensor.shape != self[id].shape {
      throw EvaluationError.misshapen(id, expected: self[id].shape, given: tensor.shape)
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
      case .input: throw EvaluationError.inputNotGiven(id)
      case .parameter(let tensor): live[id] = tensor
      case .computed(let primitive, let operands):
        live[id] = try Memory.expecting(floats: forwardSize(of: id, primitive)) {
          primitive.forward(operands.compactMap { live[$0] })
        }
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
  /// - Throws: ``EvaluationError`` where the inputs are too few, too many or not of the recorded
  ///   shapes; `OutOfMemoryError` where there is no room for a value.
  public func callAsFunction(_ tensors: Tensor...) throws -> [Tensor] {
    let results = try evaluate(outputs, given: assigning(tensors))
    return outputs.compactMap { results[$0] }
  }

  /// The inputs with the tensors that are given for them, in their order.
  func assigning(_ tensors: [Tensor]) throws(EvaluationError) -> [ValueID: Tensor] {
    guard tensors.count == inputs.count else {
      throw .wrongNumberOfInputs(expected: inputs.count, given: tensors.count)
    }
    return Dictionary(uniqueKeysWithValues: zip(inputs, tensors))
  }
}
