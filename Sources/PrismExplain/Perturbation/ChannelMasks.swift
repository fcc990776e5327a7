internal import PrismTensor

/// The channels of a value, each at an image's size and from 0 to 1.
struct ChannelMasks: Sendable {
  private let value: Tensor
  private let rows, columns: ResizeAxis

  /// - Throws: ``ExplanationError/layerWithoutExtent(layer:shape:)`` unless the value is
  ///   `[1, h, w, C]`.
  init(_ value: Tensor, height: Int, width: Int) throws(ExplanationError) {
    guard value.shape.rank == 4, value.shape[0] == 1, value.count > 0 else {
      throw .layerWithoutExtent(layer: "of the masks", shape: value.shape)
    }
    self.value = value
    rows = ResizeAxis(from: value.shape[1], to: height, alignment: .corners)
    columns = ResizeAxis(from: value.shape[2], to: width, alignment: .corners)
  }

  /// One channel's mask, one number a pixel, row by row.
  subscript(channel: Int) -> [Float] {
    let (stride, channels) = (value.shape[2], value.shape[3])
    return value.withUnsafePointer { a in
      func at(_ y: Int, _ x: Int) -> Float { a[(y * stride + x) * channels + channel] }
      var mask: [Float] = []
      mask.reserveCapacity(rows.first.count * columns.first.count)
      for y in rows.first.indices {
        let (top, bottom, v) = (rows.first[y], rows.second[y], rows.weight[y])
        for x in columns.first.indices {
          let (left, right, u) = (columns.first[x], columns.second[x], columns.weight[x])
          mask.append(
            (1 - v) * ((1 - u) * at(top, left) + u * at(top, right))
              + v * ((1 - u) * at(bottom, left) + u * at(bottom, right)))
        }
      }
      let (low, high) = (mask.min() ?? 0, mask.max() ?? 0)
      return mask.map { ($0 - low) / (high - low + 1e-8) }
    }
  }
}
