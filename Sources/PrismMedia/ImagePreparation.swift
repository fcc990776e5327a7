public import PrismTensor
public import PrismWeights

extension ModelCard.ImageInput {
  /// A picture at the network's size.
  public func pixels(of image: Image) -> Image {
    image.resized(width: width, height: height, method: ResizeMethod(resize))
  }

  /// What a black pixel is in the network's input, one number a channel.
  public var black: [Float] {
    (0..<3).map { c in
      let i = mean.count == 1 ? 0 : c
      return Float(-mean[i] / std[i])
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
    let affine = (0..<3).map { c in
      let i = mean.count == 1 ? 0 : c
      return (factor: scale / std[i], offset: -mean[i] / std[i])
    }
    let pixels = resized.pixels
    var scalars = [Float](repeating: 0, count: pixels.count)
    for position in stride(from: 0, to: pixels.count, by: 3) {
      let (red, green, blue) = (
        Double(pixels[position]), Double(pixels[position + 1]), Double(pixels[position + 2])
      )
      let values: (Double, Double, Double)
      switch channels {
      case .rgb: values = (red, green, blue)
      case .bgr: values = (blue, green, red)
      case .grey:
        // ITU-R BT.601, rounded as Pillow's conversion to `L` does.
        let luma = (0.299 * red + 0.587 * green + 0.114 * blue).rounded()
        values = (luma, luma, luma)
      }
      scalars[position] = Float(values.0 * affine[0].factor + affine[0].offset)
      scalars[position + 1] = Float(values.1 * affine[1].factor + affine[1].offset)
      scalars[position + 2] = Float(values.2 * affine[2].factor + affine[2].offset)
    }
    return Tensor([1, height, width, 3], scalars)
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
