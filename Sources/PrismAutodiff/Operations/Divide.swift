public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The quotient of two tensors, element by element.
///
/// The operands broadcast to one shape by NumPy's rule.
public struct Divide: BroadcastPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "divide" }

  public var nature: Nature { .other }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    broadcasting(inputs[0], inputs[1]) { $0 / $1 }
  }

  // d(a / b) = da / b − (a / b) · db / b.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (a, b) = (inputs[0], inputs[1])
    return [
      wanted[0] ? summing(cotangent, b, to: a.shape) { $0 / $1 } : nil,
      wanted[1]
        ? sumOfBroadcast(
          broadcasting(cotangent * output, b, to: output.shape) { -$0 / $1 }, to: b.shape) : nil,
    ]
  }
}

extension Value {
  /// Records an element-wise quotient.
  public static func / (a: Value, b: Value) -> Value { a.applying(Divide(), [b]) }
}
