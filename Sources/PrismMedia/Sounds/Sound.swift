internal import PrismFiles

/// A sound of one channel, with value semantics.
public struct Sound: Sendable, Equatable {
  /// The largest sample that is believed, relative to full scale: what whole numbers of 24 bits
  /// reach without scaling.
  static let loudest: Float = 16_777_216
  /// The rates that are read and resampled to, in Hz.
  public static let rateRange = 1000...192_000

  /// The samples a second, in Hz.
  public let rate: Int
  /// The samples, from −1 to 1 at full scale.
  public let samples: [Float]
  /// What errors call the sound.
  public let name: String
  /// Where the sound comes from, and what was done to it on the way.
  public let origin: SoundOrigin

  /// Makes a sound of its samples.
  ///
  /// - Throws: `SoundError.unsupported` where ``rateRange`` does not contain the rate.
  public init(rate: Int, samples: [Float], name: String = "the sound") throws(SoundError) {
    guard Self.rateRange.contains(rate) else {
      throw .unsupported(name, reason: "a rate of \(rate) Hz")
    }
    self.init(exactly: rate, samples: samples, name: name)
  }

  /// Makes a sound of a rate that is known to be in ``rateRange``.
  init(
    exactly rate: Int, samples: [Float], name: String, origin: SoundOrigin = SoundOrigin()
  ) {
    self.rate = rate
    self.samples = samples
    self.name = name
    self.origin = origin
  }

  /// Whether two sounds have the same samples, wherever they come from.
  public static func == (first: Sound, second: Sound) -> Bool {
    first.rate == second.rate && first.samples == second.samples
  }

  /// Reads a WAV, FLAC, Ogg or MP3 file; the contents decide which, not the name.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - options: What becomes of channels and of damaged files, and limits.
  /// - Throws: `SoundError`.
  public init(
    contentsOf path: String, options: SoundOptions = SoundOptions()
  ) throws(SoundError) {
    let bytes: [UInt8]
    do { bytes = try Files.read(path, limits: options.limits) } catch { throw SoundError(error) }
    try self.init(decoding: bytes, name: path, options: options)
  }

  /// Decodes the contents of a sound's file.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - name: What errors call the sound.
  ///   - options: What becomes of channels and of damaged files, and limits.
  /// - Throws: `SoundError`.
  public init(
    decoding bytes: [UInt8], name: String = "sound data", options: SoundOptions = SoundOptions()
  ) throws(SoundError) {
    guard !bytes.isEmpty else { throw .empty(name) }
    guard let format = SoundFormat(of: bytes) else { throw .unrecognised(name) }
    if format == .other {
      let decoded = try FFmpeg.wav(of: bytes, name: name, options: options)
      self = try SoundFile.decode(decoded, format: .other, name: name, options: options).sound()
      return
    }
    let fault = SoundIntegrity.fault(of: bytes, format: format)
    if let fault, !options.allowsDamage { throw fault.error(name: name, unit: "bytes") }
    var mixer =
      format == .mp3
      ? try MP3.decode(bytes, name: name, options: options)
      : try SoundFile.decode(bytes, format: format, name: name, options: options)
    if let fault { try mixer.note(fault, unit: "bytes") }
    self = try mixer.sound()
  }

  /// The length in seconds.
  public var seconds: Double { Double(samples.count) / Double(rate) }

  /// A part of the sound; where the sound ends earlier, zeros follow.
  ///
  /// - Parameters:
  ///   - start: The first sample.
  ///   - count: The number of samples.
  /// - Returns: A sound of `count` samples.
  /// - Precondition: Both are at least 0.
  public func part(from start: Int, count: Int) -> Sound {
    precondition(start >= 0 && count >= 0, "\(count) samples from \(start) on")
    var part = Array(samples.dropFirst(start).prefix(count))
    part += [Float](repeating: 0, count: count - part.count)
    return Sound(exactly: rate, samples: part, name: name)
  }

  /// The sound as the contents of a WAV file of 16-bit samples; what is beyond full scale is
  /// clipped.
  ///
  /// - Throws: `SoundError.cannotEncode`.
  public func wavData() throws(SoundError) -> [UInt8] { try SoundFile.encode(self) }

  /// Writes the sound as a 16-bit WAV file, which appears whole or not at all.
  ///
  /// - Throws: `SoundError.cannotEncode`, `.cannotWrite`.
  public func write(to path: String) throws(SoundError) {
    let data = try wavData()
    do { try AtomicFile.write(data, to: path) } catch { throw SoundError(error) }
  }
}
