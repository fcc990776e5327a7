public import PrismTensor

/// A primitive on the rows along the last axis of one tensor, such as a softmax.
public protocol RowPrimitive: Primitive {}

extension RowPrimitive {
  /// Neither linear nor element by element: the numbers of a row depend on each other.
  public var nature: Nature { .other }

  /// Rows are channels, so that positions do not mix.
  public var reach: Reach { .pointwise }

  /// The shape of the one input.
  ///
  /// - Throws: ``ShapeError`` unless there is one input with an axis.
  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard inputs[0].rank > 0 else { throw ShapeError(name, inputs, "a scalar has no axis") }
    return inputs[0]
  }

  /// Five operations an element: the largest, the exponential, the sum and the division.
  public func flops(_ inputs: [Shape], output: Shape) -> Int { 5 * output.count }

  /// The indices of the elements of every row.
  func rows(of shape: Shape) -> some Sequence<Range<Int>> {
    let length = shape[-1]
    return stride(from: 0, to: shape.count, by: length).lazy.map { $0..<$0 + length }
  }
}
