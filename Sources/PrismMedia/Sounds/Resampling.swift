#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension Sound {
  /// The sound at another rate, without the frequencies that this rate cannot hold.
  ///
  /// - Parameter rate: In Hz.
  /// - Returns: A sound of the same length in seconds, rounded up to a sample.
  /// - Throws: `SoundError.unsupported` where ``rateRange`` does not contain the rate.
  public func resampled(to rate: Int) throws(SoundError) -> Sound {
    guard Self.rateRange.contains(rate) else {
      throw .unsupported(name, reason: "a rate of \(rate) Hz")
    }
    guard rate != self.rate, !samples.isEmpty else { return self }
    return Sound(exactly: rate, samples: Resampler(from: self.rate, to: rate)(samples), name: name)
  }
}

/// A change of the sample rate by a rational factor, with one low-pass filter split into phases.
///
/// The filter is a sinc of 64 zero crossings on either side, cut off at 0.95 of the lower rate's
/// half and weighted by a Kaiser window with β = 9: about −90 dB beyond the transition, which ends
/// just below half the rate. It is applied with zero phase, and `n` samples become
/// `⌈n · up / down⌉`, as `scipy.signal.resample_poly` does it.
struct Resampler {
  static let zeroCrossings = 64
  static let cutoff = 0.95
  static let beta = 9.0

  let up: Int
  let down: Int
  /// The samples to the left and to the right of the middle one that an output looks at.
  private let reach: Int
  /// The coefficients of a phase, as a whole number of vectors.
  private let taps: Int
  /// `[up, taps]`.
  private let coefficients: [Float]

  init(from: Int, to: Int) {
    let divisor = Self.greatestCommonDivisor(from, to)
    up = to / divisor
    down = from / divisor
    let widest = max(up, down)
    let half = Self.zeroCrossings * widest
    reach = half / up + 1
    taps = (2 * reach + 1 + 7) / 8 * 8

    // The filter's samples at `up` times the rate; their sum is `up`, so that levels stay.
    let scale = Self.cutoff / Double(widest)
    let normalizer = Self.bessel(Self.beta)
    var filter = (0...half).map { i in
      let x = Double(i) / Double(half)
      return Self.sinc(Double(i) * scale) * Self.bessel(Self.beta * (1 - x * x).squareRoot())
        / normalizer
    }
    let sum = filter[0] + 2 * filter[1...].reduce(0, +)
    for i in filter.indices { filter[i] *= Double(up) / sum }

    var coefficients = [Float](repeating: 0, count: up * taps)
    for phase in 0..<up {
      for tap in 0...(2 * reach) {
        // The distance between the output and this input, in samples of the filter.
        let distance = abs(phase + (reach - tap) * up)
        if distance <= half { coefficients[phase * taps + tap] = Float(filter[distance]) }
      }
    }
    self.coefficients = coefficients
  }

  func callAsFunction(_ samples: [Float]) -> [Float] {
    let count = (samples.count * up + down - 1) / down
    let padded =
      [Float](repeating: 0, count: reach) + samples + [Float](repeating: 0, count: taps + 8)
    return padded.withUnsafeBytes { source in
      coefficients.withUnsafeBytes { filter in
        [Float](unsafeUninitializedCapacity: count) { target, initialized in
          var (phase, first) = (0, 0)
          for i in 0..<count {
            var sums: (SIMD8<Float>, SIMD8<Float>) = (.zero, .zero)
            var tap = 0
            while tap < taps {
              let a = source.loadUnaligned(
                fromByteOffset: 4 * (first + tap), as: SIMD8<Float>.self)
              let b = filter.loadUnaligned(
                fromByteOffset: 4 * (phase * taps + tap), as: SIMD8<Float>.self)
              if tap % 16 == 0 { sums.0 += a * b } else { sums.1 += a * b }
              tap += 8
            }
            target[i] = (sums.0 + sums.1).sum()
            phase += down
            first += phase / up
            phase %= up
          }
          initialized = count
        }
      }
    }
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(Double.pi * x) / (Double.pi * x)
  }

  /// The modified Bessel function of the first kind and order 0, by its power series.
  private static func bessel(_ x: Double) -> Double {
    var (sum, term, k) = (1.0, 1.0, 1.0)
    while term > 1e-17 * sum {
      term *= (x / 2) * (x / 2) / (k * k)
      sum += term
      k += 1
    }
    return sum
  }
}
