public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The smaller of two tensors' elements.
///
/// The operands broadcast to one shape by NumPy's rule. Where both are equal each gets half of the
/// gradient, as in torch.
public struct Minimum: BroadcastPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "minimum" }

  public var nature: Nature { .selection }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    broadcasting(inputs[0], inputs[1]) { $0.isNaN || $0 < $1 ? $0 : $1 }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (a, b) = (inputs[0], inputs[1])
    let shares = broadcasting(a, b, to: output.shape) { $0 < $1 ? 1 : ($0 == $1 ? 0.5 : 0) }
    return [
      wanted[0] ? sumOfBroadcast(cotangent * shares, to: a.shape) : nil,
      wanted[1] ? sumOfBroadcast(cotangent.zip(shares) { $0 * (1 - $1) }, to: b.shape) : nil,
    ]
  }
}

extension Value {
  /// Records the smaller of this value's elements and another's.
  public func minimum(_ other: Value) -> Value { applying(Minimum(), [other]) }
}
