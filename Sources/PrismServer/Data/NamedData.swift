internal import HTTPTypes
internal import Prism
internal import PrismReport

/// A data set of the server under the name by which clients know it.
struct NamedData: Sendable {
  let name: String
  /// Changes when files are added or removed.
  let stamp: String
  /// What the files hold.
  let contents: DataSet.Contents
  /// The labels; none where nobody knows them.
  let labels: [String]
  /// The splits with their sizes; none where there are no labels.
  let splits: [(name: String, count: Int)]
  private let data: DataSet?
  private let files: [ExampleLibrary.Sample]

  /// Opens labelled data, or a folder of files without labels.
  ///
  /// - Throws: `DataSetError`, `FileError`.
  init(_ name: String, path: String, stamp: String) throws {
    self.name = name
    self.stamp = stamp
    let root = Folder.isFolder(path) == true ? path : Folder.parent(of: path)
    let plain = try Self.files(in: path)
    guard plain.isEmpty else {
      let sounds = plain.filter { MediaFormat(fileName: $0)?.kind == .sound }
      guard sounds.isEmpty || sounds.count == plain.count else { throw DataSetError.mixed(path) }
      contents = sounds.isEmpty ? .pictures : .sounds
      files = plain.map { .init(ExampleFile(path: "\(path)/\($0)", name: $0), labels: []) }
      (data, labels, splits) = (nil, [], [])
      return
    }
    let data = try DataSet.open(path)
    self.data = data
    contents = data.contents
    labels = data.labels
    splits = data.splits.filter { !$0.samples.isEmpty }.map { ($0.name, $0.samples.count) }
    files = try data.examples(split: DataSet.wholeName) { Self.shown($0, from: root) }
  }

  /// The names of the files right in a folder that are read.
  private static func files(in path: String) throws -> [String] {
    guard Folder.isFolder(path) == true else { return [] }
    return try Folder.names(in: path).filter { name in
      MediaFormat(fileName: name)?.isRead == true && Folder.isFolder("\(path)/\(name)") == false
    }
  }

  /// What a file is called: where it is in the data, and never where the data are.
  private static func shown(_ path: String, from root: String) -> String {
    if path.hasPrefix(root + "/") { return String(path.dropFirst(root.utf8.count + 1)) }
    return path.split(separator: "/").suffix(2).joined(separator: "/")
  }

  /// The number of all files.
  var count: Int { files.count }

  /// Files of a split that have a label.
  ///
  /// - Parameters:
  ///   - split: The split's name, or `all`; `nil` for all files.
  ///   - label: The label; `nil` for files of any label.
  /// - Returns: The files in their order.
  /// - Throws: ``Problem`` where there is no such split or label.
  func samples(split: String?, label: String?) throws -> [ExampleLibrary.Sample] {
    if let label, !labels.contains(label) {
      throw Problem(
        .unprocessableContent,
        "the data \(name) have no label \(Text.quoted(label))"
          + (labels.isEmpty ? "; nobody has labelled them" : Self.hint(label, among: labels)))
    }
    var chosen = files
    if let split, split != DataSet.wholeName {
      guard let data, splits.contains(where: { $0.name == split }) else {
        throw Problem(
          .unprocessableContent,
          "the data \(name) have no split \(Text.quoted(split))"
            + Self.hint(split, among: splits.map(\.name)))
      }
      let places = Set(data.split(split)?.samples.map(\.path) ?? [])
      chosen = zip(data.split(DataSet.wholeName)?.samples ?? [], files)
        .filter { places.contains($0.0.path) }.map(\.1)
    }
    return label.map { label in chosen.filter { $0.labels.contains(label) } } ?? chosen
  }

  private static func hint(_ name: String, among names: [String]) -> String {
    guard let near = Text.nearest(to: name, among: names) else {
      return names.isEmpty ? "" : "; there are \(names.prefix(12).joined(separator: ", "))"
    }
    return "; did you mean \(near)?"
  }

  /// The description of the data for clients.
  var json: JSON {
    [
      "name": .string(name), "type": .string(contents == .sounds ? "audio" : "image"),
      "files": .integer(count), "labels": .array(labels.map(JSON.string)),
      "splits": .array(
        splits.map { ["name": .string($0.name), "files": .integer($0.count)] }),
      "obstacle": .null,
    ]
  }
}
