#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The spectrum of short parts of a sound, one after another, and the way back.
///
/// As `librosa.stft` and `librosa.istft` by default: a periodic Hann window as long as the
/// transform, frames centred at multiples of the hop, zeros beyond the ends unless stated.
public struct ShortTimeFourierTransform: Sendable {
  /// The length of the transform and of its window, in samples.
  public let count: Int
  /// From one frame to the next, in samples.
  public let hop: Int
  /// The number of frequencies, from 0 to half the rate.
  public var bins: Int { count / 2 + 1 }
  /// Whether the sound is mirrored beyond its ends, instead of zeros.
  public let mirrorsEnds: Bool
  let window: [Double]
  private let transform: FourierTransform

  /// Prepares a transform.
  ///
  /// - Parameters:
  ///   - count: The length of the transform, even, from 2 to 2²⁰.
  ///   - hop: From one frame to the next, in samples.
  ///   - mirrorsEnds: Whether the sound is mirrored beyond its ends, instead of zeros.
  /// - Throws: ``SpectrogramError``.
  public init(count: Int, hop: Int, mirrorsEnds: Bool = false) throws(SpectrogramError) {
    guard count % 2 == 0, (2...(1 << 20)).contains(count), (1...count).contains(hop) else {
      throw .parameter("a transform of \(count) samples every \(hop)")
    }
    self.count = count
    self.hop = hop
    self.mirrorsEnds = mirrorsEnds
    transform = try FourierTransform(count: count)
    window = (0..<count).map { 0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(count)) }
  }

  /// The number of frames of so many samples.
  public func frames(of samples: Int) -> Int { 1 + samples / hop }

  /// The spectrum of a sound.
  ///
  /// - Throws: ``SpectrogramError/noMemory``.
  public func callAsFunction(_ samples: [Float]) throws(SpectrogramError) -> Spectrum {
    var values: [SIMD2<Double>] = []
    values.reserveCapacity(frames(of: samples.count) * bins)
    try forEachFrame(of: samples) { values += $0 }
    return Spectrum(
      transform: self, frames: frames(of: samples.count), samples: samples.count, values: values)
  }

  /// Hands over the complex spectrum of each frame.
  func forEachFrame(
    of samples: [Float], _ body: (UnsafeMutableBufferPointer<SIMD2<Double>>) -> Void
  ) throws(SpectrogramError) {
    let workspace = try FourierTransform.Workspace(transform)
    samples.withUnsafeBufferPointer { samples in
      for frame in 0..<frames(of: samples.count) {
        let start = frame * hop - count / 2
        for i in 0..<count {
          var position = start + i
          if mirrorsEnds {
            position = abs(position)
            if position >= samples.count { position = 2 * (samples.count - 1) - position }
          }
          workspace.real[i] =
            position >= 0 && position < samples.count ? Double(samples[position]) * window[i] : 0
        }
        workspace.forward()
        body(workspace.complex)
      }
    }
  }

  /// A complex number for every frame and frequency.
  public struct Spectrum: Sendable {
    /// What made it.
    let transform: ShortTimeFourierTransform
    /// The number of frames.
    public let frames: Int
    /// The number of samples that it was made of.
    public let samples: Int
    /// `[frames, bins]`: real and imaginary parts.
    public var values: [SIMD2<Double>]

    /// The sound with this spectrum: frames are transformed back, windowed and added, and the sum
    /// is divided by that of the squared windows.
    ///
    /// - Throws: ``SpectrogramError/noMemory``.
    public func inverse() throws(SpectrogramError) -> [Float] {
      let (count, hop, bins) = (transform.count, transform.hop, transform.bins)
      let workspace = try FourierTransform.Workspace(transform.transform)
      let length = (frames - 1) * hop + count
      var sum = [Double](repeating: 0, count: length)
      var weight = [Double](repeating: 0, count: length)
      let window = transform.window
      for frame in 0..<frames {
        for bin in 0..<bins { workspace.complex[bin] = values[frame * bins + bin] }
        workspace.inverse()
        for i in 0..<count {
          sum[frame * hop + i] += workspace.real[i] * window[i]
          weight[frame * hop + i] += window[i] * window[i]
        }
      }
      return (0..<samples).map { i in
        let position = i + count / 2
        // No frame reaches the very last samples where the hop is almost as long as the window.
        guard position < length, weight[position] > 1e-38 else { return 0 }
        return Float(sum[position] / weight[position])
      }
    }
  }
}
