internal import Prism
internal import PrismReport

/// The files that a command works on: those that are named, and those in the folders that are
/// named.
struct InputList: Sendable {
  /// What a model is given.
  enum Kind: Sendable {
    case pictures, sounds

    /// The extensions by which files in folders are recognised.
    var extensions: Set<String> {
      switch self {
      case .pictures: Set(PictureFormat.allExtensions)
      case .sounds: Set(SoundFormat.allExtensions)
      }
    }

    /// What errors call the files.
    var name: String {
      switch self {
      case .pictures: "pictures (\(PictureFormat.allCases.map(\.rawValue).joined(separator: ", ")))"
      case .sounds:
        "sounds (\(SoundFormat.allCases.filter { $0 != .other }.map(\.rawValue).joined(separator: ", ")), "
          + "and what ffmpeg reads)"
      }
    }
  }

  /// The paths of the files: in the order in which they are named, those of a folder in
  /// alphabetical order.
  private(set) var files: [String] = []
  /// Folders that give nothing, and why.
  private(set) var failures: [(path: String, error: any Error)] = []
  /// What of the folders is left out.
  private(set) var notes: [String] = []

  /// Takes files as they are, and looks for files in folders.
  ///
  /// Hidden files are left out, and so is what an earlier run wrote into a folder. A folder is
  /// visited once, however many links lead to it.
  ///
  /// - Parameters:
  ///   - paths: The paths of files and folders.
  ///   - kind: What the model is given.
  ///   - isRecursive: Whether the folders in folders count.
  init(_ paths: [String], kind: Kind, isRecursive: Bool) {
    for path in paths {
      guard Folder.isFolder(path) == true else {
        files.append(path)
        continue
      }
      var search = Search(kind: kind, isRecursive: isRecursive)
      do {
        try search.visit(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
        guard !search.files.isEmpty else {
          throw InputError.nothing(
            path, kind: kind, others: search.others + search.missing + search.results,
            folders: search.folders)
        }
        files += search.files
        notes += search.unreadable.map { "\($0)" }
        if !search.results.isEmpty {
          notes.append(Self.note(onResults: search.results, in: path))
        }
        if !search.others.isEmpty { notes.append(Self.note(on: search.others, in: path, kind)) }
        if !search.missing.isEmpty { notes.append(Self.note(onMissing: search.missing, in: path)) }
      } catch {
        failures.append((path, error))
      }
    }
  }

  private static func note(on others: [String], in path: String, _ kind: Kind) -> String {
    let shown = Text.first(5, of: others)
    let (files, verb) = others.count == 1 ? ("file", "is") : ("files", "are")
    return
      "\(path): \(others.count) \(files) that \(verb) not \(kind.name) \(verb) left out: \(shown)"
  }

  private static func note(onResults names: [String], in path: String) -> String {
    let (files, verb) = names.count == 1 ? ("file", "is") : ("files", "are")
    return "\(path): \(names.count) \(files) that an earlier run wrote \(verb) left out: "
      + Text.first(5, of: names)
  }

  private static func note(onMissing names: [String], in path: String) -> String {
    let shown = Text.first(5, of: names)
    let (lead, verb) = names.count == 1 ? ("name that leads", "is") : ("names that lead", "are")
    return "\(path): \(names.count) \(lead) to no file (a broken link, or a name that is no UTF-8) "
      + "\(verb) left out: \(shown)"
  }

  /// A walk through a folder.
  private struct Search {
    let kind: Kind
    let isRecursive: Bool
    var files: [String] = []
    /// Files of other kinds, pipes and devices among them.
    var others: [String] = []
    /// Files that could be inputs, but are results of an earlier run.
    var results: [String] = []
    /// Names of which the system finds nothing.
    var missing: [String] = []
    /// Folders that are not looked into.
    var folders = 0
    /// Folders inside that cannot be listed.
    var unreadable: [any Error] = []
    /// The folders that were visited, so that circles of links end.
    private var visited: Set<Folder.Identity> = []

    init(kind: Kind, isRecursive: Bool) {
      self.kind = kind
      self.isRecursive = isRecursive
    }

    mutating func visit(_ folder: String) throws {
      if let identity = Folder.identity(of: folder), !visited.insert(identity).inserted { return }
      let names = try Folder.names(in: folder)
      let written = OutputFolder.results(among: names, in: folder)
      for name in names {
        let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
        // A link that leads nowhere, or to itself, is no file.
        switch Folder.isFolder(path) {
        case true? where isRecursive:
          do { try visit(path) } catch { unreadable.append(error) }
        case true?: folders += 1
        case false? where kind.extensions.contains(Self.suffix(of: name)) && Folder.isFile(path):
          if written.contains(name) { results.append(path) } else { files.append(path) }
        case false?: others.append(path)
        case nil: missing.append(path)
        }
      }
    }

    private static func suffix(of name: String) -> String {
      name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
    }
  }
}

/// Why a folder gives no inputs.
enum InputError: Error, CustomStringConvertible {
  case nothing(String, kind: InputList.Kind, others: [String], folders: Int)

  var description: String {
    switch self {
    case .nothing(let path, let kind, let others, let folders):
      "\(path): the folder holds no \(kind.name)"
        + (others.isEmpty
          ? ""
          : ", only \(Text.first(3, of: others))")
        + (folders > 0 ? "; --recursive looks into the folders in it" : "")
    }
  }
}
