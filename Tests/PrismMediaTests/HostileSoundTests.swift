import PrismFiles
import PrismMedia
import Testing

@Suite("sounds that promise far more than their size")
struct HostileSoundTests {
  /// A FLAC file of silence: constant blocks of 65 535 samples in 16 bytes each.
  ///
  /// - Parameters:
  ///   - blocks: The number of blocks.
  ///   - rate: In Hz.
  /// - Returns: The contents of the file.
  private func flac(blocks: Int, rate: UInt32) -> [UInt8] {
    let size: UInt64 = 65_535
    let samples = size * UInt64(blocks)
    var bytes = Array("fLaC".utf8) + [0x80, 0, 0, 34, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0]
    // 20 bits of the rate, 3 of channels less one, 5 of bits less one, 36 of the number of samples.
    let packed = UInt64(rate) << 44 | 0 << 41 | 15 << 36 | samples
    bytes += (0..<8).map { UInt8(packed >> (56 - 8 * $0) & 0xFF) }
    bytes += [UInt8](repeating: 0, count: 16)
    for block in 0..<blocks {
      // Fixed blocks; the size follows in 16 bits and the rate in kHz in 8; one channel; 16 bits.
      var frame: [UInt8] = [0xFF, 0xF8, 0x7C, 0x08] + number(block) + [0xFF, 0xFE]
      frame.append(UInt8(rate / 1000))
      frame.append(crc8(frame))
      frame += [0, 0, 0]
      let check = crc16(frame)
      bytes += frame + [UInt8(check >> 8), UInt8(check & 0xFF)]
    }
    return bytes
  }

  /// A number as UTF-8 would have it.
  private func number(_ value: Int) -> [UInt8] {
    value < 0x80
      ? [UInt8(value)]
      : value < 0x800
        ? [0xC0 | UInt8(value >> 6), 0x80 | UInt8(value & 0x3F)]
        : [
          0xE0 | UInt8(value >> 12), 0x80 | UInt8(value >> 6 & 0x3F), 0x80 | UInt8(value & 0x3F),
        ]
  }

  private func crc8(_ bytes: [UInt8]) -> UInt8 {
    bytes.reduce(0) { crc, byte in
      (0..<8).reduce(crc ^ byte) { value, _ in value & 0x80 != 0 ? value << 1 ^ 0x07 : value << 1 }
    }
  }

  private func crc16(_ bytes: [UInt8]) -> UInt16 {
    bytes.reduce(0) { crc, byte in
      (0..<8).reduce(crc ^ UInt16(byte) << 8) { value, _ in
        value & 0x8000 != 0 ? value << 1 ^ 0x8005 : value << 1
      }
    }
  }

  @Test("27 hours in 27 kB are refused by what the file says, and a file of the same kind is read")
  func long() throws {
    let bytes = flac(blocks: 1511, rate: 1000)
    #expect(bytes.count < 30_000)
    let seconds = Double(1511 * 65_535) / 1000
    #expect(throws: SoundError.lastsTooLong("long.flac", seconds: seconds, limit: 14_400)) {
      try Sound(decoding: bytes, name: "long.flac")
    }
    let short = try Sound(decoding: flac(blocks: 2, rate: 1000))
    #expect(short.samples.count == 2 * 65_535 && short.samples.allSatisfy { $0 == 0 })
  }
}
