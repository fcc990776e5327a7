internal import PrismKernels
public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The logistic function `1 / (1 + exp(−x))`, element by element.
public struct Sigmoid: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "sigmoid" }

  public var flopsPerElement: Int { 4 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { plainSigmoid($0) }
  }

  // With y the output: dx = dy · y · (1 − y).
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(output) { $0 * $1 * (1 - $1) }]
  }
}

extension Value {
  /// Records `1 / (1 + exp(−x))`.
  public func sigmoid() -> Value { applying(Sigmoid()) }
}
