/// The kinds of files that sounds are read from.
public enum SoundFormat: String, Sendable, CaseIterable {
  case wav = "WAV"
  case flac = "FLAC"
  case ogg = "Ogg"
  case mp3 = "MP3"
  /// What the program ffmpeg reads, where it is installed: AAC in MP4, AMR, and WebM or Matroska.
  case other = "by ffmpeg"

  /// The usual ends of file names, in small letters and without the dot.
  public var extensions: [String] {
    switch self {
    case .wav: ["wav", "wave"]
    case .flac: ["flac"]
    case .ogg: ["ogg", "oga", "opus"]
    case .mp3: ["mp3"]
    case .other: ["m4a", "aac", "mp4", "amr", "webm", "mka"]
    }
  }

  /// All usual ends of the names of sounds.
  public static let allExtensions = allCases.flatMap(\.extensions)

  /// What the first bytes of a file say, or `nil` for no known sound.
  public init?(of bytes: [UInt8]) {
    func begins(_ text: String, at offset: Int = 0) -> Bool {
      bytes.dropFirst(offset).starts(with: text.utf8)
    }
    if begins("RIFF") || begins("RF64") || begins("RIFX"), begins("WAVE", at: 8) {
      self = .wav
    } else if begins("fLaC") {
      self = .flac
    } else if begins("OggS") {
      self = .ogg
    } else if begins("ftyp", at: 4) || begins("#!AMR")
      || bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) || Self.isADTS(bytes)
    {
      self = .other
    } else if begins("ID3") || MPEGFrame(bytes, at: 0) != nil {
      self = .mp3
    } else {
      return nil
    }
  }

  /// Whether a file is bare AAC: the sync word of MPEG audio with the layer 0.
  private static func isADTS(_ bytes: [UInt8]) -> Bool {
    bytes.count > 7 && bytes[0] == 0xFF && bytes[1] & 0xF6 == 0xF0
  }
}

/// One frame of MPEG audio (ISO 11172-3, 13818-3), by its header.
struct MPEGFrame {
  /// The bytes of the frame.
  let length: Int
  /// The samples of a channel.
  let samples: Int
  /// What all frames of a file share: version, layer and rate.
  let kind: [Int]
  /// Whether the frame is of layer III.
  var isLayerIII: Bool { kind[1] == 3 }

  /// Whether a header leaves the length of its frame open.
  static func isFree(_ bytes: [UInt8], at i: Int) -> Bool {
    i + 4 <= bytes.count && bytes[i] == 0xFF && bytes[i + 1] & 0xE0 == 0xE0
      && bytes[i + 2] >> 4 == 0
  }

  /// Reads a header of layer III (or I, II); `nil` where there is none.
  init?(_ bytes: [UInt8], at i: Int) {
    guard i >= 0, i + 4 <= bytes.count, bytes[i] == 0xFF, bytes[i + 1] & 0xE0 == 0xE0 else {
      return nil
    }
    let (version, layer) = (Int(bytes[i + 1]) >> 3 & 3, 4 - Int(bytes[i + 1]) >> 1 & 3)
    let (rateIndex, frequency) = (Int(bytes[i + 2]) >> 4, Int(bytes[i + 2]) >> 2 & 3)
    guard version != 1, (1...3).contains(layer), (1...14).contains(rateIndex), frequency < 3 else {
      return nil
    }
    let isFirst = version == 3
    let rates: [[Int]] = [
      [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
      [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
      [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
      [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
      [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ]
    let row = isFirst ? layer - 1 : layer == 1 ? 3 : 4
    let bitRate = rates[row][rateIndex - 1] * 1000
    let sampleRate = [44100, 48000, 32000][frequency] >> [2, 0, 1, 0][version]
    let padding = Int(bytes[i + 2]) >> 1 & 1
    kind = [version, layer, frequency]
    samples = layer == 1 ? 384 : layer == 3 && !isFirst ? 576 : 1152
    length =
      layer == 1
      ? (12 * bitRate / sampleRate + padding) * 4
      : samples / 8 * bitRate / sampleRate + padding
    if length < 4 { return nil }
  }
}
