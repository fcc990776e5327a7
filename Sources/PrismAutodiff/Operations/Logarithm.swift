public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The natural logarithm, element by element.
public struct Logarithm: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "logarithm" }

  public var flopsPerElement: Int { 4 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { PrismTensor.logarithm($0) }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $0 / $1 }]
  }
}

extension Value {
  /// Records the natural logarithm.
  public func logarithm() -> Value { applying(Logarithm()) }
}
