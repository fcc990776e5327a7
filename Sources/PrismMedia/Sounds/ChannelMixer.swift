internal import PrismKernels

/// Takes decoded frames as they come, makes one channel of them, and keeps what there is to say
/// about it.
struct ChannelMixer {
  /// The samples a second.
  let rate: Int
  /// The channels of the file.
  let channels: Int
  /// The frames so far.
  private(set) var frames = 0
  private let name: String
  private let options: SoundOptions
  private var samples: [Float] = []
  private var notes: [String] = []
  private let format: SoundFormat
  // What tells whether channels differ and whether they cancel.
  private var energies: (channels: Double, mean: Double, difference: Double) = (0, 0, 0)
  private var peak: Float = 0

  /// Begins a sound.
  ///
  /// - Parameters:
  ///   - rate: The samples a second, in Hz.
  ///   - channels: The channels of the file.
  ///   - promised: The frames that the file says it has; negative or zero where it does not say.
  ///   - format: The kind of file.
  ///   - name: What errors call the sound.
  ///   - options: What becomes of the channels, and limits.
  /// - Throws: `SoundError` for rates, channels and lengths that are not read.
  init(
    rate: Int, channels: Int, promised: Int, format: SoundFormat, name: String,
    options: SoundOptions
  ) throws(SoundError) {
    guard Sound.rateRange.contains(rate) else {
      throw .unsupported(name, reason: "a sample rate of \(rate) Hz")
    }
    guard (1...256).contains(channels) else {
      throw .unsupported(name, reason: "a sound of \(channels) channels")
    }
    guard options.channel != .right || channels > 1 else {
      throw .unsupported(name, reason: "--channel right of a sound with one channel")
    }
    (self.rate, self.channels, self.format) = (rate, channels, format)
    (self.name, self.options) = (name, options)
    try checkLength(promised)
    samples.reserveCapacity(min(max(promised, 0), 1 << 22))
  }

  private func checkLength(_ count: Int) throws(SoundError) {
    guard count <= options.frameLimit else {
      throw .tooLong(name, frames: count, limit: options.frameLimit)
    }
    // The samples as they are, and as they are put together.
    guard AddressSpace.hasRoom(for: 3 * max(count, 0) * MemoryLayout<Float>.stride) else {
      throw .unreadable(name, reason: "there is not enough memory for \(count) samples")
    }
    guard Double(count) <= options.secondsLimit * Double(rate) else {
      throw .lastsTooLong(
        name, seconds: Double(count) / Double(rate), limit: options.secondsLimit)
    }
  }

  /// Takes interleaved frames.
  mutating func add(_ block: ArraySlice<Float>, frames count: Int) throws(SoundError) {
    guard count > 0 else { return }
    try checkLength(frames + count)
    frames += count
    block.withUnsafeBufferPointer { block in
      if channels == 1 {
        samples += block.prefix(count)
        for sample in block.prefix(count) { peak = max(peak, abs(sample)) }
        return
      }
      for frame in 0..<count {
        let start = frame * channels
        var sum: Float = 0
        for channel in 0..<channels {
          let sample = block[start + channel]
          sum += sample
          peak = max(peak, abs(sample))
          energies.channels += Double(sample) * Double(sample) / Double(channels)
          let difference = Double(sample) - Double(block[start])
          energies.difference += difference * difference
        }
        let mean = sum / Float(channels)
        energies.mean += Double(mean) * Double(mean)
        switch options.channel {
        case .mix: samples.append(mean)
        case .left: samples.append(block[start])
        case .right: samples.append(block[start + 1])
        }
      }
    }
  }

  /// Notes what is wrong with the file, or refuses it.
  mutating func note(_ fault: SoundIntegrity.Fault, unit: String) throws(SoundError) {
    guard options.allowsDamage else { throw fault.error(name: name, unit: unit) }
    switch fault {
    case .cutOff(let has, let promised):
      notes.append("the file is cut off: \(has) of \(promised) \(unit) are there")
    case .damaged(let reason):
      notes.append("the file is damaged (\(reason)); what was decoded is taken")
    }
  }

  /// The sound.
  func sound() throws(SoundError) -> Sound {
    guard frames > 0 else { throw .empty(name) }
    guard peak.isFinite, samples.allSatisfy(\.isFinite) else {
      throw .corrupt(name, reason: "it has samples that are not finite")
    }
    guard peak <= Sound.loudest else { throw .tooLoud(name, peak: Double(peak)) }
    var notes = notes
    if peak > 1.001 { notes.append("its samples reach \(Int(peak.rounded(.up))) times full scale") }
    if channels > 1 { try describeChannels(&notes) }
    return Sound(
      exactly: rate, samples: samples, name: name,
      origin: SoundOrigin(
        format: format.rawValue, channels: channels, channel: options.channel, notes: notes))
  }

  private func describeChannels(_ notes: inout [String]) throws(SoundError) {
    guard options.channel == .mix else {
      notes.append(
        "the \(options.channel == .left ? "first" : "second") of its \(channels) channels is looked at"
      )
      return
    }
    // What is left of the channels' energy when they are mixed; equal channels keep all of it.
    if energies.channels > 0, energies.mean < 1e-3 * energies.channels {
      throw .cancelled(name, channels: channels)
    }
    if energies.difference > 1e-4 * energies.channels {
      notes.append(
        "its \(channels) channels differ and were mixed; --channel left or right looks at one")
    }
  }
}
