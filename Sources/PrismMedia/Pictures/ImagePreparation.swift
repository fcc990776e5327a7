public import PrismTensor
public import PrismCard

extension ModelCard.ImageInput {
  /// A picture at the network's size.
  public func pixels(of image: Image) -> Image {
    image.resized(width: width, height: height, method: ResizeMethod(resize))
  }

  /// What a black pixel is in the network's input, one number a channel.
  public var black: [Float] { prepared(0) }

  /// What a white pixel is in the network's input, one number a channel.
  public var white: [Float] { prepared(255) }

  private func prepared(_ level: Double) -> [Float] {
    (0..<3).map { c in
      let i = mean.count == 1 ? 0 : c
      return Float((level * scale - mean[i]) / std[i])
    }
  }

  /// The network's input for a picture.
  ///
  /// The picture is resized to the network's size; the element of channel `c` is `(p · scale − mean[c]) / std[c]`,
  /// with the pixel p from 0 to 255 in the network's order of channels.
  ///
  /// - Returns: `[1, height, width, 3]`.
  public func tensor(of image: Image) -> Tensor {
    let resized = pixels(of: image)
    // What a sample becomes, for each of the network's channels and the 256 samples there are.
    let table = (0..<3).flatMap { c in
      let i = mean.count == 1 ? 0 : c
      let (factor, offset) = (scale / std[i], -mean[i] / std[i])
      return (0..<256).map { Float(Double($0) * factor + offset) }
    }
    let order =
      switch channels {
      case .rgb, .grey: (0, 1, 2)
      case .bgr: (2, 1, 0)
      }
    return resized.pixels.withUnsafeBufferPointer { pixels in
      table.withUnsafeBufferPointer { table in
        Tensor(uninitialized: [1, height, width, 3]) { target in
          for position in stride(from: 0, to: pixels.count, by: 3) {
            var samples = (
              Int(pixels[position + order.0]), Int(pixels[position + order.1]),
              Int(pixels[position + order.2])
            )
            if channels == .grey {
              // ITU-R BT.601, rounded as Pillow's conversion to `L` does.
              let luma =
                0.299 * Double(samples.0) + 0.587 * Double(samples.1) + 0.114 * Double(samples.2)
              let sample = Int(luma.rounded())
              samples = (sample, sample, sample)
            }
            target[position] = table[samples.0]
            target[position + 1] = table[256 + samples.1]
            target[position + 2] = table[512 + samples.2]
          }
        }
      }
    }
  }
}

extension ResizeMethod {
  init(_ resize: ModelCard.Resize) {
    switch resize {
    case .nearest: self = .nearest
    case .bilinear: self = .bilinear
    case .bilinearAntialias: self = .bilinearAntialias
    case .bicubic: self = .bicubic
    }
  }
}
