public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The absolute value, element by element; its derivative at 0 is 0.
public struct Absolute: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "absolute" }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { abs($0) }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(inputs[0]) { $1 > 0 ? $0 : ($1 < 0 ? -$0 : 0) }]
  }
}

extension Value {
  /// Records the absolute value.
  public func absolute() -> Value { applying(Absolute()) }
}
