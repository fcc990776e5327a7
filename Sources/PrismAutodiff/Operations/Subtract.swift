public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The difference of two tensors, element by element.
///
/// The operands broadcast to one shape by NumPy's rule.
public struct Subtract: BroadcastPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "subtract" }

  public var nature: Nature { .linear }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    broadcasting(inputs[0], inputs[1]) { $0 - $1 }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [
      wanted[0] ? sumOfBroadcast(cotangent, to: inputs[0].shape) : nil,
      wanted[1] ? sumOfBroadcast(cotangent, to: inputs[1].shape) * -1 : nil,
    ]
  }
}

extension Value {
  /// Records an element-wise difference.
  public static func - (a: Value, b: Value) -> Value { a.applying(Subtract(), [b]) }
}
