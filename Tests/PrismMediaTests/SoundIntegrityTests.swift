import PrismFiles
import Testing

@testable import PrismMedia

/// A WAV file of 16 bits at 8000 Hz, written here so that it can be wrong.
private func wav(_ channels: [[Int16]], promising extra: Int = 0) -> [UInt8] {
  func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  let data = channels[0].indices.flatMap { i in channels.flatMap { little(Int($0[i]), 2) } }
  let width = channels.count
  return Array("RIFF".utf8) + little(36 + data.count + extra, 4) + Array("WAVEfmt ".utf8)
    + little(16, 4) + little(1, 2) + little(width, 2) + little(8000, 4) + little(16000 * width, 4)
    + little(2 * width, 2) + little(16, 2) + Array("data".utf8) + little(data.count + extra, 4)
    + data
}

private let tone = (0..<4000).map { Int16(8000 * (Double($0) * 0.3).remainder(dividingBy: 1)) }

@Suite("sounds that are not whole")
struct SoundIntegrityTests {
  static let whole = ["sound-16.wav", "sound-16.flac", "sound-vorbis.ogg", "sound-layer3.mp3"]

  @Test("a file that is cut off is refused, or taken and said", arguments: whole)
  func cutOff(_ name: String) throws {
    let bytes = try Fixtures.bytes(name)
    let full = try Sound(decoding: bytes)
    #expect(full.origin.notes.isEmpty || full.origin.channels > 1)
    for share in [0.5, 0.8] {
      let cut = Array(bytes[..<Int(share * Double(bytes.count))])
      #expect(throws: SoundError.self, "\(name) at \(share)") { try Sound(decoding: cut) }
      guard let taken = try? Sound(decoding: cut, options: SoundOptions(allowsDamage: true)) else {
        continue
      }
      #expect(taken.samples.count < full.samples.count)
      #expect(taken.origin.notes.contains { $0.contains("cut off") || $0.contains("damaged") })
    }
  }

