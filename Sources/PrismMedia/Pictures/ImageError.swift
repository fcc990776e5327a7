public import PrismFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// What can go wrong with a picture, in one line that names the file.
public enum ImageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no file of that name.
  case notFound(String)
  /// The file is there but cannot be read.
  case unreadable(String, reason: String)
  /// The contents are no picture of a known kind, whatever the file's name says.
  case unrecognised(String)
  /// The file ends before the picture does.
  case truncated(String)
  /// The file contradicts its own format.
  case corrupt(String, reason: String)
  /// The picture has more pixels than the limit allows.
  case tooLarge(String, width: Int, height: Int, limit: Int)
  /// A variety of the format that we do not read.
  case unsupported(String, reason: String)
  /// The file has several frames or pages, and none was chosen.
  case severalFrames(String, count: Int)
  /// The file has no frame of that number.
  case noFrame(String, frame: Int, count: Int)
  /// There is not enough memory to draw or to encode a picture.
  case noMemory(width: Int, height: Int)
  /// What is to be drawn is impossible: a map without rows and columns, a figure beyond all bounds.
  case cannotDraw(String)
  /// The picture cannot be written; nothing is left behind.
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
      "\(name): not a picture in a known format; give a PNG, JPEG, TIFF, WebP, BMP or DICOM file"
    case .truncated(let name):
      "\(name): the file is cut off before the end of the picture; copy it again"
    case .corrupt(let name, let reason):
      "\(name): the picture is damaged (\(reason)); copy it again"
    case .tooLarge(let name, let width, let height, let limit):
      "\(name): \(width)×\(height) pixels are more than the limit of \(limit); scale it down first, "
        + "or raise it with --limit pixels=N"
    case .unsupported(let name, let reason):
      "\(name): \(reason) is not supported; convert it to a PNG"
    case .severalFrames(let name, let count):
      "\(name): it has \(count) frames; choose one with --frame 1 to \(count)"
    case .noFrame(let name, let frame, let count):
      "\(name): it has no frame \(frame), only " + (count == 1 ? "one" : "1 to \(count)")
    case .noMemory(let width, let height):
      "there is not enough memory for a picture of \(width)×\(height) pixels; scale the input down"
    case .cannotDraw(let reason): reason
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

extension ImageError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
