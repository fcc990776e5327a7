public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The same elements in the same order under another shape.
public struct Reshape: Primitive {
  /// The shape of the output; where its first extent is 0, that is the input's, which is the batch.
  public let shape: Shape

  /// Makes the operation.
  public init(shape: Shape) {
    self.shape = shape
  }

  public var name: String { "reshape" }

  public var nature: Nature { .rearrangement }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    let shape = resolved(inputs[0])
    guard shape.isValid, shape.count == inputs[0].count else {
      throw ShapeError(name, inputs, "\(inputs[0].count) elements do not fill \(shape)")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    inputs[0].reshaped(to: resolved(inputs[0].shape))
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.reshaped(to: inputs[0].shape)]
  }

  /// The shape of the output for an input.
  private func resolved(_ input: Shape) -> Shape {
    guard input.rank > 0, shape.rank > 0, shape[0] == 0 else { return shape }
    return shape.replacing(axis: 0, with: input[0])
  }
}

extension Value {
  /// Records the same elements under another shape; a first extent of 0 is this value's.
  public func reshaped(to shape: Shape) -> Value { applying(Reshape(shape: shape)) }
}
