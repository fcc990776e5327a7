internal import PrismKernels
public import PrismTensor

/// A forward pass whose values are kept for the walk back from its output.
public struct Trace: Sendable {
  private let recording: Recording
  private let result: ValueID
  private let targets: [ValueID]
  private let active: [Bool]
  private let path: [ValueID]
  private let rule: any BackwardRule
  private var values: [ValueID: Tensor]
  /// The values of the evaluation that the rule compares with; `nil` where it compares with none.
  private var reference: [ValueID: Tensor]?

  init(
    _ recording: Recording, of output: ValueID, at targets: [ValueID], given: [ValueID: Tensor],
    keepsOutput: Bool, rule: any BackwardRule
  ) throws {
    let active = recording.activity(from: targets, to: output)
    let path = recording.path(active)
    let needed = Set(path + path.flatMap(recording.operands(of:)))
    values = try recording.evaluate(
      Array(needed.union(keepsOutput ? [output] : [])), given: given)
    if let inputs = rule.reference {
      reference = try recording.evaluate(Array(needed), given: recording.assigning(inputs))
    }
    self.recording = recording
    result = output
    self.targets = targets
    self.active = active
    self.path = path
    self.rule = rule
  }

  /// The computed value.
  public var output: Tensor { values[result] ?? Tensor(recording[result].shape) }

  /// What the rule finds at the targets, the gradients by the exact one; every value is freed with
  /// its own pullback.
  ///
  /// - Parameter cotangent: In the output's shape.
  /// - Returns: For every target a tensor of its shape; zeros where the output does not depend on
  ///   it.
  /// - Throws: ``EvaluationError/misshapen(_:expected:given:)``; `OutOfMemoryError` where there is no
  ///   room for a cotangent.
  public consuming func gradient(
    cotangent: Tensor
  ) throws -> [ValueID: Tensor] {
    guard cotangent.shape == recording[result].shape else {
      throw EvaluationError.misshapen(
        result, expected: recording[result].shape, given: cotangent.shape)
    }
    let kept = Set(targets)
    var cotangents: [ValueID: Tensor] = [result: cotangent]
    for id in path.reversed() {
      guard let cotangent = kept.contains(id) ? cotangents[id] : cotangents.removeValue(forKey: id),
        let operation = takeOperation(id)
      else { continue }
      try Memory.expecting(floats: operation.pullbackSize) {
        let results = rule.pullback(cotangent, through: operation)
        for case (let operand, let result?) in zip(recording.operands(of: id), results)
        where active[operand.index] {
          if cotangents[operand] == nil {
            cotangents[operand] = result
          } else {
            cotangents[operand]? += result
          }
        }
      }
    }
    var found: [ValueID: Tensor] = [:]
    for id in targets {
      let shape = recording[id].shape
      found[id] = try cotangents[id] ?? Memory.expecting(floats: shape.count) { Tensor(shape) }
    }
    return found
  }

  /// The operation that computes a value, with its values; the value itself is given up.
  private mutating func takeOperation(_ id: ValueID) -> EvaluatedOperation? {
    guard let primitive = recording.primitive(of: id) else { return nil }
    let operands = recording.operands(of: id)
    guard let output = values.removeValue(forKey: id) else { return nil }
    let compared = reference?.removeValue(forKey: id).map { output in
      EvaluatedOperation.Values(
        inputs: operands.compactMap { reference?[$0] }, output: output)
    }
    return EvaluatedOperation(
      primitive: primitive,
      values: .init(inputs: operands.compactMap { values[$0] }, output: output),
      reference: compared, wanted: operands.map { active[$0.index] })
  }
}
