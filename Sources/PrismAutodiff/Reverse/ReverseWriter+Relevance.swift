internal import PrismTensor

/// How walks back divide relevance, as operations.
extension ReverseWriter {
  /// The relevance of an operation's operands.
  mutating func divided(
    _ relevance: ValueID, through id: ValueID, _ primitive: any Primitive,
    _ divisions: RelevanceDivisions
  ) -> [(operand: ValueID, cotangent: ValueID)] {
    let operands = recording.operands(of: id)
    let positions = operands.indices.filter { active[operands[$0].index] }
    switch divisions[id] {
    case .derivative:
      return positions.map {
        (operands[$0], pulledBack(relevance, through: id, primitive, position: $0))
      }
    case .whole(let position):
      return positions.filter { $0 == position }.map {
        (operands[$0], added(relevance, to: operands[$0]))
      }
    case .equal:
      var part = relevance
      if positions.count > 1 {
        let share = add(.parameter(Tensor([1], [1 / Float(positions.count)])), [1])
        part = add(Multiply(), [relevance, share], shape(relevance))
      }
      return positions.map { (operands[$0], added(part, to: operands[$0])) }
    case .proportional:
      let quotient = quotient(relevance, by: id, LayerRule.stabilizer)
      return positions.map {
        let back = pulledBack(quotient, through: id, primitive, position: $0)
        return (operands[$0], product(back, operands[$0]))
      }
    case .layer(let rule):
      return [(operands[0], share(of: relevance, through: id, primitive, rule, divisions))]
    case .start: return [(operands[0], product(relevance, id))]
    }
  }

  // MARK: - Layers

  /// The relevance of a layer's input.
  private mutating func share(
    of relevance: ValueID, through id: ValueID, _ layer: any Primitive, _ rule: LayerRule,
    _ divisions: RelevanceDivisions
  ) -> ValueID {
    let x = recording.operands(of: id)[0]
    if case .epsilon(let epsilon) = rule {
      let quotient = quotient(relevance, by: id, epsilon)
      return product(pulledBack(quotient, through: id, layer, position: 0), x)
    }
    if notes.divisions[id] == nil {
      notes.divisions[id] = parts(
        of: id, layer, rule, isNonnegative: divisions.isNonnegative(x))
    }
    let known = notes.divisions[id] ?? []
    if case .box(let low, let high) = rule, let parts = known.first?.parts, parts.count == 2 {
      let quotient = quotient(relevance, by: known[0].divisor, LayerRule.stabilizer)
      let whole = product(pulledBack(quotient, through: id, layer, position: 0), x)
      let ends = zip(parts, [low, high]).map { part, end in
        let factors = add(.parameter(Tensor([end.count], end.map { -$0 })), [end.count])
        return add(
          Multiply(), [back(quotient, through: part, of: id, layer), factors], shape(x))
      }
      return sum([whole] + ends)
    }
    let sides: [StabilizedQuotient.Side] = known.count > 1 ? [.positive, .negative] : [.both]
    return sum(
      zip(known, sides).flatMap { division, side in
        let quotient = quotient(
          relevance, by: division.divisor, LayerRule.stabilizer, side, of: id)
        return division.parts.map { part in
          let share = back(quotient, through: part, of: id, layer)
          return part.input.map { product(share, $0) } ?? share
        }
      })
  }

  /// The parts of a layer by which relevance is divided; by the γ rule where the output is positive,
  /// and where it is negative.
  private mutating func parts(
    of id: ValueID, _ layer: any Primitive, _ rule: LayerRule, isNonnegative: Bool
  ) -> [RuleNotes.Division] {
    switch rule {
    case .epsilon: return []
    case .positive:
      return [
        division(id, layer, isNonnegative: isNonnegative, { max($0, 0) }, { min($0, 0) })
      ]
    case .gamma(let gamma):
      func up(_ w: Float) -> Float { w + gamma * max(w, 0) }
      func down(_ w: Float) -> Float { w + gamma * min(w, 0) }
      return [
        division(id, layer, isNonnegative: isNonnegative, up, down),
        division(id, layer, isNonnegative: isNonnegative, down, up),
      ]
    case .flat: return [flat(id, layer)]
    case .box(let low, let high): return [box(id, layer, low, high)]
    }
  }

  /// What the positive and the negative part of the input contribute by weights of their own.
  private mutating func division(
    _ id: ValueID, _ layer: any Primitive, isNonnegative: Bool, _ along: (Float) -> Float,
    _ against: (Float) -> Float
  ) -> RuleNotes.Division {
    let x = recording.operands(of: id)[0]
    guard !isNonnegative else {
      let whole = part(of: id, layer, x, weights(of: id, along))
      return .init(parts: [whole], divisor: whole.value)
    }
    let (positive, negative) = (positive(x), negative(x))
    let parts = [
      part(of: id, layer, positive, weights(of: id, along)),
      part(of: id, layer, negative, Array(weights(of: id, against).prefix(1))),
    ]
    return .init(parts: parts, divisor: sum(parts.map(\.value)))
  }

