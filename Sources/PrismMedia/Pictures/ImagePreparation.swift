public import PrismTensor
public import PrismCard

extension ModelCard.ImageInput {
  /// A picture at the network's size; where the card says so, the centre of it.
  public func pixels(of image: Image) -> Image {
    image.resized(
      to: target(width: image.width, height: image.height), method: ResizeMethod(resize))
  }

  /// The network's input for a picture, and the picture at the network's size; resized once.
  ///
  /// - Returns: `[1, height, width, C]`, and 8-bit pixels for people and for segmentations.
  public func prepared(_ image: Image) -> (input: Tensor, pixels: Image) {
    let resized = pixels(of: image)
    // 8-bit pixels are their own resize; deeper samples are resized without rounding.
    return (tensor(of: image.deep == nil ? resized : image), resized)
  }

  /// What a black pixel is in the network's input, one number a channel.
  public var black: [Float] { input(ofLevel: 0) }

  /// What a white pixel is in the network's input, one number a channel.
  public var white: [Float] { input(ofLevel: 255) }

  private func input(ofLevel level: Double) -> [Float] {
    (0..<channelCount).map { c in
      let i = mean.count == 1 ? 0 : c
      // Opacity is the same at every level.
      let level = c == 3 ? 255 : level
      return Float((level * scale - mean[i]) / std[i])
    }
  }

  /// The network's input for a picture.
  ///
  /// The picture is resized to the network's size, or its shorter side is resized and the centre
  /// cut out; the element of channel `c` is `(p · scale − mean[c]) / std[c]`, with the pixel p from
  /// 0 to 255 in the network's order of channels.
  ///
  /// - Returns: `[1, height, width, C]`.
  public func tensor(of image: Image) -> Tensor {
    if let deep = image.deep { return tensor(of: deep, width: image.width, height: image.height) }
    let resized = pixels(of: image)
    // What a sample becomes, for each of the network's channels and the 256 samples there are.
    let table = (0..<channelCount).flatMap { c in
      let i = mean.count == 1 ? 0 : c
      let (factor, offset) = (scale / std[i], -mean[i] / std[i])
      return (0..<256).map { Float(Double($0) * factor + offset) }
    }
    let order =
      switch channels {
      case .rgb, .rgba, .grey: (0, 1, 2)
      case .bgr: (2, 1, 0)
      }
    return resized.pixels.withUnsafeBufferPointer { pixels in
      table.withUnsafeBufferPointer { table in
        Tensor(uninitialized: [1, height, width, channelCount]) { target in
          for (pixel, position) in stride(from: 0, to: pixels.count, by: 3).enumerated() {
            var samples = (
              Int(pixels[position + order.0]), Int(pixels[position + order.1]),
              Int(pixels[position + order.2])
            )
            if channels == .grey {
              // ITU-R BT.601 in 65536ths, as Pillow's conversion to `L` has it.
              let luma = 19595 * samples.0 + 38470 * samples.1 + 7471 * samples.2
              let sample = (luma + 0x8000) >> 16
              samples = (sample, sample, sample)
            }
            let place = pixel * channelCount
            target[place] = table[samples.0]
            guard channelCount > 1 else { continue }
            target[place + 1] = table[256 + samples.1]
            target[place + 2] = table[512 + samples.2]
            if channelCount == 4 { target[place + 3] = table[768 + 255] }
          }
        }
      }
    }
  }
}

extension ModelCard.ImageInput {
  /// The network's input for samples of more than 8 bits: nothing is rounded on the way.
  private func tensor(of deep: DeepSamples, width: Int, height: Int) -> Tensor {
    let tones = deep.resized(
      width: width, height: height, to: target(width: width, height: height),
      method: ResizeMethod(resize))
    let affine = (0..<channelCount).map { c -> (factor: Float, offset: Float) in
      let i = mean.count == 1 ? 0 : c
      return (Float(scale / std[i]), Float(-mean[i] / std[i]))
    }
    return tones.withUnsafePointer { source in
      Tensor(uninitialized: [1, self.height, self.width, channelCount]) { target in
        for (pixel, at) in stride(from: 0, to: tones.count, by: 3).enumerated() {
          var samples = (source[at], source[at + 1], source[at + 2])
          switch channels {
          case .rgb, .rgba: break
          case .bgr: swap(&samples.0, &samples.2)
          case .grey:
            let luma = 0.299 * samples.0 + 0.587 * samples.1 + 0.114 * samples.2
            samples = (luma, luma, luma)
          }
          let place = pixel * channelCount
          target[place] = samples.0 * affine[0].factor + affine[0].offset
          guard channelCount > 1 else { continue }
          target[place + 1] = samples.1 * affine[1].factor + affine[1].offset
          target[place + 2] = samples.2 * affine[2].factor + affine[2].offset
          if channelCount == 4 { target[place + 3] = 255 * affine[3].factor + affine[3].offset }
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
    case .lanczos: self = .lanczos
    }
  }
}
