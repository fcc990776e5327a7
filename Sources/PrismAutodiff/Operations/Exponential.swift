public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The exponential, element by element.
public struct Exponential: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "exponential" }

  public var flopsPerElement: Int { 4 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { PrismTensor.exponential($0) }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent * output]
  }
}

extension Value {
  /// Records the exponential.
  public func exponential() -> Value { applying(Exponential()) }
}
