internal import PrismFiles

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What is in a folder.
enum Folder {
  /// Whether a path is a folder, or `nil` where there is nothing.
  static func isFolder(_ path: String) -> Bool? {
    var isFolder = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) ? isFolder : nil
  }

  /// Whether there is a file at a path.
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// The names in a folder, sorted, without hidden ones.
  static func names(in path: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
        .filter { !$0.hasPrefix(".") }.sorted()
    } catch {
      throw FileError.unreadable(path, reason: "the folder cannot be listed")
    }
  }

  /// The samples in a folder and the folders in it, sorted; links between folders are followed to a depth of eight.
  static func samples(in path: String, depth: Int = 0) throws -> [String] {
    guard depth < 8 else { return [] }
    var result: [String] = []
    for name in try names(in: path) {
      let child = "\(path)/\(name)"
      if DataSet.contents(of: name) != nil {
        result.append(child)
      } else if isFolder(child) == true {
        result += try samples(in: child, depth: depth + 1)
      }
    }
    return result
  }

  /// Removes a file if it is there.
  static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}
