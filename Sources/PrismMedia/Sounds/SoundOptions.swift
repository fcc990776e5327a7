public import PrismFiles

/// How a sound is read.
public struct SoundOptions: Sendable, Equatable {
  /// What becomes of several channels.
  public enum Channel: String, Sendable, CaseIterable, Codable {
    /// Their mean.
    case mix
    /// The first.
    case left
    /// The second.
    case right
  }

  /// What becomes of several channels.
  public var channel = Channel.mix
  /// Whether what there is of a file that is cut off or damaged is taken, and said.
  public var allowsDamage = false
  /// What a sound may have, checked before memory is taken where the file says it.
  public var limits: Limits

  /// Makes options; those left out are the usual ones.
  public init(
    channel: Channel = .mix, allowsDamage: Bool = false, limits: Limits = .current
  ) {
    self.channel = channel
    self.allowsDamage = allowsDamage
    self.limits = limits
  }

  /// The largest number of samples, a channel.
  var frameLimit: Int { limits[.samples] }
  /// The longest sound, in seconds.
  var secondsLimit: Double { Double(limits[.seconds]) }
}

/// Where a sound comes from, and what was done to it on the way.
public struct SoundOrigin: Sendable, Equatable, Codable {
  /// The kind of file, such as `WAV`; `nil` for a sound that no file holds.
  public var format: String?
  /// The channels of the file.
  public var channels: Int
  /// What became of them.
  public var channel: SoundOptions.Channel
  /// What a reader should know, such as that channels differ and were mixed.
  public var notes: [String]

  /// Makes a record.
  public init(
    format: String? = nil, channels: Int = 1, channel: SoundOptions.Channel = .mix,
    notes: [String] = []
  ) {
    self.format = format
    self.channels = channels
    self.channel = channel
    self.notes = notes
  }
}
