public import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A picture or a sound that is to be explained: its bytes, and how it is told from others.
public struct ReportInput: Sendable {
  /// The name under which it was given.
  public let name: String
  /// The whole path, or the name where it is no file: what tells inputs apart.
  public let path: String
  /// The contents.
  public let bytes: [UInt8]
  /// The digest of the contents, 64 hexadecimal digits.
  public let sha256: String

  /// Reads a file.
  ///
  /// - Throws: `FileError`.
  public init(contentsOf path: String) throws {
    self.init(try Files.read(path), name: path, path: Self.wholePath(of: path))
  }

  /// Takes what did not come from a file.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - name: What tells it from other inputs.
  public init(_ bytes: [UInt8], name: String) {
    self.init(bytes, name: name, path: name)
  }

  private init(_ bytes: [UInt8], name: String, path: String) {
    self.bytes = bytes
    self.name = name
    self.path = path
    sha256 = SHA256.hexadecimalDigest(of: bytes)
  }

  /// A path from the root, without `.` and `..`.
  public static func wholePath(of path: String) -> String {
    let whole = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// As much of a path's end as a figure has room for.
  ///
  /// - Parameters:
  ///   - path: The whole path.
  ///   - limit: The most characters, unless the last part alone is longer.
  /// - Returns: Such as `…/patient2/study1/view1_frontal.png`.
  public static func shortened(_ path: String, to limit: Int = 72) -> String {
    guard path.count > limit else { return path }
    let parts = path.split(separator: "/")
    guard var text = parts.last.map(String.init) else { return path }
    for part in parts.dropLast().reversed() {
      guard text.count + part.count + 3 <= limit else { break }
      text = part + "/" + text
    }
    return "…/" + text
  }
}
