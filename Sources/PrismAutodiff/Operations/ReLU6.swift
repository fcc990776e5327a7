public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The rectifier that saturates at six, `min(max(x, 0), 6)`, element by element.
public struct ReLU6: ElementwisePrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "relu6" }

  public var nature: Nature { .rectifier }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].map { $0 < 0 ? 0 : ($0 > 6 ? 6 : $0) }
  }

  // The derivative is 1 strictly between 0 and 6 and 0 elsewhere, as torch and Keras have it.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.zip(output) { $1 > 0 && $1 < 6 ? $0 : 0 }]
  }
}

extension Value {
  /// Records `min(max(x, 0), 6)`.
  public func relu6() -> Value { applying(ReLU6()) }
}
