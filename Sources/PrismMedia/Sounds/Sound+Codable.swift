extension Sound: Codable {
  private enum Key: CodingKey {
    case rate, samples, name, origin
  }

  /// Reads a sound.
  ///
  /// - Throws: `DecodingError` for a rate outside ``rateRange`` and for samples that are not
  ///   finite.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let rate = try values.decode(Int.self, forKey: .rate)
    let samples = try values.decode([Float].self, forKey: .samples)
    guard Self.rateRange.contains(rate), samples.allSatisfy(\.isFinite) else {
      throw DecodingError.dataCorruptedError(
        forKey: .rate, in: values,
        debugDescription: "a sound of \(rate) Hz, or of samples that are not finite")
    }
    self.init(
      exactly: rate, samples: samples, name: try values.decode(String.self, forKey: .name),
      origin: try values.decode(SoundOrigin.self, forKey: .origin))
  }

  /// Writes the sound.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(rate, forKey: .rate)
    try values.encode(samples, forKey: .samples)
    try values.encode(name, forKey: .name)
    try values.encode(origin, forKey: .origin)
  }
}
