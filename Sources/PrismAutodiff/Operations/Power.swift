public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The element to a stated power.
public struct Power: ElementwisePrimitive {
  /// The power.
  public let exponent: Float

  /// Makes the operation.
  public init(exponent: Float) {
    self.exponent = exponent
  }

  public var name: String { "power" }

  public var flopsPerElement: Int { 8 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    exponent == 2 ? inputs[0].map { $0 * $0 } : inputs[0].map { PrismTensor.power($0, exponent) }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    exponent == 2
      ? [cotangent.zip(inputs[0]) { 2 * $0 * $1 }]
      : [cotangent.zip(inputs[0]) { $0 * exponent * PrismTensor.power($1, exponent - 1) }]
  }
}

extension Value {
  /// Records every element to a stated power.
  public func power(exponent: Float) -> Value { applying(Power(exponent: exponent)) }
}
