public import PrismTensor

extension SeededRandom {
  /// A number from 0 up to another.
  public mutating func below(_ end: Int) -> Int { Int.random(in: 0..<end, using: &self) }

  /// What somebody may send instead of good bytes: the same with some of them changed, cut and
  /// doubled.
  public mutating func changed(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...below(4) {
      guard !bytes.isEmpty else { break }
      let place = below(bytes.count)
      switch below(5) {
      case 0: bytes[place] = UInt8(below(256))
      case 1: bytes.remove(at: place)
      case 2: bytes.removeSubrange(place..<min(place + below(40), bytes.count))
      case 3: bytes.insert(contentsOf: bytes[place..<min(place + 20, bytes.count)], at: place)
      default: bytes.insert(Array("\"{}[],:-0e9\r\n".utf8)[below(13)], at: place)
      }
    }
    return bytes
  }
}
