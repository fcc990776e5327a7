internal import PrismFiles

extension DataSet {
  /// The data without the files that lists name, which are other data: ``listDigest`` differs.
  ///
  /// A list is a CSV with the column `path`, whose paths begin where it is or in the working folder.
  /// One that names nothing, as the list of a survey that found nothing, leaves nothing out.
  ///
  /// - Parameter lists: The paths of the lists.
  /// - Returns: The data with a note for every list.
  /// - Throws: ``DataSetError/noColumn(_:_:found:)``, ``DataSetError/foreignList(_:of:)`` where none
  ///   of the files is in the data; `FileError`.
  func leavingOut(_ lists: [String]) throws -> DataSet {
    guard !lists.isEmpty else { return self }
    let paths = splits.flatMap { $0.samples + $0.missing }.map(\.path)
    let known = Dictionary(
      paths.map { (Folder.wholePath(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
    var left: Set<String> = []
    var result = self
    for list in lists {
      let named = try Self.names(in: list)
      let found = named.compactMap { name in name.lazy.compactMap { known[$0] }.first }
      guard named.isEmpty || !found.isEmpty else { throw DataSetError.foreignList(list, of: path) }
      let count = Set(found).count
      let foreign = named.count - found.count
      result.notes.append(
        "left out by \(Text.printable(list)): \(count) \(count == 1 ? "file" : "files")"
          + (foreign > 0 ? "; \(foreign) more of its lines name no file of the data" : ""))
      left.formUnion(found)
    }
    result.splits = splits.map { split in
      Split(
        name: split.name, samples: split.samples.filter { !left.contains($0.path) },
        missing: split.missing.filter { !left.contains($0.path) })
    }
    result.listDigest = Self.digest(result.splits, labels)
    return result
  }

  /// For every line of a list the whole paths that it may mean.
  private static func names(in list: String) throws -> [[String]] {
    var reader = try CSVReader(contentsOf: list)
    guard let column = reader.column("path") else {
      throw DataSetError.noColumn(list, "path", found: reader.header)
    }
    var names: [[String]] = []
    while let row = try reader.next() {
      let name = try row.text(column).trimmed
      names.append(
        (name.hasPrefix("/") ? [name] : [list.folder.appending(component: name), name])
          .map(Folder.wholePath))
    }
    return names
  }
}
