public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The rectifier `max(x, 0)`, element by element.
public struct ReLU: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "relu" }

  public var nature: Nature { .rectifier }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0 < 0 ? 0 : $0 }
  }

  // The derivative at 0 is 0, as torch and Keras have it.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(output) { $1 > 0 ? $0 : 0 }]
  }
}

extension Value {
  /// Records `max(x, 0)`.
  public func relu() -> Value { applying(ReLU()) }
}
