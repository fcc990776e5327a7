/// Which segments are on in each of many samples: one bit a segment and sample.
public struct Coalitions: Sendable, Equatable {
  /// The number of segments.
  public let segments: Int
  private let words: Int
  private var bits: [UInt64] = []

  /// Makes an empty list of samples.
  ///
  /// - Parameter segments: The number of segments; at least 1.
  public init(segments: Int) {
    self.segments = max(segments, 1)
    words = (self.segments - 1) / 64 + 1
  }

  /// The number of samples.
  public var count: Int { bits.count / words }

  /// Adds a sample with the segments on for which a closure says yes, asked in ascending order.
  public mutating func append(_ isOn: (Int) -> Bool) {
    let start = bits.count
    bits.append(contentsOf: repeatElement(0, count: words))
    for j in 0..<segments where isOn(j) { bits[start + j / 64] |= 1 << UInt64(j % 64) }
  }

  /// Adds the complement of the last sample.
  mutating func appendComplement() {
    let last = Array(bits.suffix(words))
    append { last[$0 / 64] >> UInt64($0 % 64) & 1 == 0 }
  }

  /// Whether a segment is on in a sample.
  public subscript(sample: Int, segment: Int) -> Bool {
    bits[sample * words + segment / 64] >> UInt64(segment % 64) & 1 == 1
  }

  /// The first samples.
  func prefix(_ count: Int) -> Coalitions {
    var result = self
    result.bits.removeLast((self.count - count) * words)
    return result
  }

  /// The segments that are on in a sample, in ascending order.
  func active(_ sample: Int) -> [Int] { (0..<segments).filter { self[sample, $0] } }
}

extension Coalitions: Codable {
  private enum CodingKeys: String, CodingKey {
    case segments, samples
  }

  /// Reads the samples.
  ///
  /// - Throws: `DecodingError` where a sample does not have one 0 or 1 a segment.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let segments = try container.decode(Int.self, forKey: .segments)
    let samples = try container.decode([String].self, forKey: .samples).map { Array($0.utf8) }
    let (zero, one) = (UInt8(ascii: "0"), UInt8(ascii: "1"))
    guard segments >= 1,
      samples.allSatisfy({ $0.count == segments && $0.allSatisfy { $0 == zero || $0 == one } })
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .samples, in: container,
        debugDescription: "a sample is not a row of \(segments) zeros and ones")
    }
    self.init(segments: segments)
    for sample in samples { append { sample[$0] == one } }
  }

  /// Writes every sample as a row of zeros and ones, such as `"0110"`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(segments, forKey: .segments)
    let rows = (0..<count).map { sample in
      String((0..<segments).map { self[sample, $0] ? "1" : "0" })
    }
    try container.encode(rows, forKey: .samples)
  }
}