  /// Equal weights for all inputs, each of which is one.
  private mutating func flat(_ id: ValueID, _ layer: any Primitive) -> RuleNotes.Division {
    let operands = recording.operands(of: id)
    let weight = Tensor(shape(operands[1]), repeating: 1)
    let ones = Tensor(shape(operands[0]), repeating: 1)
    let part = part(of: id, layer, operands[0], [add(.parameter(weight), weight.shape)])
    return .init(
      parts: [.init(value: part.value, weights: part.weights, input: nil)],
      divisor: add(.parameter(layer.forward([ones, weight])), shape(id)))
  }

  /// The output beyond what the ends of a box contribute at least.
  private mutating func box(
    _ id: ValueID, _ layer: any Primitive, _ low: [Float], _ high: [Float]
  ) -> RuleNotes.Division {
    let x = recording.operands(of: id)[0]
    let ends: [(bounds: [Float], weights: [ValueID])] = [
      (low, weights(of: id) { max($0, 0) }), (high, weights(of: id) { min($0, 0) }),
    ]
    let least = ends.map { end in
      let filled = Tensor(shape(x), channels: end.bounds)
      return layer.forward([filled] + end.weights.map(parameter))
    }
    let limit = add(.parameter(least[0] + least[1]), shape(id))
    return .init(
      parts: ends.map { part(of: id, layer, x, $0.weights) },
      divisor: add(Subtract(), [id, limit], shape(id)))
  }

  /// The weights of a layer, each changed.
  private mutating func weights(of id: ValueID, _ change: (Float) -> Float) -> [ValueID] {
    recording.operands(of: id).dropFirst().map { operand in
      let changed = (recording.parameter(operand) ?? Tensor(shape(operand))).map(change)
      return add(.parameter(changed), changed.shape)
    }
  }

  /// A tensor that has been written.
  private func parameter(_ id: ValueID) -> Tensor {
    guard case .parameter(let tensor) = entries[id.index - recording.values.count].origin else {
      return Tensor(shape(id))
    }
    return tensor
  }

  /// A layer with other weights and another input.
  private mutating func part(
    of id: ValueID, _ layer: any Primitive, _ input: ValueID, _ weights: [ValueID]
  ) -> RuleNotes.LayerPart {
    .init(
      value: add(layer, [input] + weights, shape(id)), weights: weights, input: input)
  }

  /// What moves back to the input of a quotient at the output of a part.
  private mutating func back(
    _ quotient: ValueID, through part: RuleNotes.LayerPart, of id: ValueID, _ layer: any Primitive
  ) -> ValueID {
    let input = shape(recording.operands(of: id)[0])
    let pullback = Pullback(
      part.value, layer, position: 0, inputs: [input] + part.weights.map(shape),
      result: shape(id))
    return add(pullback, [quotient] + part.weights, input)
  }

  // MARK: - Numbers

  /// The positive numbers of a value, and zeros.
  private mutating func positive(_ id: ValueID) -> ValueID {
    if let known = notes.positives[id] { return known }
    let positive = add(ReLU(), [id], shape(id))
    notes.positives[id] = positive
    return positive
  }

  /// The negative numbers of a value, and zeros.
  private mutating func negative(_ id: ValueID) -> ValueID {
    if let known = notes.negatives[id] { return known }
    let negative = add(Clip(high: 0), [id], shape(id))
    notes.negatives[id] = negative
    return negative
  }

  private mutating func quotient(
    _ relevance: ValueID, by divisor: ValueID, _ epsilon: Float,
    _ side: StabilizedQuotient.Side = .both, of signs: ValueID? = nil
  ) -> ValueID {
    let operands = [relevance, divisor] + (side == .both ? [] : [signs ?? divisor])
    return add(
      StabilizedQuotient(epsilon: epsilon, side: side), operands, shape(relevance))
  }

  private mutating func product(_ a: ValueID, _ b: ValueID) -> ValueID {
    add(Multiply(), [a, b], shape(a))
  }

  private mutating func sum(_ values: [ValueID]) -> ValueID {
    values.dropFirst().reduce(values[0]) { add(Add(), [$0, $1], shape($0)) }
  }

  /// The sum of a value over the axes along which another broadcasts to it.
  private mutating func added(_ value: ValueID, to operand: ValueID) -> ValueID {
    let (whole, part) = (shape(value), shape(operand))
    guard whole != part else { return value }
    let pullback = Pullback(value, Add(), position: 1, inputs: [whole, part], result: whole)
    return add(pullback, [value], part)
  }
}
