#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// What can go wrong with a file that is not a picture, in one line that names the file.
public enum FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no file of that name.
  case notFound(String)
  /// The file is there but cannot be read.
  case unreadable(String, reason: String)
  /// The contents are not what the kind of file demands.
  case malformed(String, reason: String)
  /// The file cannot be written; nothing is left behind.
  case cannotWrite(String, reason: String)
  /// The file, or something in it, is more than a limit allows.
  case beyondLimit(LimitError)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .notFound(let path): "\(path): no such file; check the spelling"
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .malformed(let path, let reason): "\(path): \(reason)"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    case .beyondLimit(let error): error.description
    }
  }
}

extension FileError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
