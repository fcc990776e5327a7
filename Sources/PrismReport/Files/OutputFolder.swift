public import Prism

/// A folder that receives results.
///
/// No result takes the place of another input's: whose the files of a stem are is decided by the
/// documents that are found in the folder, which name their input. Nor does one take the place of a
/// file that is called like a result but is not known to be one, such as an input.
public struct OutputFolder: Sendable {
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

  /// The folder's path.
  public let path: String

  /// Makes the folder where it is missing.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public init(_ path: String) throws {
    self.path = path
    try Folder.make(path)
    Leftovers.clear(in: path)
  }

  /// The path of a file in the folder, as it is shown.
  public func path(of name: String) -> String {
    path.hasSuffix("/") ? path + name : "\(path)/\(name)"
  }

  /// Whether the folder has a file with a name.
  public func holds(_ name: String) -> Bool { Folder.exists(path(of: name)) }

  /// A document in the folder, or `nil` where there is none that can be read.
  public func document(_ name: String) -> JSON? { Self.document(at: path(of: name)) }

  private static func document(at path: String) -> JSON? {
    let limits = Limits([.bytes: JSONReader.sizeLimit])
    guard let bytes = try? Files.read(path, limits: limits) else { return nil }
    return try? JSONReader.parse(String(decoding: bytes, as: UTF8.self))
  }

  /// The files of a folder that a document beside them calls its own: what an earlier run wrote
  /// there.
  ///
  /// - Parameters:
  ///   - names: The names of the folder's files.
  ///   - folder: The folder's path.
  /// - Returns: The names of such files.
  package static func results(among names: [String], in folder: String) -> Set<String> {
    let all = Set(names)
    var written: [String: Set<String>] = [:]
    func files(of document: String) -> Set<String> {
      if let known = written[document] { return known }
      let contents = all.contains(document) ? Self.document(at: "\(folder)/\(document)") : nil
      let files = Set((contents?["files"]?.elements ?? []).compactMap(\.string))
      written[document] = files
      return files
    }
    return all.filter { name in
      stems(ofResult: name).contains { stem in
        documents(of: stem).contains { files(of: $0).contains(name) }
      }
    }
  }

  /// The names of the documents that results under a stem may have.
  private static func documents(of stem: String) -> [String] {
    ["\(stem).json", "\(stem).compare.json"]
  }

  /// How the names of inputs' files begin: with the stem of the path, and a number where the folder
  /// or another input already has results under it.
  ///
  /// - Parameter inputs: The paths of the inputs.
  /// - Returns: A stem for every path.
  package func stems(for inputs: [String]) -> [PathKey: String] {
    var stems: [PathKey: String] = [:]
    let taken = takenStems()
    // The page that leads to all results has that name.
    var owners = ["index": PathKey("")]
    for input in inputs where stems[PathKey(input)] == nil {
      let whole = ReportInput.wholePath(of: input)
      let wanted = FileStem.ofResults(for: input)
      var stem = wanted
      var number = 2
      while !(owners[stem].map { $0 == PathKey(whole) } ?? mayHold(stem, of: whole, taken)) {
        stem = "\(wanted)-\(number)"
        number += 1
      }
      owners[stem] = PathKey(whole)
      stems[PathKey(input)] = stem
    }
    return stems
  }

  /// Whether results of an input under a stem would replace nobody else's.
  private func mayHold(_ stem: String, of input: String, _ taken: Set<String>) -> Bool {
    let documents = Self.documents(of: stem).filter(holds)
    guard !documents.isEmpty else { return !taken.contains(stem) }
    return documents.allSatisfy { name in
      (document(name)?["input"]?["path"]?.string).map(PathKey.init) == PathKey(input)
    }
  }

  /// The stems under which the folder has files that are called like results.
  private func takenStems() -> Set<String> {
    var stems: Set<String> = []
    for name in (try? Folder.names(in: path)) ?? [] { stems.formUnion(Self.stems(ofResult: name)) }
    return stems
  }

  /// The stems of which a file with a name may be a result.
  private static func stems(ofResult name: String) -> [String] {
    name.indices.filter { name[$0] == "." && isOfResult(name[name.index(after: $0)...]) }
      .map { String(name[..<$0]) }
  }

  /// Whether a result is called so behind its stem: by its method, or by a format that holds all.
  private static func isOfResult(_ ending: Substring) -> Bool {
    let first = String(ending.prefix { $0 != "." })
    return first.count < ending.count ? kinds.contains(first) : formats.contains(first)
  }

  private static let kinds = Set(
    ExplanationMethod.allCases.map(\.rawValue) + ["compare", "regions"])
  private static let formats: Set<String> = ["csv", "html", "pdf"]

  /// Whether a document is in the folder with all its files, and made with the same key.
  ///
  /// - Returns: The document, or `nil`.
  public func finished(_ name: String, key: String) -> JSON? {
    guard let document = document(name), document["key"] == .string(key),
      let files = document["files"]?.elements.map(\.string),
      files.allSatisfy({ $0.map(holds) ?? false })
    else { return nil }
    return document
  }

  /// The names of the documents of comparisons, in alphabetical order.
  public func comparisons() -> [String] {
    ((try? Folder.names(in: path)) ?? []).filter { $0.hasSuffix(".compare.json") }
  }

  /// Writes files that belong together: all of them appear, or what was there before stays.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public func write(_ files: [File]) throws {
    var set = FileSet()
    do {
      for file in files { try set.add(file.contents, for: path(of: file.name)) }
      try set.commit()
    } catch {
      set.discard()
      throw error
    }
  }
}
