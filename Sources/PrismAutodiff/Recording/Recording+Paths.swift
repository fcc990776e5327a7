extension Recording {
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

  /// For every value whether it is one of the given ones or computed from one.
  func dependence(on roots: [ValueID]) -> [Bool] {
    var marked = [Bool](repeating: false, count: values.count)
    for id in roots { marked[id.index] = true }
    for i in values.indices where !marked[i] {
      marked[i] = operands(of: ValueID(index: i)).contains { marked[$0.index] }
    }
    return marked
  }

  /// For every value whether it lies on a path from a target to the output (ends included).
  func activity(from targets: [ValueID], to output: ValueID) -> [Bool] {
    let dependent = dependence(on: targets)
    var result = [Bool](repeating: false, count: values.count)
    for id in ancestors(of: [output]) where dependent[id.index] { result[id.index] = true }
    return result
  }

  /// The values that are computed from active ones, in the order of computation.
  func path(_ active: [Bool]) -> [ValueID] {
    ids.filter { id in active[id.index] && operands(of: id).contains { active[$0.index] } }
  }

  /// The values from which everything between the targets and the output can be computed.
  ///
  /// Whoever computes the first half of a network by other means (a plan) reads these values from
  /// it and gives them to ``gradient(of:cotangent:at:given:rule:)``. For a layer that all paths
  /// pass through it is that layer alone; inside a dense block it is also what bypasses the layer.
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
}
