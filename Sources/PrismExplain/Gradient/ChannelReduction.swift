internal import PrismTensor

/// How a gradient's channels become one number a pixel.
public enum ChannelReduction: String, Sendable, CaseIterable {
  /// The largest magnitude of any channel.
  case largestMagnitude
  /// The sum of the magnitudes.
  case sumOfMagnitudes
  /// The sum, signed.
  case sum

  /// One number a pixel, in Double: `[1, H, W, C]` to H · W numbers.
  func callAsFunction(_ gradient: Tensor) -> [Double] {
    let channels = gradient.shape[3]
    return gradient.withUnsafePointer { g in
      (0..<gradient.count / channels).map { p in
        let pixel = p * channels..<(p + 1) * channels
        switch self {
        case .largestMagnitude: return pixel.reduce(0) { max($0, Double(abs(g[$1]))) }
        case .sumOfMagnitudes: return pixel.reduce(0) { $0 + Double(abs(g[$1])) }
        case .sum: return pixel.reduce(0) { $0 + Double(g[$1]) }
        }
      }
    }
  }
}
