public import PrismTensor

/// A rule that takes derivatives, and is told of cotangents on the way.
public protocol WatchingRule: BackwardRule {
  /// Whether the rule is told of the cotangent of what an operation computes.
  ///
  /// - Parameters:
  ///   - primitive: The operation.
  ///   - constants: Its inputs that do not depend on where the walk ends; `nil` in the place of
  ///     others.
  /// - Returns: Whether ``watch(_:of:constants:)`` is called.
  func watches(_ primitive: any Primitive, constants: [Tensor?]) -> Bool

  /// Is told of the cotangent of what an operation computes, in the order of the walk.
  ///
  /// - Parameters:
  ///   - cotangent: In the shape of the operation's output.
  ///   - primitive: The operation.
  ///   - constants: As for ``watches(_:constants:)``.
  func watch(_ cotangent: Tensor, of primitive: any Primitive, constants: [Tensor?])
}

extension WatchingRule {
  /// The operation's vector-Jacobian product.
  public func pullback(_ cotangent: Tensor, through operation: EvaluatedOperation) -> [Tensor?] {
    let constants = zip(operation.values.inputs, operation.wanted).map { $1 ? nil : $0 }
    if watches(operation.primitive, constants: constants) {
      watch(cotangent, of: operation.primitive, constants: constants)
    }
    return operation.pullback(cotangent)
  }
}

extension Recording {
  /// A value on the walk back whose cotangent a rule is told of.
  package struct Watched: Sendable {
    /// The value.
    package let value: ValueID
    /// The operation that computes it.
    package let primitive: any Primitive
    /// The operation's inputs that are tensors of the model; `nil` in the place of others.
    package let constants: [Tensor?]
  }

  /// What a rule watches between two values, in the order of the walk back.
  ///
  /// - Parameters:
  ///   - rule: The rule.
  ///   - target: Where walks end.
  ///   - output: Where they begin.
  /// - Returns: The values; `nil` where something is computed of tensors of the model alone.
  package func watched(
    by rule: any WatchingRule, from target: ValueID, to output: ValueID
  ) -> [Watched]? {
    let active = activity(from: [target], to: output)
    var result: [Watched] = []
    for id in path(active).reversed() {
      guard let primitive = primitive(of: id) else { continue }
      let operands = operands(of: id)
      guard operands.allSatisfy({ active[$0.index] || isParameter($0) }) else { return nil }
      let constants = operands.map { active[$0.index] ? nil : parameter($0) }
      if rule.watches(primitive, constants: constants) {
        result.append(Watched(value: id, primitive: primitive, constants: constants))
      }
    }
    return result
  }
}
