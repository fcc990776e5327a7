public import Prism

/// How sounds are read, and how a recording is judged.
public struct SoundReading: Codable, Sendable, Equatable {
  /// What becomes of several channels.
  public var channel = SoundOptions.Channel.mix
  /// Whether what there is of a damaged file is taken, and said.
  public var allowsDamage = false
  /// How windows' numbers become a recording's.
  public var verdict = Verdict.mean

  /// Makes the usual choice: channels mixed, whole files only, the mean of the windows.
  public init() {}

  /// Reads a choice in which everything may be left out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    channel = try values.decodeIfPresent(SoundOptions.Channel.self, forKey: .channel) ?? .mix
    allowsDamage = try values.decodeIfPresent(Bool.self, forKey: .allowsDamage) ?? false
    verdict = try values.decodeIfPresent(Verdict.self, forKey: .verdict) ?? .mean
  }

  /// Reads a sound and lets a model hear it.
  ///
  /// - Parameters:
  ///   - input: The contents of its file.
  ///   - model: A model that listens.
  /// - Returns: What the model says of every window, and of the whole.
  /// - Throws: `SoundError`, `ModelError`.
  public func hearing(of input: ReportInput, by model: Model) throws -> Hearing {
    let options = SoundOptions(channel: channel, allowsDamage: allowsDamage)
    return try model.listen(
      to: try Sound(decoding: input.bytes, name: input.name, options: options), verdict: verdict)
  }

  /// The option that was used though the model takes pictures, or `nil`.
  public var unsuitable: String? {
    let usual = SoundReading()
    if channel != usual.channel { return "--channel" }
    if verdict != usual.verdict { return "--verdict" }
    return allowsDamage ? "--allow-damaged" : nil
  }
}
