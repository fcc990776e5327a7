public import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The folders of weights files, and how a model is found in them.
///
/// Folders are searched in order: the one that the user names, those of `PRISM_WEIGHTS` (separated
/// by colons), `Weights` where the user is, and the one that was installed with the program.
public struct ModelCatalogue: Sendable {
  /// A folder that may hold weights files.
  public struct Place: Equatable, Sendable {
    /// Why a folder is searched.
    public enum Origin: String, Sendable {
      /// The user names it.
      case option = "--weights"
      /// The environment names it.
      case environment = "PRISM_WEIGHTS"
      /// It is where the user is.
      case workingFolder = "the working folder"
      /// It came with the program.
      case installation = "the installation"
    }

    /// The path of the folder, as it is shown.
    public let path: String
    /// Why it is searched.
    public let origin: Origin
  }

  /// A weights file that is found by its name.
  public struct Entry: Equatable, Sendable {
    /// The name without the extension.
    public let name: String
    /// The path of the file.
    public let path: String
    /// The folder in which it was found.
    public let place: Place
    /// Files of the same name in later places, which are only found by their paths.
    public fileprivate(set) var hidden: [String] = []
  }

  /// The extension of weights files, with its dot.
  public static let suffix = ".safetensors"
  /// The folder of weights in the working folder.
  public static let usualFolder = "Weights"

  /// The folders in the order in which they are searched, whether they exist or not.
  public let places: [Place]

  /// Makes the list of places.
  ///
  /// - Parameters:
  ///   - explicit: The folder that the user names.
  ///   - environment: The process's environment.
  ///   - workingFolder: The path at which relative paths begin, `.` for the process's own.
  ///   - executable: The path of the running program.
  public init(
    explicit: String?, environment: [String: String], workingFolder: String = ".",
    executable: String?
  ) {
    var places: [Place] = []
    func add(_ path: String, _ origin: Place.Origin) {
      if !places.contains(where: { $0.path == path }) {
        places.append(.init(path: path, origin: origin))
      }
    }
    if let explicit { add(explicit, .option) }
    for path in (environment["PRISM_WEIGHTS"] ?? "").split(separator: ":") {
      add(String(path), .environment)
    }
    add(
      workingFolder == "." ? Self.usualFolder : "\(workingFolder)/\(Self.usualFolder)",
      .workingFolder)
    if let folder = executable.flatMap(Self.installedFolder) { add(folder, .installation) }
    self.places = places
  }

  /// Where a program's installation keeps its weights: `PREFIX/bin/prism` has them in
  /// `PREFIX/share/prism/weights`.
  private static func installedFolder(of executable: String) -> String? {
    let parts = executable.split(separator: "/", omittingEmptySubsequences: true)
    guard executable.hasPrefix("/"), parts.count >= 2 else { return nil }
    return (parts.dropLast(2).map { "/" + $0 } + ["/share/prism/weights"]).joined()
  }

  /// The weights files that are found by name, in alphabetical order; of those with the same name
  /// the first.
  ///
  /// - Throws: ``CatalogueError`` where no place exists, or the one that the user names does not.
  public func entries() throws -> [Entry] {
    var entries: [String: Entry] = [:]
    var exists = false
    for place in places {
      guard let names = names(in: place.path) else {
        if place.origin == .option { throw CatalogueError.noFolder(place.path) }
        continue
      }
      exists = true
      for name in names {
        let path = "\(place.path)/\(name)\(Self.suffix)"
        if entries[name] == nil {
          entries[name] = Entry(name: name, path: path, place: place)
        } else {
          entries[name]?.hidden.append(path)
        }
      }
    }
    guard exists else { throw CatalogueError.noPlace(places) }
    return entries.values.sorted { $0.name < $1.name }
  }

  /// The path of a weights file, given by its name or as it is.
  ///
  /// - Throws: ``CatalogueError`` where no place has it.
  public func file(_ name: String) throws -> String {
    if name.contains("/") || name.hasSuffix(Self.suffix) { return name }
    let entries = try entries()
    if let entry = entries.first(where: { $0.name == name }) { return entry.path }
    let known = entries.map(\.name)
    throw CatalogueError.unknownModel(
      name, places: places, nearest: Text.nearest(to: name, among: known), known: known)
  }

  /// Opens a model by its name or by the path of its file.
  ///
  /// - Throws: ``CatalogueError``; what a damaged file throws.
  public func model(_ name: String) throws -> Model { try Model(contentsOf: file(name)) }

  private func names(in folder: String) -> [String]? {
    (try? FileManager.default.contentsOfDirectory(atPath: folder))?
      .filter { $0.hasSuffix(Self.suffix) && !$0.hasPrefix(".") }
      .map { String($0.dropLast(Self.suffix.count)) }
  }
}

/// Why a model cannot be found.
public enum CatalogueError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The folder that the user names does not exist.
  case noFolder(String)
  /// None of the folders exists.
  case noPlace([ModelCatalogue.Place])
  /// No folder has a model of the name.
  case unknownModel(String, places: [ModelCatalogue.Place], nearest: String?, known: [String])

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .noFolder(let folder):
      "there is no folder of weights at \(folder); name another with --weights, or give the model "
        + "as a path"
    case .noPlace(let places):
      "there is no folder of weights (searched: \(Self.list(places))); name one with --weights, or "
        + "give the model as a path"
    case .unknownModel(let name, let places, let nearest, let known):
      "there is no model called \(name) (searched: \(Self.list(places)))"
        + (nearest.map { "; did you mean \($0)?" }
          ?? (known.isEmpty
            ? "; there are none, Tools/convert.py makes one"
            : "; there are \(known.joined(separator: ", "))"))
    }
  }

  private static func list(_ places: [ModelCatalogue.Place]) -> String {
    places.map(\.path).joined(separator: ", ")
  }
}
