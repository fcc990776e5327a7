package import PrismTensor

extension Recording {
  /// The last value before another that everything later depends on through itself alone, as far as
  /// it depends on the first input.
  ///
  /// A network can be computed up to such a value by one means and from there by another. Further
  /// inputs, such as the targets of a loss, are no way round it.
  ///
  /// - Parameter user: What the value comes before; `nil` for the first output.
  /// - Returns: The value; the first input where there is no later one.
  package func cut(before user: ValueID?) -> ValueID {
    let index = (user ?? outputs[0]).index
    var best = inputs[0]
    // The last use of any value that was computed before the one looked at.
    var lastUse = [Int](repeating: -1, count: values.count)
    for id in ids { for operand in operands(of: id) { lastUse[operand.index] = id.index } }
    var reach = -1
    for id in dependents where id.index < index {
      if reach <= id.index { best = id }
      reach = max(reach, lastUse[id.index])
    }
    return best
  }

  /// The value that the same operations on the first input compute as a value of another recording.
  ///
  /// So a value is found again in a recording of another batch, or of a forward pass that goes on
  /// differently after it.
  ///
  /// - Parameters:
  ///   - id: A value of the other recording that depends on its first input.
  ///   - other: The other recording.
  /// - Returns: The value with the same place among those that depend on the first input.
  /// - Throws: `ShapeError` where the recordings differ before the value.
  package func counterpart(
    of id: ValueID, in other: Recording
  ) throws(ShapeError) -> ValueID {
    let (steps, otherSteps) = (dependents, other.dependents.prefix { $0 <= id })
    let isSame = zip(steps, otherSteps).allSatisfy {
      primitive(of: $0)?.name == other.primitive(of: $1)?.name
    }
    guard isSame, otherSteps.last == id, steps.count >= otherSteps.count else {
      throw ShapeError("counterpart", [other[id].shape], "the recordings differ before the value")
    }
    return steps[otherSteps.count - 1]
  }

  /// The first input and the values that depend on it.
  private var dependents: [ValueID] {
    let isDependent = dependence(on: [inputs[0]])
    return ids.filter { isDependent[$0.index] }
  }

  /// The part of the forward pass between two values, as a recording of its own whose input is the
  /// first.
  ///
  /// - Parameters:
  ///   - cut: The value to begin at, one of ``cut(before:)``.
  ///   - end: The value to end at.
  ///   - parameters: Take the place of the recorded tensors, by name.
  /// - Returns: A recording whose values have the same numbers.
  /// - Throws: `ShapeError` where the first value is no such cut.
  package func continued(
    from cut: ValueID, to end: ValueID, parameters: [String: Tensor] = [:]
  ) throws(ShapeError) -> Recording {
    let parameterNames = parameterNames
    let needed = ancestors(of: [end]) { $0 == cut }
    return try Recording(input: self[cut].shape) { x in
      var known: [ValueID: Value] = [cut: x]
      func value(_ id: ValueID) -> Value {
        known[id] ?? x.failing(ShapeError("continuation", [self[id].shape], "not after the cut"))
      }
      for id in needed where id != cut {
        switch self[id].origin {
        case .input: break
        case .parameter(let tensor):
          let name = parameterNames[id] ?? "parameter.\(id.index)"
          known[id] = x.parameter(parameters[name] ?? tensor, named: name)
        case .computed(let primitive, let operands):
          known[id] = value(operands[0]).applying(primitive, operands.dropFirst().map(value))
        }
      }
      return value(end)
    }
  }
}
