public import PrismTensor

/// A primitive that makes one number of every channel of every image: `[N, H, W, C]` to `[N, C]`.
public protocol GlobalPoolPrimitive: Primitive {}

extension GlobalPoolPrimitive {
  /// Every output element depends on the whole image.
  public var reach: Reach { .everywhere }

  /// One row of channels an image.
  ///
  /// - Throws: ``ShapeError`` unless there is one input of images.
  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    return [inputs[0][0], inputs[0][3]]
  }

  /// One operation an element of the input.
  public func flops(_ inputs: [Shape], output: Shape) -> Int { inputs[0].count }
}