  @Test("a page of Ogg with a wrong check sum is damage")
  func oggPages() throws {
    var bytes = try Fixtures.bytes("sound-vorbis.ogg")
    bytes[bytes.count - 20] ^= 1
    #expect(throws: SoundError.corrupt("x", reason: "the check sum of a page is wrong")) {
      try Sound(decoding: bytes, name: "x")
    }
  }

  @Test("a frame of MP3 that is overwritten is damage", arguments: [40, 120, 200, 600])
  func mp3Frames(count: Int) throws {
    let whole = try Fixtures.bytes("sound-layer3.mp3")
    // From the header of a frame in the middle on.
    let audio = SoundIntegrity.mpegAudio(of: whole)
    var start = audio.lowerBound
    while start < whole.count / 2, let frame = MPEGFrame(whole, at: start) { start += frame.length }
    for offset in [0, 4] {
      var bytes = whole
      for i in start..<start + count { bytes[i + offset] = 0x55 }
      #expect(throws: SoundError.self, "from \(offset) on") { try Sound(decoding: bytes) }
      let taken = try Sound(decoding: bytes, options: SoundOptions(allowsDamage: true))
      #expect(taken.origin.notes.contains { $0.contains("damaged") })
    }
  }

  @Test("tags between the frames of an MP3 are no damage")
  func mp3Tags() throws {
    let bytes = try Fixtures.bytes("sound-layer3.mp3")
    let tag = Array("TAG".utf8) + [UInt8](repeating: 0x20, count: 125)
    let id3 = Array("ID3".utf8) + [4, 0, 0, 0, 0, 0, 20] + [UInt8](repeating: 0x41, count: 20)
    let apeLength: [UInt8] = [32, 0, 0, 0]
    let ape =
      Array("APETAGEX".utf8) + [0xD0, 7, 0, 0] + apeLength + [UInt8](repeating: 0, count: 16)
    for joined in [bytes + tag, id3 + bytes, bytes + ape, bytes + ape + tag, bytes + [0, 0, 0, 0]] {
      #expect(SoundIntegrity.fault(of: joined, format: .mp3) == nil)
    }
    #expect(SoundIntegrity.fault(of: bytes + tag + id3 + bytes, format: .mp3) == nil)
    #expect(SoundIntegrity.fault(of: bytes + [1, 2, 3, 4, 5], format: .mp3) != nil)
  }

  @Test("a FLAC file with a damaged frame is refused, not cut")
  func flacFrames() throws {
    var bytes = try Fixtures.bytes("sound-16.flac")
    for i in bytes.count / 2..<bytes.count / 2 + 40 { bytes[i] ^= 0xFF }
    #expect(throws: SoundError.self) { try Sound(decoding: bytes) }
  }

  @Test("samples of absurd size are refused")
  func loud() throws {
    var bytes = try Fixtures.bytes("sound-float.wav")
    // 1e25 as a little-endian float.
    bytes.replaceSubrange((bytes.count - 4)..., with: [0x95, 0x16, 0x05, 0x69])
    let error = #expect(throws: SoundError.self) { try Sound(decoding: bytes, name: "x") }
    guard case .tooLoud = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("a WAV file of a pipe, whose length is unknown, is whole")
  func pipe() throws {
    var bytes = wav([tone])
    for i in [4, 5, 6, 7, 40, 41, 42, 43] { bytes[i] = 0xFF }
    #expect(try Sound(decoding: bytes).samples.count == tone.count)
    #expect(throws: SoundError.truncated("x", has: 8000, promised: 8010, unit: "bytes")) {
      try Sound(decoding: wav([tone], promising: 10), name: "x")
    }
  }

  @Test("a WAV file of a recorder that was stopped, whose header was never finished, is damage")
  func unfinished() throws {
    let bytes = wav([tone], promising: -8000)
    #expect(
      throws: SoundError.corrupt(
        "x", reason: "its header promises no sound, though 8000 bytes of it follow")
    ) { try Sound(decoding: bytes, name: "x") }
    // A chunk after the empty one is no sound.
    let list = Array("LIST".utf8) + [4, 0, 0, 0] + Array("INFO".utf8)
    #expect(SoundIntegrity.fault(of: bytes.dropLast(8000) + list, format: .wav) == nil)
  }

  @Test("channels that cancel are told, and one can be looked at")
  func antiphase() throws {
    let bytes = wav([tone, tone.map { -$0 }])
    #expect(throws: SoundError.cancelled("x", channels: 2)) {
      try Sound(decoding: bytes, name: "x")
    }
    let left = try Sound(decoding: bytes, options: SoundOptions(channel: .left))
    let right = try Sound(decoding: bytes, options: SoundOptions(channel: .right))
    #expect(left.samples == right.samples.map { -$0 })
    #expect(left.origin.notes == ["the first of its 2 channels is looked at"])
  }

  @Test("channels that differ are mixed, and that is said; equal ones are not mentioned")
  func channels() throws {
    let silence = [Int16](repeating: 0, count: tone.count)
    let mixed = try Sound(decoding: wav([tone, silence]))
    #expect(mixed.origin.notes.count == 1)
    #expect(mixed.samples.map { 2 * $0 } == (try Sound(decoding: wav([tone]))).samples)
    #expect(try Sound(decoding: wav([tone, tone])).origin.notes.isEmpty)
    #expect(throws: SoundError.self) {
      try Sound(decoding: wav([tone]), options: SoundOptions(channel: .right))
    }
  }

  @Test("limits hold before memory is taken")
  func limits() throws {
    #expect(throws: SoundError.tooLong("x", frames: 4000, limit: 100)) {
      try Sound(
        decoding: wav([tone]), name: "x", options: SoundOptions(limits: Limits([.samples: 100])))
    }
    #expect(throws: SoundError.lastsTooLong("x", seconds: 1.5, limit: 1)) {
      try Sound(
        decoding: wav([tone + tone + tone]), name: "x",
        options: SoundOptions(limits: Limits([.seconds: 1])))
    }
  }

  @Test(
    "only the formats that are promised are opened",
    arguments: ["FORM\0\0\0\u{10}AIFF", ".snd\0\0\0\u{18}", "\u{F0}~\u{1}", "caff\0\u{1}", "hello"])
  func others(_ text: String) {
    let bytes =
      text.unicodeScalars.map { UInt8($0.value & 0xFF) } + [UInt8](repeating: 0, count: 99)
    #expect(throws: SoundError.unrecognised("x")) { try Sound(decoding: bytes, name: "x") }
  }
}
