internal import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A folder that receives results.
struct OutputFolder {
  /// A file's name and contents.
  struct File {
    let name: String
    let contents: [UInt8]
  }

  private let path: String

  /// Makes the folder where it is missing.
  init(_ path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FileError.cannotWrite(path, reason: "the folder cannot be made")
    }
  }

  /// Whether the folder has a file with a name.
  func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

  /// The contents of a text file, or `nil` where it cannot be read.
  func text(of name: String) -> String? {
    (try? Files.read("\(path)/\(name)")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Writes files, each whole; if one cannot be written, those before it are removed again.
  func write(_ files: [File]) throws {
    var written: [String] = []
    do {
      for file in files {
        let target = "\(path)/\(file.name)"
        try AtomicFile.write(file.contents, to: target)
        written.append(target)
      }
    } catch {
      for target in written { try? FileManager.default.removeItem(atPath: target) }
      throw error
    }
  }
}

/// File names that are made from inputs and labels and never collide.
struct UniqueNames {
  private var taken: Set<String> = []

  /// A name from the last part of a path without its extension.
  mutating func name(forStemOf path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    let stem = last.lastIndex(of: ".").map { String(last[..<$0]) } ?? last
    return unique(stem.isEmpty ? last : stem)
  }

  /// A name from any text: letters, digits, `.`, `-` and `_` stay, everything else becomes `_`.
  mutating func name(for text: String) -> String {
    let kept = text.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "_" }
    let name = String(kept.prefix(80))
    return unique(name.isEmpty || name.allSatisfy { $0 == "." } ? "_" : name)
  }

  private mutating func unique(_ name: String) -> String {
    var result = name
    var number = 2
    while !taken.insert(result).inserted {
      result = "\(name)-\(number)"
      number += 1
    }
    return result
  }
}
