internal import PrismCard
internal import PrismTensor

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension ModelCard.AudioInput.Levels {
  /// The network's input for the powers of a window.
  ///
  /// - Parameters:
  ///   - power: `[bands, frames]`.
  ///   - input: What these levels belong to.
  /// - Returns: `[1, rows, columns, 1]`.
  func tensor(of power: Tensor, _ input: ModelCard.AudioInput) -> Tensor {
    let (bands, stride, frames) = (power.shape[0], power.shape[1], input.frames)
    let least = range.map { raw(Double(power.maximum)) - $0 * unit }
    let powers = power.scalars
    let isUpright = axes == .bandsFrames
    return Tensor(uninitialized: [1, input.image.height, input.image.width, 1]) { target in
      for band in 0..<bands {
        for frame in 0..<frames {
          let value = max(raw(Double(powers[band * stride + frame])), least ?? -.infinity)
          target[isUpright ? band * frames + frame : frame * bands + band] = scaled(value, band)
        }
      }
    }
  }

  /// What a power is in the network's input.
  ///
  /// - Parameters:
  ///   - power: Not negative.
  ///   - band: In which band; `nil` for the middle of what bands are scaled by.
  /// - Returns: A number of the network's input.
  func level(ofPower power: Double, band: Int?) -> Float {
    guard let band else {
      let values = (0..<max(mean.count, std.count)).map { scaled(raw(power), $0) }
      return values.reduce(0, +) / Float(values.count)
    }
    return scaled(raw(power), band)
  }

  /// How much a decibel is.
  private var unit: Double { logarithm == .decibel ? 1 : log(10) / 10 }

  private func raw(_ power: Double) -> Double {
    let held = max(power, floor)
    return logarithm == .decibel ? 10 * log10(held) : log(held)
  }

  private func scaled(_ value: Double, _ band: Int) -> Float {
    Float(
      (value - mean[mean.count == 1 ? 0 : band]) / std[std.count == 1 ? 0 : band])
  }
}
