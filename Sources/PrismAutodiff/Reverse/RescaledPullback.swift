package import PrismTensor

/// DeepLIFT's walk back through a function of one number: by its slope between two evaluations.
///
/// Its inputs are the cotangent, the function's input in both evaluations, its output in both, and
/// what else the function is given.
package struct RescaledPullback: Primitive {
  /// The function.
  package let base: any Primitive

  package var name: String { "\(base.name)Multiplier" }

  package var nature: Nature { .other }

  package var reach: Reach { base.reach }

  /// The shape of the function's input.
  ///
  /// - Throws: ``ShapeError`` where there are too few inputs, or they differ.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(5...6, inputs)
    guard inputs.prefix(5).allSatisfy({ $0 == inputs[0] }) else {
      throw ShapeError(name, inputs, "both evaluations need the shape of the cotangent")
    }
    return inputs[0]
  }

  /// The cotangent times the slope.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    DeepLIFTRule.rescaled(
      inputs[0], from: (inputs[1], inputs[3]), to: (inputs[2], inputs[4])
    ) { [base, others = Array(inputs.dropFirst(5))] in
      let given = [$0] + others
      let wanted = [true] + others.map { _ in false }
      return base.pullback(
        inputs[0], inputs: given, output: base.forward(given), wanted: wanted)[0]
        ?? Tensor(inputs[0].shape)
    }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { inputs.map { _ in nil } }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { 4 * output.count }

  package func scratchSize(_ inputs: [Shape], output: Shape) -> Int { 3 * output.count }
}

/// The mean of two tensors.
package struct Middle: Primitive {
  package var name: String { "middle" }

  package var nature: Nature { .other }

  package var reach: Reach { .pointwise }

  /// The shape of both inputs.
  ///
  /// - Throws: ``ShapeError`` where they differ.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...2, inputs)
    guard inputs[0] == inputs[1] else {
      throw ShapeError(name, inputs, "both evaluations need one shape")
    }
    return inputs[0]
  }

  /// The means.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].zip(inputs[1]) { ($0 + $1) / 2 }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { [nil, nil] }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { 2 * output.count }
}
