internal import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Contents that are kept under their digests, in a folder.
struct Blobs: Sendable {
  private let folder: String

  /// Makes the folder where it is missing.
  ///
  /// - Throws: `FileError.cannotWrite`.
  init(folder: String) throws {
    self.folder = folder
    try Self.make(folder)
    // What a process left that was killed while it wrote.
    for name in try Folder.names(in: folder) { Leftovers.clear(in: "\(folder)/\(name)") }
  }

  /// Makes a folder with those that lead to it.
  ///
  /// - Throws: `FileError.cannotWrite`.
  static func make(_ folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError.cannotWrite(folder, reason: "the folder cannot be made")
    }
  }

  private func path(of digest: String) -> String { "\(folder)/\(digest.prefix(2))/\(digest)" }

  /// Keeps contents.
  ///
  /// - Returns: Their digest.
  /// - Throws: `FileError`.
  func put(_ bytes: [UInt8]) throws -> String {
    let digest = SHA256.hexadecimalDigest(of: bytes)
    let path = path(of: digest)
    guard !Folder.exists(path) else { return digest }
    try Self.make("\(folder)/\(digest.prefix(2))")
    try AtomicFile.write(bytes, to: path)
    return digest
  }

  /// The contents of a digest.
  ///
  /// - Throws: `FileError`.
  func get(_ digest: String) throws -> [UInt8] {
    try Files.read(path(of: digest), limits: Limits([.bytes: Limits.most]))
  }

  /// Removes contents.
  func remove(_ digest: String) { Folder.remove(path(of: digest)) }

  /// The digests of all contents.
  var digests: [String] {
    ((try? Folder.names(in: folder)) ?? []).flatMap {
      (try? Folder.names(in: "\(folder)/\($0)")) ?? []
    }
  }
}
