package import PrismTensor

/// The walk back through a ReLU of a batch normalisation with stored statistics, to the ReLU's
/// input, from the normalisation's input: neither needs to be kept where the latter is.
///
/// Its inputs are the cotangent, the normalisation's input and what else the normalisation is given.
package struct NormalizedReLUPullback: Primitive {
  /// The normalisation.
  package let normalization: BatchNormalization
  /// The value that it computes.
  package let value: ValueID
  /// Whether nothing passes where the cotangent is not positive.
  package let isGuided: Bool

  package var name: String { "normalizedReLUPullback" }

  package var nature: Nature { .other }

  package var reach: Reach { .pointwise }

  /// The shape of both inputs.
  ///
  /// - Throws: ``ShapeError`` where they differ.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(6...6, inputs)
    guard inputs[0] == inputs[1] else {
      throw ShapeError(name, inputs, "the cotangent needs the shape of the input")
    }
    return inputs[0]
  }

  /// The cotangent where the normalised input is positive.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    let isGuided = isGuided
    return inputs[0].zip(normalization.forward(Array(inputs.dropFirst()))) {
      $1 > 0 ? (isGuided ? max($0, 0) : $0) : 0
    }
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { inputs.map { _ in nil } }

  package func flops(_ inputs: [Shape], output: Shape) -> Int { 3 * output.count }

  package func scratchSize(_ inputs: [Shape], output: Shape) -> Int { output.count }
}
