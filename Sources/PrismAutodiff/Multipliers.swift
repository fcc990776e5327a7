public import PrismTensor

extension Recording {
  /// The multipliers of one value, contracted with a cotangent, at other values: DeepLIFT's counterpart of the gradient.
  ///
  /// A multiplier says how much the output differs between an evaluation and a reference, for each unit by which a value
  /// differs: `Σ multiplier · (value − reference value)` over the targets is the difference of the outputs, for any
  /// size of the difference. The walk is that of ``gradient(of:cotangent:at:given:rule:)`` with another rule at every operation:
  /// - an elementwise function of one value has the slope `Δy / Δx` (the Rescale rule);
  /// - a max pool credits what it rises by to where the evaluation has its maximum, and what it falls by to where the
  ///   reference has it;
  /// - every other operation is differentiated half-way between both evaluations, which is exact for what is linear, and
  ///   for products, where it is the symmetric rule `Δx · (g + g₀) / 2 + Δg · (x + x₀) / 2`. For operations that are
  ///   neither (softmax, batch moments) the sum does not close.
  ///
  /// - Parameters:
  ///   - output: The value to explain.
  ///   - cotangent: In the output's shape.
  ///   - targets: The values to give multipliers for.
  ///   - given: Known values of the evaluation, as for ``evaluate(_:given:)``.
  ///   - reference: Known values of the reference.
  /// - Returns: For every target a tensor of its shape.
  /// - Throws: ``EvaluationError``.
  public func multipliers(
    of output: ValueID, cotangent: Tensor, at targets: [ValueID], given: [ValueID: Tensor],
    reference: [ValueID: Tensor]
  ) throws(EvaluationError) -> [ValueID: Tensor] {
    guard cotangent.shape == self[output].shape else {
      throw .misshapen(output, expected: self[output].shape, given: cotangent.shape)
    }
    let active = activity(from: targets, to: output)
    let path = path(active)
    let needed = Array(Set(path + path.flatMap(operands(of:))))
    var forward = try evaluate(needed, given: given)
    var start = try evaluate(needed, given: reference)
    return walkBack(from: output, cotangent, along: path, active, to: targets) {
      id, primitive, operands, cotangent in
      guard let value = forward.removeValue(forKey: id), let origin = start.removeValue(forKey: id)
      else { return nil }
      let step = Step(
        inputs: operands.compactMap { forward[$0] }, output: value,
        referenceInputs: operands.compactMap { start[$0] }, referenceOutput: origin,
        wanted: operands.map { active[$0.index] })
      return step.pullback(cotangent, through: primitive)
    }
  }
}

/// One operation in both evaluations.
private struct Step {
  /// Below this difference of its input a function's slope is its derivative half-way.
  static let smallest: Float = 1e-6

  let inputs: [Tensor]
  let output: Tensor
  let referenceInputs: [Tensor]
  let referenceOutput: Tensor
  let wanted: [Bool]

  func pullback(_ cotangent: Tensor, through primitive: any Primitive) -> [Tensor?] {
    switch primitive {
    case is ReLU, is ReLU6, is SiLU, is Sigmoid, is Tanh: [rescaled(cotangent, primitive)]
    case is MaxPool, is GlobalMaxPool: [credited(cotangent, primitive)]
    default: halfway(cotangent, primitive)
    }
  }

  private func halfway(_ cotangent: Tensor, _ primitive: any Primitive) -> [Tensor?] {
    let middle = zip(inputs, referenceInputs).map { x, x0 in x.zip(x0) { ($0 + $1) / 2 } }
    return primitive.pullback(
      cotangent, inputs: middle, output: primitive.forward(middle), wanted: wanted)
  }

  private func rescaled(_ cotangent: Tensor, _ primitive: any Primitive) -> Tensor? {
    guard let derivative = halfway(cotangent, primitive)[0] else { return nil }
    let dx = inputs[0] - referenceInputs[0]
    let dy = (output - referenceOutput) * cotangent
    return Tensor(uninitialized: dx.shape) { target in
      dx.withUnsafePointer { dx in
        dy.withUnsafePointer { dy in
          derivative.withUnsafePointer { derivative in
            for i in 0..<output.count {
              target[i] = abs(dx[i]) < Self.smallest ? derivative[i] : dy[i] / dx[i]
            }
          }
        }
      }
    }
  }

  private func credited(_ cotangent: Tensor, _ primitive: any Primitive) -> Tensor? {
    let difference = output - referenceOutput
    let rise = cotangent.zip(difference) { $0 * max($1, 0) }
    let fall = cotangent.zip(difference) { $0 * min($1, 0) }
    guard
      let up = primitive.pullback(rise, inputs: inputs, output: output, wanted: wanted)[0],
      let down = primitive.pullback(
        fall, inputs: referenceInputs, output: referenceOutput, wanted: wanted)[0]
    else { return nil }
    // Where credit falls, the input differs by at least as much as the output.
    return (up + down).zip(inputs[0] - referenceInputs[0]) { $1 == 0 ? 0 : $0 / $1 }
  }
}
