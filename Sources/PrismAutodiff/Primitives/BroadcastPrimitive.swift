public import PrismTensor

/// A primitive on pairs of elements of two tensors, which broadcast to one shape by NumPy's rule.
public protocol BroadcastPrimitive: Primitive {}

extension BroadcastPrimitive {
  /// Every position of the output depends on the same position of the inputs.
  public var reach: Reach { .pointwise }

  /// The shape to which both inputs broadcast.
  ///
  /// - Throws: ``ShapeError`` unless there are two inputs that broadcast.
  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(2...2, inputs)
    guard let shape = Shape.broadcast(inputs[0], inputs[1]) else {
      throw ShapeError(name, inputs, "the shapes do not broadcast")
    }
    return shape
  }

  /// One operation an element.
  public func flops(_ inputs: [Shape], output: Shape) -> Int { output.count }
}
