package import PrismTensor

/// The gradient by the weight of a convolution of a normalised and rectified value, from what was
/// normalised: what the convolution read need not be kept.
///
/// Its inputs are the cotangent, the normalisation's input and what else the normalisation is given.
package struct NormalizedWeightPullback: Primitive {
  /// The convolution.
  package let convolution: Convolution
  /// The value that it computes.
  package let value: ValueID
  /// The normalisation with stored statistics.
  package let normalization: BatchNormalization
  /// The value that it computes.
  package let normalized: ValueID
  private let weight: Shape

  /// Makes the operation.
  ///
  /// - Parameters:
  ///   - convolution: The convolution.
  ///   - value: The value that it computes.
  ///   - normalization: The normalisation.
  ///   - normalized: The value that it computes.
  ///   - weight: The shape of the convolution's weight.
  init(
    _ convolution: Convolution, _ value: ValueID, of normalization: BatchNormalization,
    _ normalized: ValueID, weight: Shape
  ) {
    self.convolution = convolution
    self.value = value
    self.normalization = normalization
    self.normalized = normalized
    self.weight = weight
  }

  package var name: String { "normalizedWeightPullback" }

  package var nature: Nature { .other }

  package var reach: Reach { .everywhere }

  /// The shape of the weight.
  ///
  /// - Throws: ``ShapeError`` unless there are a cotangent and five inputs of the normalisation.
  package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(6...6, inputs)
    return weight
  }

  /// The gradient.
  package func forward(_ inputs: [Tensor]) -> Tensor {
    let x = ReLU().forward([normalization.forward(Array(inputs.dropFirst()))])
    let found = convolution.pullback(
      inputs[0], inputs: [x, Tensor(weight)], output: inputs[0], wanted: [false, true])
    return found[1] ?? Tensor(weight)
  }

  /// None: nothing walks back twice.
  package func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] { inputs.map { _ in nil } }

  package func flops(_ inputs: [Shape], output: Shape) -> Int {
    2 * inputs[0].count * (weight.count / max(weight[0], 1))
  }

  package func scratchSize(_ inputs: [Shape], output: Shape) -> Int {
    3 * inputs[1].count + convolution.scratchSize([inputs[1], weight], output: inputs[0])
  }
}
