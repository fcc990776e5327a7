public import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Folders of weights files, and how a model is found in them.
public struct ModelCatalogue: Sendable {
  /// How the names of weights files end.
  public static let suffix = ".safetensors"

  /// The folders in the order in which they are searched; the first that has a name wins.
  public let folders: [String]

  /// Makes a catalogue.
  ///
  /// - Parameter folders: Paths of folders; at least one of them has to exist when a name is looked up.
  public init(folders: [String]) {
    self.folders = folders
  }

  /// The names of the weights files in the folders, in alphabetical order.
  ///
  /// - Throws: ``CatalogueError/noFolder(_:)`` where none of the folders exists.
  public func names() throws -> [String] {
    let found = folders.compactMap { try? FileManager.default.contentsOfDirectory(atPath: $0) }
    guard !found.isEmpty else { throw CatalogueError.noFolder(place) }
    let names = found.joined().filter { $0.hasSuffix(Self.suffix) && !$0.hasPrefix(".") }
    return Set(names.map { String($0.dropLast(Self.suffix.count)) }).sorted()
  }

  /// The path of the weights file with a name: in the first folder that has it, or in the first of all.
  public func path(of name: String) -> String {
    let paths = folders.map { "\($0)/\(name)\(Self.suffix)" }
    return paths.first { FileManager.default.fileExists(atPath: $0) } ?? paths.first ?? name
  }

  /// Opens a model by its name in a folder or by the path of its file.
  ///
  /// - Throws: ``CatalogueError``; what a damaged file throws.
  public func model(_ name: String) throws -> Model { try Model(contentsOf: file(name)) }

  /// The path of a weights file, given by its name in a folder or as it is.
  ///
  /// - Throws: ``CatalogueError``.
  public func file(_ name: String) throws -> String {
    if name.contains("/") || name.hasSuffix(Self.suffix) { return name }
    let known = try names()
    guard known.contains(name) else {
      throw CatalogueError.unknownModel(
        name, folder: place, nearest: Text.nearest(to: name, among: known), known: known)
    }
    return path(of: name)
  }

  /// The folders as they are named in errors.
  private var place: String { folders.joined(separator: ", ") }
}

/// Why a model cannot be found.
public enum CatalogueError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no folder of weights.
  case noFolder(String)
  /// No folder has a model of the name.
  case unknownModel(String, folder: String, nearest: String?, known: [String])

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .noFolder(let folder):
      "there is no folder of weights at \(folder); name it with --weights, or give the model as a path"
    case .unknownModel(let name, let folder, let nearest, let known):
      "there is no model called \(name) in \(folder)"
        + (nearest.map { "; did you mean \($0)?" }
          ?? (known.isEmpty
            ? "; the folder holds none, Tools/convert.py makes one"
            : "; there are \(known.joined(separator: ", "))"))
    }
  }
}
