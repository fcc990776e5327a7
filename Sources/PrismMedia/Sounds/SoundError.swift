internal import PrismFiles

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
      "\(name): the sound is damaged (\(reason)); copy it again"
    case .unsupported(let name, let reason):
      "\(name): \(reason) is not supported; convert it to a 16-bit WAV file"
    case .empty(let name):
      "\(name): the file holds no sound; record it again"
    case .silent(let name):
      "\(name): the sound is silent (every sample is zero); record it again"
    case .tooShort(let name, let seconds, let needed):
      "\(name): lasts \(milliseconds(seconds)); give at least \(milliseconds(needed)) of sound"
    case .tooLong(let name, let frames, let limit):
      "\(name): \(frames) samples are more than the limit of \(limit); cut it into parts"
    case .cannotEncode(let reason):
      "the sound cannot be written as WAV: \(reason)"
    case .cannotWrite(let name, let reason):
      "\(name): cannot be written: \(reason)"
    }
  }

  init(_ error: FileError) {
    switch error {
    case .notFound(let path): self = .notFound(path)
    case .unreadable(let path, let reason): self = .unreadable(path, reason: reason)
    case .malformed(let path, let reason): self = .corrupt(path, reason: reason)
    case .cannotWrite(let path, let reason): self = .cannotWrite(path, reason: reason)
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
