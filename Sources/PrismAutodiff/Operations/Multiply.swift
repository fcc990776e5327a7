public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The product of two tensors, element by element.
///
/// The operands broadcast to one shape by NumPy's rule.
public struct Multiply: BroadcastPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "multiply" }

  public var nature: Nature { .product }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    broadcasting(inputs[0], inputs[1]) { $0 * $1 }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (a, b) = (inputs[0], inputs[1])
    return [
      wanted[0] ? summing(cotangent, b, to: a.shape) { $0 * $1 } : nil,
      wanted[1] ? summing(cotangent, a, to: b.shape) { $0 * $1 } : nil,
    ]
  }
}

extension Value {
  /// Records an element-wise product.
  public static func * (a: Value, b: Value) -> Value { a.applying(Multiply(), [b]) }
}
