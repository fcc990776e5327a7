internal import PrismTensor

/// An image at growing strengths of blur, between which a mask chooses pixel by pixel.
///
/// Of L levels the level l is blurred by a Gaussian with the deviation `σ (1 − l / (L − 1))`: the
/// last is the image itself. Around the image all is zero, which is the mean colour of most
/// preparations. A mask m takes the numbers at the place `m (L − 1)` between the levels.
struct BlurPyramid: Sendable {
  private let levels: [[Float]]
  private let channels: Int

  /// Blurs an image.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`.
  ///   - count: The number of levels, at least 2.
  ///   - deviation: That of the strongest blur, in pixels.
  init(_ image: Tensor, count: Int, deviation: Double) {
    channels = image.shape[3]
    levels = (0..<count).map { level in
      let share = 1 - Double(level) / Double(count - 1)
      return image.gaussianBlurred(deviation: share * deviation)
    }
  }

  /// The image that a mask chooses, one number from 0 to 1 a pixel.
  func image(through mask: [Float]) -> [Float] {
    var result = levels[0]
    for (p, value) in mask.enumerated() {
      let (level, share) = place(value)
      let (low, high) = (levels[level], levels[min(level + 1, levels.count - 1)])
      for i in p * channels..<(p + 1) * channels {
        result[i] = (1 - share) * low[i] + share * high[i]
      }
    }
    return result
  }

  /// The derivative by a mask, one number a pixel, of what has a gradient at the chosen image.
  ///
  /// There is none where the mask is 1: above the last level is nothing.
  func gradient(at mask: [Float], of gradient: [Float]) -> [Float] {
    mask.enumerated().map { p, value in
      let (level, _) = place(value)
      guard level + 1 < levels.count else { return 0 }
      var sum: Float = 0
      for i in p * channels..<(p + 1) * channels {
        sum += gradient[i] * (levels[level + 1][i] - levels[level][i])
      }
      return sum * Float(levels.count - 1)
    }
  }

  private func place(_ value: Float) -> (level: Int, share: Float) {
    let place = value * Float(levels.count - 1)
    return (Int(place), place - place.rounded(.down))
  }
}

extension Tensor {
  /// The numbers of `[1, H, W, C]` smoothed by a Gaussian that ends after four deviations, with
  /// zeros around the image.
  fileprivate func gaussianBlurred(deviation: Double) -> [Float] {
    let radius = Int((4 * deviation).rounded(.up))
    guard radius > 0 else { return scalars }
    var kernel = (-radius...radius).map {
      exponential(-0.5 * Double($0 * $0) / (deviation * deviation))
    }
    let total = kernel.reduce(0, +)
    kernel = kernel.map { $0 / total }
    let weights = kernel.map(Float.init)
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let row = width * channels
    let down = smoothed(
      scalars, weights, count: height, stride: row, lines: [0], length: row)
    return smoothed(
      down, weights, count: width, stride: channels,
      lines: (0..<height).map { $0 * row }, length: channels)
  }

  /// Sums along an axis: elements that follow each other there are a stride apart, and a run of so
  /// many lies at each.
  private func smoothed(
    _ source: [Float], _ weights: [Float], count: Int, stride: Int, lines: [Int], length: Int
  ) -> [Float] {
    let radius = weights.count / 2
    var result = [Float](repeating: 0, count: source.count)
    source.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { result in
        for line in lines {
          for i in 0..<count {
            for j in max(i - radius, 0)...min(i + radius, count - 1) {
              let weight = weights[j - i + radius]
              let (to, from) = (line + i * stride, line + j * stride)
              for k in 0..<length { result[to + k] += weight * source[from + k] }
            }
          }
        }
      }
    }
    return result
  }
}
