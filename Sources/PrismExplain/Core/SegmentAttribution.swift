/// How much every segment of an image contributes to one of a model's numbers.
public struct SegmentAttribution: Sendable, Equatable, Codable {
  /// The segments.
  public let segmentation: Segmentation
  /// One number a segment.
  public let values: [Double]
  /// The standard error of every segment's number over the method's random choices; infinite where
  /// it is not known.
  public let standardErrors: [Double]

  /// Makes the attribution of segments.
  public init(segmentation: Segmentation, values: [Double], standardErrors: [Double]) {
    self.segmentation = segmentation
    self.values = values
    self.standardErrors = standardErrors
  }

  private enum CodingKeys: String, CodingKey {
    case segmentation, values, standardErrors
  }

  /// Reads the attribution; a standard error that is null is infinite.
  ///
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    segmentation = try container.decode(Segmentation.self, forKey: .segmentation)
    values = try container.decode([Double].self, forKey: .values)
    standardErrors = try container.decode([Double?].self, forKey: .standardErrors)
      .map { $0 ?? .infinity }
    guard values.count == segmentation.count, standardErrors.count == segmentation.count else {
      throw DecodingError.dataCorruptedError(
        forKey: .values, in: container,
        debugDescription: "there is not one number and one error for each of "
          + "\(segmentation.count) segments")
    }
  }

  /// Writes the attribution; JSON has no infinity, so that an unknown standard error is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(segmentation, forKey: .segmentation)
    try container.encode(values, forKey: .values)
    try container.encode(standardErrors.map { $0.isFinite ? $0 : nil }, forKey: .standardErrors)
  }
}
