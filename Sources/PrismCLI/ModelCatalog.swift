internal import ArgumentParser
internal import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The folder of weights files, and how a model is found in it.
struct ModelCatalog: ParsableArguments {
  @Option(
    name: .customLong("weights"),
    help: ArgumentHelp("The folder of weights files.", valueName: "dir"))
  var folder = "Weights"

  static let suffix = ".safetensors"

  /// The names of the weights files in the folder, in alphabetical order.
  func names() throws -> [String] {
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw CatalogError.noFolder(folder)
    }
    return entries.filter { $0.hasSuffix(Self.suffix) && !$0.hasPrefix(".") }
      .map { String($0.dropLast(Self.suffix.count)) }.sorted()
  }

  /// The path of the weights file with a name.
  func path(of name: String) -> String { "\(folder)/\(name)\(Self.suffix)" }

  /// Opens a model by its name in the folder or by the path of its file.
  func model(_ name: String) throws -> Model { try Model(contentsOf: file(name)) }

  /// The path of a weights file, given by its name in the folder or as it is.
  func file(_ name: String) throws -> String {
    if name.contains("/") || name.hasSuffix(Self.suffix) { return name }
    let known = try names()
    guard known.contains(name) else {
      throw CatalogError.unknownModel(
        name, folder: folder, nearest: Text.nearest(to: name, among: known), known: known)
    }
    return path(of: name)
  }
}

/// Why a model cannot be found.
enum CatalogError: Error, CustomStringConvertible {
  case noFolder(String)
  case unknownModel(String, folder: String, nearest: String?, known: [String])

  var description: String {
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
