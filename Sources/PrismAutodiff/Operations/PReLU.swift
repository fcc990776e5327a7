public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The rectifier whose share of negative numbers is learned: x where it is positive, else
/// `slope · x`.
///
/// Inputs: `x` with the channels last, and the slope `[C]`.
public struct PReLU: Primitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "prelu" }

  // A kink in x, and linear in the slope.
  public var nature: Nature { .other }

  public var reach: Reach { .pointwise }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...2, inputs)
    guard inputs[0].rank > 0, inputs[1] == [inputs[0][-1]] else {
      throw ShapeError(name, inputs, "the slope needs one number a channel")
    }
    return inputs[0]
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { output.count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    broadcasting(inputs[0], inputs[1], to: inputs[0].shape) { $0 > 0 ? $0 : $0 * $1 }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (x, slope) = (inputs[0], inputs[1])
    let slopes = broadcasting(x, slope, to: x.shape) { $0 > 0 ? 1 : $1 }
    let negative = x.map { min($0, 0) }
    return [
      wanted[0] ? cotangent * slopes : nil,
      wanted[1] ? sumOfBroadcast(cotangent * negative, to: slope.shape) : nil,
    ]
  }
}

extension Value {
  /// Records x where it is positive and `slope · x` elsewhere, with a slope `[C]`.
  public func prelu(_ slope: Value) -> Value { applying(PReLU(), [slope]) }
}
