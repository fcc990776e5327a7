internal import PrismFiles

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What a sound is like before any model hears it: how loud, how wide, and whether a voice is in
/// it.
///
/// Frames of 40 ms are looked at, at most 12 000 of them, evenly over the sound; those of zeros
/// alone do not count. A frame is voiced where its autocorrelation, divided by that of its window,
/// has a peak above 0.45 between 75 and 500 Hz, and where it reaches 3 % of the sound's peak: the
/// candidates and thresholds of P. Boersma, "Accurate short-term analysis of the fundamental
/// frequency and the harmonics-to-noise ratio of a sampled sound", Proc. Institute of Phonetic
/// Sciences 17, Amsterdam 1993. Flatness is that of A. H. Gray and J. D. Markel, "A
/// spectral-flatness measure for studying the autocorrelation method of linear prediction of speech
/// analysis", IEEE Trans. ASSP 22, 1974: the geometric mean of the power over its arithmetic mean,
/// here up to the bandwidth; about 0.56 for white noise.
public struct SignalCheck: Sendable, Equatable, Codable {
  /// The root of the mean square, in decibels of full scale; −160 and more.
  public let level: Double
  /// How long it is not silent, in seconds: parts of 20 ms at ``quietest`` and above.
  public let sounding: Double
  /// The largest magnitude, relative to full scale.
  public let peak: Double
  /// The share of samples at full scale in runs of three and more.
  public let clipped: Double
  /// The frequency above which nothing is stronger than 75 dB below the strongest, in Hz.
  public let bandwidth: Double
  /// The mean flatness of the spectrum, from 0 to 1.
  public let flatness: Double
  /// The strongest frequency, in Hz.
  public let tone: Double
  /// The share of the power within 60 Hz of the strongest frequency.
  public let purity: Double
  /// How much the level changes from frame to frame: the standard deviation, in decibels.
  public let levelSpread: Double
  /// The share of frames that are voiced.
  public let voiced: Double

  /// The level below which a sound is nearly silent, in decibels of full scale.
  public static let quietest = -60.0

  /// Looks at a sound.
  ///
  /// - Parameter sound: Of any rate and length.
  /// - Throws: ``SpectrogramError/noMemory``.
  public init(_ sound: Sound) throws(SpectrogramError) {
    level = Self.level(of: sound.samples[...])
    let part = max(1, sound.rate / 50)
    sounding = stride(from: 0, to: sound.samples.count, by: part).reduce(0.0) { sum, start in
      let samples = sound.samples[start..<min(start + part, sound.samples.count)]
      return Self.level(of: samples) < Self.quietest
        ? sum : sum + Double(samples.count) / Double(sound.rate)
    }
    peak = sound.samples.reduce(0) { max($0, Double(abs($1))) }
    clipped = Self.clipped(sound.samples)
    var frames = try Frames(sound, peak: peak)
    frames.look()
    (bandwidth, tone, purity) = frames.spectrumMeasures()
    flatness = frames.flatness(upTo: bandwidth)
    levelSpread = frames.levelSpread
    voiced = frames.count > 0 ? Double(frames.voicedCount) / Double(frames.count) : 0
  }

  /// The root of the mean square, in decibels of full scale; −160 for silence.
  static func level(of samples: ArraySlice<Float>) -> Double {
    guard !samples.isEmpty else { return -160 }
    let energy = samples.reduce(0.0) { $0 + Double($1) * Double($1) }
    return max(10 * log10(max(energy / Double(samples.count), 1e-16)), -160)
  }

  private static func clipped(_ samples: [Float]) -> Double {
    var (count, run) = (0, 0)
    for sample in samples {
      if abs(sample) >= 0.999 {
        run += 1
        if run == 3 { count += 3 } else if run > 3 { count += 1 }
      } else {
        run = 0
      }
    }
    return samples.isEmpty ? 0 : Double(count) / Double(samples.count)
  }

