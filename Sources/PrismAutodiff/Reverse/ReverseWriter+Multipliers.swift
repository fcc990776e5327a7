internal import PrismTensor

/// How walks back find DeepLIFT's multipliers, as operations.
extension ReverseWriter {
  /// The multipliers of an operation's operands.
  mutating func multiplied(
    _ cotangent: ValueID, through id: ValueID, _ primitive: any Primitive,
    _ references: [ValueID: ValueID]
  ) -> [(operand: ValueID, cotangent: ValueID)] {
    let operands = recording.operands(of: id)
    let positions = operands.indices.filter { active[operands[$0].index] }
    func reference(_ id: ValueID) -> ValueID { references[id] ?? id }
    switch primitive.nature {
    case .rectifier, .elementwise:
      let x = operands[0]
      return [
        (
          x,
          add(
            RescaledPullback(base: primitive),
            [cotangent, x, reference(x), id, reference(id)] + operands.dropFirst(), shape(x))
        )
      ]
    case .selection:
      let (rise, fall) = (
        add(Credit(isRise: true), [cotangent, id, reference(id)], shape(id)),
        add(Credit(isRise: false), [cotangent, id, reference(id)], shape(id))
      )
      return positions.map { position in
        let x = operands[position]
        let up = pulledBack(rise, through: id, primitive, position: position)
        let down = pulledBack(fall, through: reference(id), primitive, position: position)
        return (x, add(CreditShare(), [up, down, x, reference(x)], shape(x)))
      }
    case .linear, .rearrangement, .product, .other:
      return positions.map { position in
        (operands[position], halfway(cotangent, through: id, primitive, position, references))
      }
    }
  }

  /// The walk back through an operation half-way between both evaluations.
  private mutating func halfway(
    _ cotangent: ValueID, through id: ValueID, _ primitive: any Primitive, _ position: Int,
    _ references: [ValueID: ValueID]
  ) -> ValueID {
    let operands = recording.operands(of: id)
    let reads = Pullback.reads(primitive, position: position, inputs: operands.count)
    let isConstant = reads.inputs.allSatisfy { recording.isParameter(operands[$0]) }
    if (isConstant && !reads.output) || isRearranged(primitive, at: position, of: id) {
      return pulledBack(cotangent, through: id, primitive, position: position)
    }
    let middles = operands.map { middle(of: $0, references[$0] ?? $0) }
    let value = add(primitive, middles, shape(id))
    let pullback = Pullback(
      value, primitive, position: position, inputs: operands.map(shape), result: shape(id))
    let read = reads.inputs.map { middles[$0] } + (reads.output ? [value] : [])
    return add(pullback, [cotangent] + read, shape(operands[position]))
  }

  /// Whether the cotangent of an operand does not depend on any value.
  private func isRearranged(_ primitive: any Primitive, at position: Int, of id: ValueID) -> Bool {
    let isWhole = shape(recording.operands(of: id)[position]) == shape(id)
    return switch primitive {
    case is Reshape: true
    case is Add: isWhole
    case is Subtract: isWhole && position == 0
    case let concatenation as Concatenate:
      shape(id).rank == 4 && [-1, 3].contains(concatenation.axis)
    default: false
    }
  }

  /// The mean of the values of both evaluations.
  private mutating func middle(of id: ValueID, _ reference: ValueID) -> ValueID {
    if id == reference { return id }
    if let known = notes.middles[id] { return known }
    let middle = add(Middle(), [id, reference], shape(id))
    notes.middles[id] = middle
    return middle
  }
}
