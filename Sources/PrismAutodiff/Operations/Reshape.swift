public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The same elements in the same order under another shape.
public struct Reshape: Primitive {
  /// The shape of the output.
  public let shape: Shape

  /// Makes the operation.
  public init(shape: Shape) {
    self.shape = shape
  }

  public var name: String { "reshape" }

  public var nature: Nature { .linear }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard shape.isValid, shape.count == inputs[0].count else {
      throw ShapeError(name, inputs, "\(inputs[0].count) elements do not fill \(shape)")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor { inputs[0].reshaped(to: shape) }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [cotangent.reshaped(to: inputs[0].shape)]
  }
}

extension Value {
  /// Records the same elements under another shape.
  public func reshaped(to shape: Shape) -> Value { applying(Reshape(shape: shape)) }
}
