internal import PrismKernels
internal import PrismTensor

extension Recording {
  /// The same forward pass, such that the walk back by the derivatives of its operations divides
  /// relevance: a cotangent selects outputs, whose numbers are divided among the inputs.
  ///
  /// Batch normalisations with stored statistics, and constants for every channel, are multiplied
  /// into the layer before them, where nothing else reads that layer.
  ///
  /// - Parameter composite: The rules of layers with weights.
  /// - Returns: A recording with the inputs and outputs of this one; its values have no names.
  /// - Throws: `OutOfMemoryError` where there is no room for merged weights; ``ShapeError`` never,
  ///   unless this recording is broken.
  func dividingRelevance(_ composite: RelevanceComposite) throws -> Recording {
    let needed = ancestors(of: outputs)
    let merged = try MergedLayers(of: self, among: needed)
    let isActive = dependence(on: [inputs[0]])
    var isBehindLayer = [Bool](repeating: false, count: values.count)
    func division(_ id: ValueID, _ primitive: any Primitive) -> RelevanceStep.Division {
      let operands = operands(of: id)
      if isLayer(id), isActive[operands[0].index] {
        let isFirst = !isBehindLayer[operands[0].index]
        isBehindLayer[id.index] = true
        return .layer(
          composite.rule(
            isConvolution: primitive is any ConvolutionPrimitive, isFirst: isFirst))
      }
      isBehindLayer[id.index] = operands.contains { isBehindLayer[$0.index] }
      return self.division(of: id, primitive, isActive)
    }
    return try Recording(inputs: inputs.map { self[$0].shape }) { given in
      var known = Dictionary(uniqueKeysWithValues: Swift.zip(inputs, given))
      func value(_ id: ValueID) -> Value {
        known[id] ?? given[0].failing(ShapeError("relevance", [self[id].shape], "not computed"))
      }
      for id in needed {
        switch self[id].origin {
        case .input: continue
        case .parameter(let tensor):
          known[id] = given[0].parameter(tensor, named: "parameter.\(id.index)")
        case .computed(let primitive, let operands):
          if merged.isMerged(id) {
            known[id] = value(operands[0])
            isBehindLayer[id.index] = isBehindLayer[operands[0].index]
          } else {
            let step = RelevanceStep(base: primitive, division: division(id, primitive))
            var others = operands.dropFirst().map(value)
            if let layer = merged.weights[id] {
              others = [
                given[0].parameter(layer.weight, named: "weight.\(id.index)"),
                given[0].parameter(layer.bias, named: "bias.\(id.index)"),
              ]
            }
            known[id] =
              isActive[id.index]
              ? value(operands[0]).applying(step, others)
              : value(operands[0]).applying(primitive, others)
          }
        }
      }
      return outputs.map { output in
        let identity = Reshape(shape: self[output].shape)
        return value(output).applying(RelevanceStep(base: identity, division: .start))
      }
    }
  }

  /// Whether a value is computed by a layer with weights, tensors of the model.
  func isLayer(_ id: ValueID) -> Bool {
    let primitive = primitive(of: id)
    return (primitive is any ConvolutionPrimitive || primitive is FullyConnected)
      && operands(of: id).dropFirst().allSatisfy(isParameter)
  }

  /// How an operation without a layer's rule divides relevance among its operands.
  private func division(
    of id: ValueID, _ primitive: any Primitive, _ isActive: [Bool]
  ) -> RelevanceStep.Division {
    let operands = operands(of: id)
    let shape = self[id].shape
    let active = operands.indices.filter { isActive[operands[$0].index] }
    let only = active.count == 1 ? active[0] : nil
    let isPointwise = only.map { self[operands[$0]].shape == shape } ?? false
    switch primitive.nature {
    case .rectifier, .elementwise: return .whole(operand: 0)
    // The winner takes all; a number of the model that wins against an activation is a bound, as of
    // a rectifier.
    case .selection:
      guard operands.count > 1, let only, isPointwise else { return .derivative }
      return .whole(operand: only)
    case .product: return only.map { .whole(operand: $0) } ?? factors(of: operands, shape)
    case .rearrangement: return .derivative
    case .linear:
      // A normalisation, or a number that is added: as zennit does with what it cannot merge.
      if primitive is BatchNormalization { return .whole(operand: 0) }
      guard operands.count > 1, let only, isPointwise else { return .proportional }
      return .whole(operand: only)
    case .other:
      // A normalisation over what the operation looks at itself, a softmax, a quotient: to what is
      // normalised.
      return active.first == 0 && self[operands[0]].shape == shape
        ? .whole(operand: 0) : .proportional
    }
  }

  /// The relevance of a product goes to the signal, and none to its gate: the smaller operand, as
  /// of squeeze-and-excitation, or the one that a sigmoid bounds.
  private func factors(of operands: [ValueID], _ shape: Shape) -> RelevanceStep.Division {
    let counts = operands.map { self[$0].shape.count }
    if counts[0] != counts[1] { return .whole(operand: counts[0] > counts[1] ? 0 : 1) }
    let isGate = operands.map { primitive(of: $0) is Sigmoid || primitive(of: $0) is HardSigmoid }
    if isGate[0] != isGate[1] { return .whole(operand: isGate[0] ? 1 : 0) }
    return .equal
  }
}

/// Layers with what follows them multiplied into their weights.
private struct MergedLayers {
  /// By the values that layers compute.
  private(set) var weights: [ValueID: (weight: Tensor, bias: Tensor)] = [:]
  /// The values that stand for those of their layers.
  private var merged: Set<ValueID> = []

  func isMerged(_ id: ValueID) -> Bool { merged.contains(id) }

  init(of recording: Recording, among needed: [ValueID]) throws {
    var users: [ValueID: [ValueID]] = [:]
    for id in needed {
      for operand in recording.operands(of: id) { users[operand, default: []].append(id) }
    }
    for layer in needed where recording.isLayer(layer) {
      var last = layer
      while !recording.outputs.contains(last), let list = users[last], list.count == 1,
        recording.operands(of: list[0])[0] == last,
        let affine = ChannelAffine(list[0], in: recording)
      {
        try merge(affine, into: layer, in: recording)
        last = list[0]
        merged.insert(last)
      }
    }
  }

  private mutating func merge(
    _ affine: ChannelAffine, into layer: ValueID, in recording: Recording
  ) throws {
    let operands = recording.operands(of: layer)
    let count = affine.scale.count
    let weight = weights[layer]?.weight ?? recording.parameter(operands[1]) ?? Tensor(0)
    let bias =
      weights[layer]?.bias ?? (operands.count > 2 ? recording.parameter(operands[2]) : nil)
      ?? Tensor([count])
    weights[layer] = try Memory.expecting(floats: weight.count + count) {
      let scalars = bias.scalars
      return (
        weight.scalingRows(by: affine.scale),
        Tensor(
          [count],
          (0..<count).map { Float(Double(scalars[$0]) * affine.scale[$0] + affine.shift[$0]) })
      )
    }
  }
}
