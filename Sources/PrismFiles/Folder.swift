#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What is in a folder.
package enum Folder {
  /// What two paths to one file or folder have in common.
  package struct Identity: Hashable, Sendable {
    private let device, number: UInt64

    /// Makes an identity of the numbers that the system gives.
    package init(device: UInt64, number: UInt64) {
      self.device = device
      self.number = number
    }
  }

  /// Makes a folder, and those it is in, where they are missing.
  ///
  /// - Parameter path: The path.
  /// - Throws: `FileError.cannotWrite`.
  package static func make(_ path: String) throws(FileError) {
    if mkdir(path, 0o777) == 0 || isFolder(path) == true { return }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path, reason: "the folder cannot be made")
    }
  }

  /// The identity of a file or folder, links followed, or `nil` where there is none.
  package static func identity(of path: String) -> Identity? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
  }

  /// Whether a path is a folder, or `nil` where there is nothing.
  package static func isFolder(_ path: String) -> Bool? {
    var isFolder = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) ? isFolder : nil
  }

  /// Whether a path leads to a file whose contents are there, not to a pipe or a device.
  package static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Whether there is a file at a path.
  package static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  /// The names in a folder, sorted, without hidden ones.
  package static func names(in path: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
        .filter { !$0.hasPrefix(".") }.sorted()
    } catch {
      throw FileError.unreadable(path, reason: "the folder cannot be listed")
    }
  }

  /// The folder that a path leads into, `.` where it names none.
  package static func parent(of path: String) -> String { path.parentFolder }

  /// A path from the root, without `.` and `..`.
  package static func wholePath(of path: String) -> String {
    let whole = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The names of hidden files in a folder.
  static func hiddenNames(in path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix(".") }
  }

  /// Removes a file if it is there.
  package static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}
