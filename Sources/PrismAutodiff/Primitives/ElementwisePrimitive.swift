public import PrismTensor

/// A primitive that gives every element of one tensor a value of its own, in the same shape.
public protocol ElementwisePrimitive: Primitive {
  /// The floating-point operations of one element.
  var flopsPerElement: Int { get }
}

extension ElementwisePrimitive {
  /// One operation an element, unless stated.
  public var flopsPerElement: Int { 1 }

  /// A function of one number, unless stated.
  public var nature: Nature { .elementwise }

  /// Every position of the output depends on the same position of the input.
  public var reach: Reach { .pointwise }

  /// The shape of the one input.
  ///
  /// - Throws: ``ShapeError`` unless there is one input.
  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    return inputs[0]
  }

  /// The operations of all elements.
  public func flops(_ inputs: [Shape], output: Shape) -> Int { flopsPerElement * output.count }
}
