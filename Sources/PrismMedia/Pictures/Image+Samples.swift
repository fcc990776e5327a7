package import PrismTensor

extension Image {
  /// The samples as the file has them, without rounding: `[H, W, 1]` or `[H, W, 3]`, of 8-bit
  /// pictures from 0 to 255.
  package var samples: Tensor {
    guard let deep else { return Tensor([height, width, 3], pixels.map { Float($0) }) }
    return Tensor([height, width, deep.channels], deep.values.map { Float($0) })
  }
}
