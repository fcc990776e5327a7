public import PrismFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// What can go wrong with a sound, in one line that names the file.
public enum SoundError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no file of that name.
  case notFound(String)
  /// The file is there but cannot be read.
  case unreadable(String, reason: String)
  /// The contents are in no format that is known, whatever the file's name says.
  case unrecognised(String)
  /// The file contradicts its own format.
  case corrupt(String, reason: String)
  /// The file ends before what it promises.
  case truncated(String, has: Int, promised: Int, unit: String)
  /// The channels cancel each other when they are mixed.
  case cancelled(String, channels: Int)
  /// The samples are beyond any scale.
  case tooLoud(String, peak: Double)
  /// The sound lasts longer than the limit allows.
  case lastsTooLong(String, seconds: Double, limit: Double)
  /// A variety of the format that we do not read.
  case unsupported(String, reason: String)
  /// The file holds no sample.
  case empty(String)
  /// Every sample is zero.
  case silent(String)
  /// The sound is too short to say anything about.
  case tooShort(String, seconds: Double, needed: Double)
  /// The sound has more samples than the limit allows.
  case tooLong(String, frames: Int, limit: Int)
  /// The sound cannot be encoded.
  case cannotEncode(reason: String)
  /// The sound cannot be written; nothing is left behind.
  case cannotWrite(String, reason: String)
  /// The file is more than a limit allows.
  case beyondLimit(LimitError)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .notFound(let name):
      "\(name): no such file; check the spelling"
    case .unreadable(let name, let reason):
      "\(name): cannot be read: \(reason)"
    case .unrecognised(let name):
      "\(name): not a sound in a known format; give a WAV, FLAC, Ogg or MP3 file"
    case .corrupt(let name, let reason):
      "\(name): the sound is damaged (\(reason)); copy it again, or take what there is with --allow-damaged"
    case .truncated(let name, let has, let promised, let unit):
      "\(name): the file is cut off: it has \(has) of \(promised) \(unit); copy it again, or take what "
        + "there is with --allow-damaged"
    case .cancelled(let name, let channels):
      "\(name): its \(channels) channels cancel each other when they are mixed; look at one with "
        + "--channel left or right"
    case .tooLoud(let name, let peak):
      "\(name): its samples reach \(Text.number(peak)) times full scale; scale it down first"
    case .lastsTooLong(let name, let seconds, let limit):
      "\(name): \(Text.duration(seconds)) are more than the limit of \(Text.duration(limit)); cut it "
        + "into parts, or raise it with --limit seconds=N"
    case .unsupported(let name, let reason):
      "\(name): \(reason) is not supported; convert it to a 16-bit WAV file"
    case .empty(let name):
      "\(name): the file holds no sound; record it again"
    case .silent(let name):
      "\(name): the sound is silent (every sample is zero); record it again"
    case .tooShort(let name, let seconds, let needed):
      "\(name): lasts \(milliseconds(seconds)); give at least \(milliseconds(needed)) of sound"
    case .tooLong(let name, let frames, let limit):
      "\(name): \(frames) samples are more than the limit of \(limit); cut it into parts, or raise it "
        + "with --limit samples=N"
    case .cannotEncode(let reason):
      "the sound cannot be written as WAV: \(reason)"
    case .cannotWrite(let name, let reason):
      "\(name): cannot be written: \(reason)"
    case .beyondLimit(let error): error.description
    }
  }

  init(_ error: FileError) {
    switch error {
    case .notFound(let path): self = .notFound(path)
    case .unreadable(let path, let reason): self = .unreadable(path, reason: reason)
    case .malformed(let path, let reason): self = .corrupt(path, reason: reason)
    case .cannotWrite(let path, let reason): self = .cannotWrite(path, reason: reason)
    case .beyondLimit(let error): self = .beyondLimit(error)
    }
  }
}

private func milliseconds(_ seconds: Double) -> String {
  "\(Text.decimal(seconds * 1000, decimals: 0)) ms"
}

extension SoundError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
