public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The difference of two tensors, element by element.
///
/// The operands broadcast to one shape by NumPy's rule.
public struct Subtract: Primitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "subtract" }

  public var reach: Reach { .pointwise }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...2, inputs)
    guard let shape = Shape.broadcast(inputs[0], inputs[1]) else {
      throw ShapeError(name, inputs, "the shapes do not broadcast")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { output.count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let shape = Shape.broadcast(inputs[0].shape, inputs[1].shape) ?? []
    return broadcasting(inputs[0], inputs[1], to: shape) { $0 - $1 }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (a, b) = (inputs[0], inputs[1])
    return [
      wanted[0] ? sumOfBroadcast(cotangent, to: a.shape) : nil,
      wanted[1] ? sumOfBroadcast(cotangent, to: b.shape) * -1 : nil,
    ]
  }
}

extension Value {
  /// Records an element-wise difference.
  public static func - (a: Value, b: Value) -> Value { a.applying(Subtract(), [b]) }
}
