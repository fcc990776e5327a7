/// A walk from frame to frame of an MP3 file, for what decoders pass over without a word.
///
/// Every frame says how long it is, so that the next begins where it ends; and says how much of the
/// data before and after its header is its own (ISO 11172-3, 2.4.1.7 and 2.4.2.7).
struct MPEGWalk {
  private let bytes: [UInt8]
  private let audio: Range<Int>
  private var reservoir = Reservoir()

  /// Prepares a walk.
  ///
  /// - Parameters:
  ///   - bytes: The file.
  ///   - audio: The part between the tags at its beginning and its end.
  init(_ bytes: [UInt8], audio: Range<Int>) {
    self.bytes = bytes
    self.audio = audio
  }

  /// What is wrong with the file, or `nil`.
  mutating func fault() -> SoundIntegrity.Fault? {
    var position = audio.lowerBound
    var first: MPEGFrame?
    while position < audio.upperBound {
      if let length = tagLength(at: position) {
        position += length
        reservoir = Reservoir()
        continue
      }
      guard let frame = MPEGFrame(bytes, at: position),
        frame.kind == first?.kind ?? frame.kind
      else {
        // Frames of a length that is stated nowhere cannot be followed.
        if first == nil, MPEGFrame.isFree(bytes, at: position) { return nil }
        let isPadding = bytes[position..<audio.upperBound].allSatisfy { $0 == 0 }
        if isPadding { return nil }
        return .damaged("at byte \(position) a frame should begin, and none does")
      }
      guard position + frame.length <= audio.upperBound else {
        return .cutOff(has: bytes.count, of: position + frame.length)
      }
      if let side = MPEGSideInformation(bytes, at: position, of: frame), !reservoir.takes(side) {
        return .damaged("the frame at byte \(position) contradicts itself")
      }
      first = first ?? frame
      position += frame.length
    }
    return nil
  }

  /// The length of a tag between frames, as files have that were joined.
  private func tagLength(at position: Int) -> Int? {
    let rest = bytes[position..<audio.upperBound]
    if rest.count >= 10, rest.starts(with: "ID3".utf8) {
      return min(SoundIntegrity.tagLength(bytes, at: position), rest.count)
    }
    if rest.count >= 128, rest.starts(with: "TAG".utf8) { return 128 }
    if rest.count >= 32, rest.starts(with: "APETAGEX".utf8) {
      // The length counts the items and the footer, but not a header, at which this stands.
      let size = (12..<16).reduce(0) { $0 | Int(bytes[position + $1]) << (8 * ($1 - 12)) }
      return min(32 + size, rest.count)
    }
    if rest.starts(with: "LYRICSBEGIN".utf8) { return rest.count }
    return nil
  }
}

/// Where the data of frames lie, which may begin before their headers, in what earlier frames left.
private struct Reservoir {
  /// The bytes of data of all frames so far.
  private var total = 0
  /// Where the data of the last frame end.
  private var used = 0
  private var isFirst = true

  /// Whether a frame's data can lie where it says.
  mutating func takes(_ side: MPEGSideInformation) -> Bool {
    let begin = total - side.back
    let end = begin + (side.dataBits + 7) / 8
    defer {
      total += side.room
      used = min(max(end, 0), total)
      isFirst = false
    }
    if side.hasTooManyValues { return false }
    // What was cut out of a longer file points back to what is no more.
    if isFirst || begin < 0 { return true }
    return begin >= used && end <= total + side.room
  }
}

/// What a frame of layer III says about its data.
private struct MPEGSideInformation {
  /// How many bytes before the frame's own data its first data lie.
  let back: Int
  /// The bits of all granules and channels.
  let dataBits: Int
  /// Whether a granule has more than the 576 values that there are.
  let hasTooManyValues: Bool
  /// The bytes that are left for data behind the header.
  let room: Int

  /// Reads it; `nil` for other layers, and for the frame of a tag of the encoder.
  init?(_ bytes: [UInt8], at position: Int, of frame: MPEGFrame) {
    guard frame.isLayerIII else { return nil }
    let isFirst = bytes[position + 1] >> 3 & 1 == 1
    let isMono = bytes[position + 3] >> 6 == 3
    let hasChecksum = bytes[position + 1] & 1 == 0
    let length = isFirst ? (isMono ? 17 : 32) : (isMono ? 9 : 17)
    let start = position + 4 + (hasChecksum ? 2 : 0)
    room = frame.length - 4 - (hasChecksum ? 2 : 0) - length
    guard room >= 0 else { return nil }
    func number(_ bit: Int, _ count: Int) -> Int {
      (bit..<(bit + count)).reduce(0) { sum, bit in
        sum << 1 | Int(bytes[start + bit / 8]) >> (7 - bit % 8) & 1
      }
    }
    let channels = isMono ? 1 : 2
    back = number(0, isFirst ? 9 : 8)
    var bit =
      isFirst ? 9 + (isMono ? 5 : 3) + 4 * channels : 8 + (isMono ? 1 : 2)
    var (sum, largest) = (0, 0)
    for _ in 0..<((isFirst ? 2 : 1) * channels) {
      sum += number(bit, 12)
      // Values come in pairs.
      largest = max(largest, number(bit + 12, 9))
      bit += isFirst ? 59 : 63
    }
    dataBits = sum
    hasTooManyValues = largest > 288
  }
}
