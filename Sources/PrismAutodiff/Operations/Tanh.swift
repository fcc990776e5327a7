public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The hyperbolic tangent, element by element.
public struct Tanh: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "tanh" }

  public var flopsPerElement: Int { 5 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { hyperbolicTangent($0) }
  }

  // With y the output: dx = dy · (1 − y²).
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(output) { $0 * (1 - $1 * $1) }]
  }
}

extension Value {
  /// Records the hyperbolic tangent.
  public func tanh() -> Value { applying(Tanh()) }
}
