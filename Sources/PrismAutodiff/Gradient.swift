public import PrismTensor

/// What a walk backwards through a recording does at rectifiers.
public enum GradientRule: String, Sendable, CaseIterable {
  /// The derivative.
  case exact
  /// Guided backpropagation: at ReLU, ReLU6 and SiLU nothing passes where the cotangent is negative, nor where the input
  /// is not positive.
  ///
  /// Definition: Springenberg, Dosovitskiy, Brox and Riedmiller, "Striving for Simplicity: The All Convolutional Net",
  /// ICLR Workshop 2015, for ReLU; the other two are taken for the rectifiers they stand for.
  case guided

  /// The cotangents of a primitive's inputs under the rule.
  func pullback(
    _ cotangent: Tensor, through primitive: any Primitive, inputs: [Tensor], output: Tensor,
    wanted: [Bool]
  ) -> [Tensor?] {
    guard self == .guided, Self.isRectifier(primitive) else {
      return primitive.pullback(cotangent, inputs: inputs, output: output, wanted: wanted)
    }
    let guided = cotangent.zip(inputs[0]) { $1 > 0 ? max($0, 0) : 0 }
    return primitive.pullback(guided, inputs: inputs, output: output, wanted: wanted)
  }

  /// Whether a primitive is one at which the rules differ.
  package static func isRectifier(_ primitive: any Primitive) -> Bool {
    primitive is ReLU || primitive is ReLU6 || primitive is SiLU
  }
}

extension Recording {
  /// The gradient of one value, contracted with a cotangent, at other values (reverse-mode autodiff).
  ///
  /// Nothing is computed that the asked gradients do not need: pullbacks run only on the paths between the
  /// targets and the output, and only toward operands on such a path.
  ///
  /// - Parameters:
  ///   - output: The value to differentiate.
  ///   - cotangent: In the output's shape; a one-hot row selects one logit.
  ///   - targets: The values to differentiate by: inputs, parameters, or any value between.
  ///   - given: Known values, as for ``evaluate(_:given:)``; known values between the targets and the output
  ///     save their recomputation.
  ///   - rule: What happens at rectifiers.
  /// - Returns: For every target a tensor of its shape; zeros where the output does not depend on it.
  /// - Throws: ``EvaluationError`` where an input that is needed is not given, or a shape differs.
  public func gradient(
    of output: ValueID, cotangent: Tensor, at targets: [ValueID], given: [ValueID: Tensor],
    rule: GradientRule = .exact
  ) throws(EvaluationError) -> [ValueID: Tensor] {
    guard cotangent.shape == self[output].shape else {
      throw .misshapen(output, expected: self[output].shape, given: cotangent.shape)
    }
    return try Trace(self, of: output, at: targets, given: given, keepsOutput: false)
      .gradient(cotangent: cotangent, rule: rule)
  }

  /// Computes a value and keeps what its gradient needs, for a cotangent that depends on the value.
  ///
  /// - Parameters:
  ///   - output: The value to compute and to differentiate.
  ///   - targets: The values to differentiate by, as for ``gradient(of:cotangent:at:given:rule:)``.
  ///   - given: Known values; a tensor given for a parameter takes the place of the recorded one.
  /// - Returns: The forward pass, to be continued with ``Trace/gradient(cotangent:rule:)``.
  /// - Throws: ``EvaluationError`` where an input that is needed is not given, or a shape differs.
  public func trace(
    of output: ValueID, at targets: [ValueID], given: [ValueID: Tensor]
  ) throws(EvaluationError) -> Trace {
    try Trace(self, of: output, at: targets, given: given, keepsOutput: true)
  }

  /// The values from which everything between the targets and the output can be computed.
  ///
  /// Whoever computes the first half of a network by other means (a plan) reads these values from it and gives
  /// them to ``gradient(of:cotangent:at:given:rule:)``. For a layer that all paths pass through it is that layer alone;
  /// inside a dense block it is also what bypasses the layer.
  ///
  /// - Returns: Values that are no parameters, in the order of computation.
  public func boundary(from targets: [ValueID], to output: ValueID) -> [ValueID] {
    let active = activity(from: targets, to: output)
    let known = Set(targets)
    var result = known
    for i in values.indices where active[i] && !known.contains(ValueID(index: i)) {
      for operand in operands(of: ValueID(index: i)) where !active[operand.index] {
        if case .parameter = self[operand].origin { continue }
        result.insert(operand)
      }
    }
    return result.sorted()
  }

