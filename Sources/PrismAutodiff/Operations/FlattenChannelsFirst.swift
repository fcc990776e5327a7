public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// An image as a row, channel by channel: `[N, H, W, C]` to `[N, C · H · W]`.
///
/// This is the order in which torch flattens, so that the weights of a dense layer after it fit.
public struct FlattenChannelsFirst: Primitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "flattenChannelsFirst" }

  public var nature: Nature { .rearrangement }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    return [inputs[0][0], inputs[0][1] * inputs[0][2] * inputs[0][3]]
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let shape = inputs[0].shape
    return inputs[0].transposingLastAxes(
      outer: shape[0], rows: shape[1] * shape[2], columns: shape[3]
    ).reshaped(to: [shape[0], shape[1] * shape[2] * shape[3]])
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape = inputs[0].shape
    return [
      cotangent.transposingLastAxes(
        outer: shape[0], rows: shape[3], columns: shape[1] * shape[2]
      ).reshaped(to: shape)
    ]
  }
}

extension Value {
  /// Records an image as a row in the order channels, rows, columns: `[N, H, W, C]` to
  /// `[N, C · H · W]`.
  public func flattenedChannelsFirst() -> Value { applying(FlattenChannelsFirst()) }
}
