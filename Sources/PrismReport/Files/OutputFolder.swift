internal import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A folder that receives results.
public struct OutputFolder {
  /// A file's name and contents.
  public struct File: Sendable {
    /// The name in the folder.
    public let name: String
    /// The contents.
    public let contents: [UInt8]

    /// Makes a file.
    public init(name: String, contents: [UInt8]) {
      self.name = name
      self.contents = contents
    }
  }

  private let path: String

  /// Makes the folder where it is missing.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public init(_ path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FileError.cannotWrite(path, reason: "the folder cannot be made")
    }
  }

  /// Whether the folder has a file with a name.
  public func holds(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/\(name)")
  }

  /// The contents of a text file, or `nil` where it cannot be read.
  public func text(of name: String) -> String? {
    (try? Files.read("\(path)/\(name)")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Writes files, each whole; if one cannot be written, those before it are removed again.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public func write(_ files: [File]) throws {
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
public struct UniqueNames {
  private var taken: Set<String> = []

  /// Begins without names.
  public init() {}

  /// A name from the last part of a path without its extension.
  public mutating func name(forStemOf path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    let stem = last.lastIndex(of: ".").map { String(last[..<$0]) } ?? last
    return unique(stem.isEmpty ? last : stem)
  }

  /// A name from any text: letters, digits, `.`, `-` and `_` stay, everything else becomes `_`.
  public mutating func name(for text: String) -> String {
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