  /// The values that are computed from active ones, in the order of computation.
  func path(_ active: [Bool]) -> [ValueID] {
    ids.filter { id in active[id.index] && operands(of: id).contains { active[$0.index] } }
  }

  /// Carries a cotangent back along a path; what one value is given by several others adds up.
  ///
  /// - Parameters:
  ///   - output: Where the walk begins.
  ///   - cotangent: In the output's shape.
  ///   - path: The values on the way, in the order of computation.
  ///   - active: For every value whether cotangents are wanted at it.
  ///   - targets: The values whose cotangents are kept.
  ///   - pullback: The cotangents of a value's operands; called once a value, after all that use it, so that it may
  ///     give up what it knows of the value. `nil` where it knows nothing.
  /// - Returns: For every target a tensor of its shape; zeros where the output does not depend on it.
  func walkBack(
    from output: ValueID, _ cotangent: Tensor, along path: [ValueID], _ active: [Bool],
    to targets: [ValueID],
    pullback: (ValueID, any Primitive, _ operands: [ValueID], _ cotangent: Tensor) -> [Tensor?]?
  ) -> [ValueID: Tensor] {
    let kept = Set(targets)
    var cotangents: [ValueID: Tensor] = [output: cotangent]
    for id in path.reversed() {
      guard case .computed(let primitive, let operands) = self[id].origin,
        let cotangent = kept.contains(id) ? cotangents[id] : cotangents.removeValue(forKey: id),
        let results = pullback(id, primitive, operands, cotangent)
      else { continue }
      for case (let operand, let result?) in zip(operands, results) where active[operand.index] {
        if cotangents[operand] == nil {
          cotangents[operand] = result
        } else {
          cotangents[operand]? += result
        }
      }
    }
    var found: [ValueID: Tensor] = [:]
    for id in targets { found[id] = cotangents[id] ?? Tensor(self[id].shape) }
    return found
  }

  /// For every value whether it lies on a path from a target to the output (ends included).
  func activity(from targets: [ValueID], to output: ValueID) -> [Bool] {
    var active = [Bool](repeating: false, count: values.count)
    for id in targets { active[id.index] = true }
    for i in values.indices where !active[i] {
      active[i] = operands(of: ValueID(index: i)).contains { active[$0.index] }
    }
    let leading = ancestors(of: [output]) { _ in false }
    var result = [Bool](repeating: false, count: values.count)
    for id in leading where active[id.index] { result[id.index] = true }
    return result
  }
}

/// A forward pass whose values are kept until the cotangent of its output is known.
public struct Trace: Sendable {
  private let recording: Recording
  private let result: ValueID
  private let targets: [ValueID]
  private let active: [Bool]
  private let path: [ValueID]
  private var values: [ValueID: Tensor]

  init(
    _ recording: Recording, of output: ValueID, at targets: [ValueID], given: [ValueID: Tensor],
    keepsOutput: Bool
  ) throws(EvaluationError) {
    let active = recording.activity(from: targets, to: output)
    let path = recording.path(active)
    let needed = Set(path + path.flatMap(recording.operands(of:)) + (keepsOutput ? [output] : []))
    values = try recording.evaluate(Array(needed), given: given)
    self.recording = recording
    result = output
    self.targets = targets
    self.active = active
    self.path = path
  }

  /// The computed value.
  public var output: Tensor { values[result] ?? Tensor(recording[result].shape) }

  /// The gradients at the targets; every value is freed with its own pullback.
  ///
  /// - Parameters:
  ///   - cotangent: In the output's shape.
  ///   - rule: What happens at rectifiers.
  /// - Returns: For every target a tensor of its shape; zeros where the output does not depend on it.
  /// - Throws: ``EvaluationError/misshapen(_:expected:given:)``.
  public consuming func gradient(
    cotangent: Tensor, rule: GradientRule = .exact
  ) throws(EvaluationError) -> [ValueID: Tensor] {
    guard cotangent.shape == recording[result].shape else {
      throw .misshapen(result, expected: recording[result].shape, given: cotangent.shape)
    }
    return recording.walkBack(from: result, cotangent, along: path, active, to: targets) {
      id, primitive, operands, cotangent in
      guard let value = values.removeValue(forKey: id) else { return nil }
      return rule.pullback(
        cotangent, through: primitive, inputs: operands.compactMap { values[$0] }, output: value,
        wanted: operands.map { active[$0.index] })
    }
  }
}