  /// What a reader of a prediction should know, a line each; none for an ordinary recording.
  ///
  /// - Parameters:
  ///   - highest: The highest frequency that the model looks at, in Hz.
  ///   - needed: How long what the model looks at is, in seconds.
  /// - Returns: Sentences without an end, about the sound.
  public func warnings(highest: Double, needed: Double = 0) -> [String] {
    var lines: [String] = []
    if level < Self.quietest {
      lines.append("it is nearly silent (\(Text.decimal(level, decimals: 0)) dB of full scale)")
    }
    if sounding < 0.75 * needed, level >= Self.quietest {
      lines.append(
        "only \(Text.decimal(sounding, decimals: 2)) s of it is sound, and the model looks at "
          + "\(Text.decimal(needed, decimals: 2)) s at a time")
    }
    if clipped > 0.0005 {
      lines.append("it is clipped: \(Text.percent(clipped)) of its samples are at full scale")
    }
    let isTone = purity > 0.9
    let isNoise = flatness > 0.4
    if isTone {
      lines.append("it is one tone of \(Text.hertz(tone)), not a voice")
    } else if isNoise {
      lines.append(
        "it is like noise (spectral flatness \(Text.decimal(flatness, decimals: 2)); white noise has "
          + "0.56)")
    } else if levelSpread < 1.5 {
      lines.append(
        "its level is always the same (within \(Text.decimal(levelSpread, decimals: 1)) dB), as of a "
          + "machine or a test signal")
    }
    if !isTone, voiced < 0.05 {
      lines.append(
        "hardly any voice was found in it (\(Text.percent(voiced)) of the time); a model of voices "
          + "has nothing to judge")
    }
    if !isTone, bandwidth < highest / 2 {
      lines.append(
        "it has nothing above \(Text.hertz(bandwidth)), and the model looks up to "
          + Text.hertz(highest))
    }
    return lines
  }
}

/// The frames of a sound, and sums over them.
private struct Frames {
  private static let limit = 12_000
  private static let pitch = (lowest: 75.0, highest: 500.0)
  private static let voicing = 0.45
  /// The peak of a frame that can be voiced, relative to that of the sound.
  private static let silence = 0.03

  private let samples: [Float]
  private let rate: Double
  private let peak: Double
  /// The samples of a frame, and from one to the next.
  private let length, hop: Int
  private let window: [Double]
  private let workspace: FourierTransform.Workspace
  private let size: Int
  /// The autocorrelation of the window, 1 at the lag 0.
  private var windowCorrelation: [Double] = []

  private(set) var count = 0
  private(set) var voicedCount = 0
  private var levels = (sum: 0.0, squares: 0.0)
  /// The sum of the power, a number a bin.
  private var power: [Double]
  /// For every frame the logarithms and the power in 64 parts of the spectrum, for the flatness up
  /// to a bandwidth that is known later.
  private var flatnesses: [(logs: [Float], powers: [Float])] = []

  init(_ sound: Sound, peak: Double) throws(SpectrogramError) {
    samples = sound.samples
    rate = Double(sound.rate)
    self.peak = peak
    length = max(16, Int((0.04 * rate).rounded()))
    hop = max(length / 2, sound.samples.count / Self.limit)
    var size = 32
    while size < 2 * length { size *= 2 }
    self.size = size
    let length = length
    window = (0..<length).map {
      0.5 - 0.5 * cos(2 * Double.pi * (Double($0) + 0.5) / Double(length))
    }
    workspace = try FourierTransform.Workspace(FourierTransform(count: size))
    power = [Double](repeating: 0, count: size / 2 + 1)
    for i in 0..<size { workspace.real[i] = i < length ? window[i] : 0 }
    correlate()
    windowCorrelation = (0..<length).map { workspace.real[$0] / workspace.real[0] }
  }

  /// From the frame in the workspace to its autocorrelation.
  private func correlate(_ body: (_ bin: Int, _ power: Double) -> Void = { _, _ in }) {
    workspace.forward()
    for bin in 0..<workspace.complex.count {
      let value = workspace.complex[bin]
      let power = value.x * value.x + value.y * value.y
      body(bin, power)
      workspace.complex[bin] = SIMD2(power, 0)
    }
    workspace.inverse()
  }

