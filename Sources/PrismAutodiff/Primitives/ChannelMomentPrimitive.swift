public import PrismTensor

/// A primitive that makes one number of every channel over all other axes: `[N, H, W, C]` to `[C]`.
public protocol ChannelMomentPrimitive: Primitive {}

extension ChannelMomentPrimitive {
  /// Every output element depends on the whole channel.
  public var reach: Reach { .everywhere }

  /// One number a channel.
  ///
  /// - Throws: ``ShapeError`` unless there is one input with a batch axis and a channel axis.
  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard inputs[0].rank > 1 else {
      throw ShapeError(name, inputs, "needs a batch axis and a channel axis")
    }
    return [inputs[0][-1]]
  }
}
