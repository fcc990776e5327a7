/// What is wrong with the frame of a sound's file, where decoders would take what there is without
/// a word.
enum SoundIntegrity {
  /// The fault of a file, or `nil`.
  static func fault(of bytes: [UInt8], format: SoundFormat) -> Fault? {
    switch format {
    case .wav: wav(bytes)
    case .ogg: ogg(bytes)
    case .mp3: mp3(bytes)
    case .flac, .other: nil
    }
  }

  /// A file that ends early, or holds what its format does not allow.
  enum Fault: Equatable {
    case cutOff(has: Int, of: Int)
    case damaged(String)

    func error(name: String, unit: String) -> SoundError {
      switch self {
      case .cutOff(let has, let promised):
        .truncated(name, has: has, promised: promised, unit: unit)
      case .damaged(let reason): .corrupt(name, reason: reason)
      }
    }
  }

  private static func number(_ bytes: [UInt8], _ i: Int, _ count: Int, isBig: Bool = false) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[i + $1]) << (8 * (isBig ? count - 1 - $1 : $1)) }
  }

  /// A chunk of RIFF that promises more than the file holds; a writer to a pipe leaves all bits set
  /// or zero.
  private static func wav(_ bytes: [UInt8]) -> Fault? {
    guard bytes.starts(with: "RIF".utf8) else { return nil }
    let isBig = bytes[3] == UInt8(ascii: "X")
    var position = 12
    while position + 8 <= bytes.count {
      let length = number(bytes, position + 4, 4, isBig: isBig)
      let isData = bytes[position..<(position + 4)].elementsEqual("data".utf8)
      position += 8
      if isData, length == 0xFFFF_FFFF { return nil }
      if isData, length == 0 {
        let rest = bytes[position...]
        // Another chunk begins with four letters.
        let isUnnamed = rest.count > 8 && !rest.prefix(4).allSatisfy { (0x20..<0x7F).contains($0) }
        return isUnnamed
          ? .damaged("its header promises no sound, though \(rest.count) bytes of it follow") : nil
      }
      guard length <= bytes.count - position else {
        return .cutOff(has: bytes.count - position, of: length)
      }
      position += length + length % 2
    }
    return nil
  }

  /// A page with a wrong check sum, or a stream whose last page is missing (RFC 3533).
  private static func ogg(_ bytes: [UInt8]) -> Fault? {
    var position = 0
    var isEnded = false
    while position < bytes.count {
      guard bytes[position...].starts(with: "OggS".utf8) else {
        return .damaged("something else stands where a page should begin")
      }
      guard position + 27 <= bytes.count else {
        return .cutOff(has: bytes.count, of: position + 27)
      }
      let segments = Int(bytes[position + 26])
      guard position + 27 + segments <= bytes.count else {
        return .cutOff(has: bytes.count, of: position + 27 + segments)
      }
      let sizes = bytes[(position + 27)..<(position + 27 + segments)].reduce(0) { $0 + Int($1) }
      let end = position + 27 + segments + sizes
      guard end <= bytes.count else { return .cutOff(has: bytes.count, of: end) }
      var page = Array(bytes[position..<end])
      let stated = UInt32(number(page, 22, 4))
      for i in 22..<26 { page[i] = 0 }
      guard checksum(page) == stated else { return .damaged("the check sum of a page is wrong") }
      isEnded = page[5] & 4 != 0
      position = end
    }
    return isEnded ? nil : .damaged("its last page is missing")
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index) << 24) { sum, _ in
      sum & 0x8000_0000 != 0 ? sum << 1 ^ 0x04C1_1DB7 : sum << 1
    }
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.reduce(0) { $0 << 8 ^ table[Int($0 >> 24 ^ UInt32($1))] }
  }

  /// A frame that is missing, not whole or impossible.
  private static func mp3(_ bytes: [UInt8]) -> Fault? {
    var walk = MPEGWalk(bytes, audio: mpegAudio(of: bytes))
    return walk.fault()
  }

  /// The length of an ID3v2 tag with its header and footer.
  static func tagLength(_ bytes: [UInt8], at start: Int) -> Int {
    // Seven bits of each byte.
    let size = (6..<10).reduce(0) { $0 << 7 | Int(bytes[start + $1] & 0x7F) }
    return 10 + size + (bytes[start + 5] & 0x10 != 0 ? 10 : 0)
  }

  /// The part of an MP3 file between the tags at its beginning and its end.
  static func mpegAudio(of bytes: [UInt8]) -> Range<Int> {
    var start = 0
    while bytes.count >= start + 10, bytes[start...].starts(with: "ID3".utf8) {
      start = min(start + tagLength(bytes, at: start), bytes.count)
    }
    while start < bytes.count, bytes[start] == 0 { start += 1 }
    var end = bytes.count
    if end - start >= 128, bytes[(end - 128)...].starts(with: "TAG".utf8) { end -= 128 }
    if end - start >= 32, bytes[(end - 32)...].starts(with: "APETAGEX".utf8) {
      let size = number(bytes, end - 20, 4)
      let hasHeader = bytes[end - 9] & 0x80 != 0
      end = max(start, end - size - (hasHeader ? 32 : 0))
    }
    return start..<end
  }
}