  /// Goes through all frames.
  mutating func look() {
    let last = max(samples.count - length, 0)
    var spectrum = [Double](repeating: 0, count: size / 2 + 1)
    for start in stride(from: 0, through: last, by: hop) {
      let end = min(start + length, samples.count)
      let mean = samples[start..<end].reduce(0.0) { $0 + Double($1) } / Double(end - start)
      var (energy, highest) = (0.0, 0.0)
      for i in 0..<size {
        let value = i < end - start ? Double(samples[start + i]) - mean : 0
        energy += value * value
        highest = max(highest, abs(value))
        workspace.real[i] = i < length ? value * window[i] : 0
      }
      guard energy > 0 else { continue }
      count += 1
      let level = 10 * log10(energy / Double(length))
      levels.sum += level
      levels.squares += level * level
      correlate { spectrum[$0] = $1 }
      add(spectrum)
      if highest > Self.silence * peak, isVoiced { voicedCount += 1 }
    }
  }

  /// Whether the autocorrelation in the workspace has a peak at a pitch of voices.
  private var isVoiced: Bool {
    let zero = workspace.real[0]
    guard zero > 0 else { return false }
    let lags =
      max(2, Int(rate / Self.pitch.highest))...min(length - 2, Int(rate / Self.pitch.lowest))
    func value(_ lag: Int) -> Double { workspace.real[lag] / zero / windowCorrelation[lag] }
    return lags.contains { lag in
      let here = value(lag)
      return here > Self.voicing && here >= value(lag - 1) && here >= value(lag + 1)
    }
  }

  private mutating func add(_ spectrum: [Double]) {
    var (logs, powers) = ([Float](), [Float]())
    let step = max(1, spectrum.count / 64)
    for start in stride(from: 0, to: spectrum.count, by: step) {
      var (logarithms, sum) = (0.0, 0.0)
      for bin in start..<min(start + step, spectrum.count) {
        power[bin] += spectrum[bin]
        sum += spectrum[bin]
        logarithms += log(max(spectrum[bin], 1e-30))
      }
      logs.append(Float(logarithms))
      powers.append(Float(sum))
    }
    flatnesses.append((logs, powers))
  }

  /// The bandwidth, the strongest frequency, and the share of the power around it.
  func spectrumMeasures() -> (bandwidth: Double, tone: Double, purity: Double) {
    guard let strongest = power.indices.max(by: { power[$0] < power[$1] }), power[strongest] > 0
    else { return (0, 0, 0) }
    let width = rate / Double(size)
    let last = power.lastIndex { $0 > power[strongest] * 3.16e-8 } ?? 0
    let reach = Int((60 / width).rounded(.up))
    let near = power[max(0, strongest - reach)...min(power.count - 1, strongest + reach)]
    return (
      Double(last) * width, Double(strongest) * width,
      near.reduce(0, +) / power.reduce(0, +)
    )
  }

  /// The mean flatness of the frames up to a frequency.
  func flatness(upTo bandwidth: Double) -> Double {
    guard !flatnesses.isEmpty else { return 0 }
    let step = max(1, power.count / 64)
    let bins = Int(bandwidth / rate * Double(size)) + 1
    let groups = max(1, bins / step)
    let number = Double(min(groups * step, power.count))
    let sum = flatnesses.reduce(0.0) { sum, frame in
      let log = frame.logs.prefix(groups).reduce(0.0) { $0 + Double($1) } / number
      let mean = frame.powers.prefix(groups).reduce(0.0) { $0 + Double($1) } / number
      return mean > 0 ? sum + exp(log) / mean : sum
    }
    return sum / Double(flatnesses.count)
  }

  /// The standard deviation of the frames' levels, in decibels.
  var levelSpread: Double {
    guard count > 1 else { return 0 }
    let mean = levels.sum / Double(count)
    return max(levels.squares / Double(count) - mean * mean, 0).squareRoot()
  }
}
