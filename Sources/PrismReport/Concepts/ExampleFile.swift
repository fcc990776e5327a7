public import Prism

/// A picture or a sound that is an example of something: its contents, and what it is called.
public struct ExampleFile: Sendable, Hashable {
  private enum Contents: Sendable, Hashable {
    case path(String)
    case bytes([UInt8])
  }

  /// What people are shown.
  public let name: String
  private let contents: Contents

  /// The last part of the name.
  var shortName: String { name.split(separator: "/").last.map(String.init) ?? name }

  /// The digest of contents that did not come from a file, 64 hexadecimal digits; of others that of
  /// the path.
  public var digest: String {
    switch contents {
    case .path(let path): SHA256.hexadecimalDigest(of: Array(path.utf8))
    case .bytes(let bytes): SHA256.hexadecimalDigest(of: bytes)
    }
  }

  /// Takes a file.
  ///
  /// - Parameters:
  ///   - path: Its path.
  ///   - name: What it is called; `nil` for its path.
  public init(path: String, name: String? = nil) {
    self.name = name ?? path
    contents = .path(path)
  }

  /// Takes what did not come from a file.
  ///
  /// - Parameters:
  ///   - bytes: The contents.
  ///   - name: What it is called.
  public init(_ bytes: [UInt8], name: String) {
    self.name = name
    contents = .bytes(bytes)
  }

  /// What explainers look at.
  ///
  /// - Parameter model: Says how it is read.
  /// - Returns: The network's input, and the colours behind it.
  /// - Throws: `ImageError`, `SoundError`, `FileError`, which call the file by its name;
  ///   `OutOfMemoryError`.
  public func explained(by model: Model) throws -> ExplainedImage {
    switch contents {
    case .path(let path) where path == name: try model.explained(contentsOf: path)
    case .path(let path): try model.explained(decoding: try read(path), name: name)
    case .bytes(let bytes): try model.explained(decoding: bytes, name: name)
    }
  }

  /// The contents of a file whose path nobody is told.
  private func read(_ path: String) throws -> [UInt8] {
    do { return try Files.read(path) } catch {
      throw FileError.unreadable(name, reason: "the file cannot be opened, or is too large")
    }
  }
}
