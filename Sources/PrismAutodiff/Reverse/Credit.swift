package import PrismTensor

/// What a selection's output rises by from one evaluation to another, or falls by, times the
/// cotangent.
///
/// Its inputs are the cotangent and the output in both evaluations.
package struct Credit: Primitive {
  /// Whether it is the rise.
  package let isRise: Bool

  package var name: String { isRise ? "rise" : "fall" }

  package var nature: Nature { .other }

  package var reach: Reach { .pointwise }

  /// The shape of all inputs.
  ///
  /// - Throws: ``ShapeError`` where they differ.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(3...3, inputs)
    guard inputs.allSatisfy({ $0 == inputs[0] }) else {
      throw ShapeError(name, inputs, "both evaluations need the shape of the cotangent")
    }
    return inputs[0]
  }

  /// The credit.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    let difference = inputs[1] - inputs[2]
    return isRise
      ? inputs[0].zip(difference) { $0 * max($1, 0) }
      : inputs[0].zip(difference) { $0 * min($1, 0) }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { inputs.map { _ in nil } }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { 3 * output.count }

  package func scratchSize(_ inputs: [Shape], output: Shape) -> Int { output.count }
}

/// The multiplier of what was selected from, of the credit that it has.
///
/// Its inputs are the credit of the rise and of the fall, and the selection's input in both
/// evaluations.
package struct CreditShare: Primitive {
  package var name: String { "creditShare" }

  package var nature: Nature { .other }

  package var reach: Reach { .pointwise }

  /// The shape of all inputs.
  ///
  /// - Throws: ``ShapeError`` where they differ.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(4...4, inputs)
    guard inputs.allSatisfy({ $0 == inputs[0] }) else {
      throw ShapeError(name, inputs, "all inputs need one shape")
    }
    return inputs[0]
  }

  /// The credit by what the input differs by.
  ///
  /// Where credit falls, the input differs by at least as much as the output.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    (inputs[0] + inputs[1]).zip(inputs[2] - inputs[3]) { $1 == 0 ? 0 : $0 / $1 }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { inputs.map { _ in nil } }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { 3 * output.count }

  package func scratchSize(_ inputs: [Shape], output: Shape) -> Int { 2 * output.count }
}
