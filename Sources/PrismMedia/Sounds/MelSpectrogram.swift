public import PrismTensor

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// How frequencies are spaced as the ear hears them.
public enum MelScale: String, Sendable, CaseIterable {
  /// Linear up to 1 kHz and logarithmic above (M. Slaney, Auditory Toolbox, 1998), librosa's
  /// default.
  case slaney
  /// `2595 · log10(1 + f / 700)` (HTK, after O'Shaughnessy 1987).
  case htk

  // Of Slaney's scale: 200/3 Hz a mel up to 1 kHz, then 27 steps to each factor of 6.4.
  private static let linear = 200.0 / 3
  private static let knee = 1000.0
  private static let step = log(6.4) / 27

  /// The place of a frequency in Hz.
  public func mel(_ hertz: Double) -> Double {
    switch self {
    case .htk: 2595 * log10(1 + hertz / 700)
    case .slaney:
      hertz < Self.knee
        ? hertz / Self.linear : Self.knee / Self.linear + log(hertz / Self.knee) / Self.step
    }
  }

  /// The frequency in Hz at a place.
  public func hertz(_ mel: Double) -> Double {
    switch self {
    case .htk: return 700 * (pow(10, mel / 2595) - 1)
    case .slaney:
      let knee = Self.knee / Self.linear
      return mel < knee ? mel * Self.linear : Self.knee * exp(Self.step * (mel - knee))
    }
  }
}

/// The power of a sound in overlapping triangular bands along the mel scale, frame by frame.
///
/// As `librosa.feature.melspectrogram` with `power=2` and `norm="slaney"`: each band's weights have
/// the area 1 over frequency. Making one costs more than using it; one can be used by several
/// threads.
public struct MelSpectrogram: Sendable {
  /// The sounds' samples a second, in Hz.
  public let rate: Int
  /// The number of bands.
  public let bands: Int
  /// The ends of the bands in Hz, ascending: band `b` rises from `edges[b]` to `edges[b + 1]` and
  /// falls to `edges[b + 2]`.
  public let edges: [Double]
  /// What the bands are taken of.
  public let transform: ShortTimeFourierTransform
  /// Of each band: its first bin, and its weights from there on.
  private let filters: [(first: Int, weights: [Double])]

  /// Prepares a spectrogram; the defaults are librosa's.
  ///
  /// - Parameters:
  ///   - rate: The samples a second, in Hz.
  ///   - fft: The length of the transform, even.
  ///   - hop: From one frame to the next, in samples.
  ///   - bands: The number of bands.
  ///   - minimum: The lower end of the lowest band, in Hz.
  ///   - maximum: The upper end of the highest band, in Hz; `nil` for half the rate.
  ///   - scale: How the bands are spaced.
  ///   - hasUnitArea: Whether each band's weights have the area 1 over frequency, instead of the
  ///     peak 1.
  ///   - mirrorsEnds: Whether the sound is mirrored beyond its ends, instead of zeros.
  /// - Throws: ``SpectrogramError``.
  public init(
    rate: Int, fft: Int = 2048, hop: Int = 512, bands: Int = 128, minimum: Double = 0,
    maximum: Double? = nil, scale: MelScale = .slaney, hasUnitArea: Bool = true,
    mirrorsEnds: Bool = false
  ) throws(SpectrogramError) {
    let maximum = maximum ?? Double(rate) / 2
    guard rate > 0, bands > 0, minimum >= 0, minimum < maximum, maximum <= Double(rate) / 2 else {
      throw .parameter("\(bands) bands from \(minimum) to \(maximum) Hz at \(rate) Hz")
    }
    let transform = try ShortTimeFourierTransform(
      count: fft, hop: hop, mirrorsEnds: mirrorsEnds)
    let (low, high) = (scale.mel(minimum), scale.mel(maximum))
    let edges = (0..<(bands + 2)).map { i in
      scale.hertz(low + (high - low) * Double(i) / Double(bands + 1))
    }
    filters = (0..<bands).map { band in
      let (left, middle, right) = (edges[band], edges[band + 1], edges[band + 2])
      let area = hasUnitArea ? 2 / (right - left) : 1
      let weights = (0..<transform.bins).map { bin in
        let frequency = Double(bin) * Double(rate) / Double(fft)
        let rising = (frequency - left) / (middle - left)
        let falling = (right - frequency) / (right - middle)
        return max(0, min(rising, falling)) * area
      }
      let first = weights.firstIndex { $0 > 0 } ?? 0
      let last = weights.lastIndex { $0 > 0 } ?? -1
      return (first, first <= last ? Array(weights[first...last]) : [])
    }
    self.rate = rate
    self.bands = bands
    self.edges = edges
    self.transform = transform
  }

  /// The power in each band and frame, `[bands, frames]`.
  ///
  /// - Throws: ``SpectrogramError/noMemory``.
  public func callAsFunction(_ samples: [Float]) throws(SpectrogramError) -> Tensor {
    let frames = transform.frames(of: samples.count)
    var values = [Float](repeating: 0, count: bands * frames)
    var power = [Double](repeating: 0, count: transform.bins)
    var frame = 0
    try transform.forEachFrame(of: samples) { spectrum in
      for bin in 0..<spectrum.count {
        let value = spectrum[bin]
        power[bin] = value.x * value.x + value.y * value.y
      }
      for band in 0..<bands {
        let filter = filters[band]
        var sum = 0.0
        for i in 0..<filter.weights.count { sum += filter.weights[i] * power[filter.first + i] }
        values[band * frames + frame] = Float(sum)
      }
      frame += 1
    }
    return Tensor([bands, frames], values)
  }

  /// Power in decibels below its maximum, as `librosa.power_to_db(S, ref=np.max)`.
  ///
  /// - Parameters:
  ///   - power: Of any shape, not negative.
  ///   - range: What is weaker is raised to so many decibels below the maximum.
  /// - Returns: From `−range` to 0, of the same shape.
  public static func decibels(_ power: Tensor, range: Double = 80) -> Tensor {
    let least = 1e-10
    let reference = 10 * log10(max(least, Double(power.maximum)))
    return power.map { value in
      Float(max(10 * log10(max(least, Double(value))) - reference, -range))
    }
  }
}
