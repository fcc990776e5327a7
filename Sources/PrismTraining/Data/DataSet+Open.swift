internal import PrismFiles
internal import PrismMedia

extension DataSet {
  /// Recognises how data are laid out and reads their list.
  ///
  /// A folder with `training`, `validation` and `testing` (or `train`, `valid`, `val`, `test`), or
  /// with some of them alone, has split folders; a folder with `train.csv` is CheXpert; other
  /// folders have a folder for every class. A CSV with the observations of CheXpert is CheXpert's;
  /// any other needs the columns `path` and `label` (or `labels`, several joined by `|`), and may
  /// have `split` and a column of groups. A CSV that is called after a split, as `valid.csv` or
  /// `test_labels.csv`, is that split as it is.
  ///
  /// - Parameters:
  ///   - path: A folder or a CSV file.
  ///   - options: How the data are read.
  /// - Returns: The data with their labels.
  /// - Throws: ``DataSetError``, `FileError`.
  public static func open(_ path: String, options: Options = Options()) throws -> DataSet {
    try recognised(path, options).leavingOut(options.leftOut)
  }

  private static func recognised(_ path: String, _ options: Options) throws -> DataSet {
    let path = path.withoutTrailingSlash
    guard let isFolder = Folder.isFolder(path) else { throw FileError.notFound(path) }
    guard isFolder else { return try table(path, options) }
    if Folder.isFolder(path.appending(component: "train.csv")) == false {
      return try folderWithTable(path, options)
    }
    var findings = Findings()
    let folders = try subfolders(of: path, &findings)
    let splits = folders.filter { splitName($0.lastComponent) != nil }
    let isSplit =
      splits.contains { splitName($0.lastComponent) == "training" }
      || !splits.isEmpty && splits.count == folders.count
    guard isSplit else { return try classFolders(path, folders, options, findings) }
    for folder in folders where !splits.contains(folder) {
      findings.add(
        .outsideClasses, Text.printable(folder), "\(FolderWalk.count(folder)) samples in it")
    }
    return try splitFolders(path, folders: splits, options, findings)
  }

  /// CheXpert's folder: its training list, and a word on those that are measured as they are.
  private static func folderWithTable(_ path: String, _ options: Options) throws -> DataSet {
    var data = try table(path.appending(component: "train.csv"), options)
    for entry in try FolderEntry.list(path) where entry.name.lowercased().hasSuffix(".csv") {
      guard entry.name != "train.csv", publishedSplit(ofTable: entry.name) != nil else { continue }
      data.notes.append("\(entry.shown) is no part of this; `prism evaluate --data` takes it whole")
    }
    return data
  }

  /// The folders in a folder, and what else there is.
  private static func subfolders(
    of path: String, _ findings: inout Findings
  ) throws -> [String] {
    var folders: [String] = []
    for entry in try FolderEntry.list(path) {
      if entry.isHidden {
        findings.add(.hidden, entry.shown, FolderWalk.contents(of: entry))
      } else if let path = entry.path {
        switch entry.kind {
        case .folder: folders.append(path)
        case .other: findings.add(.notAFile, entry.shown)
        case .file:
          if case .other = SampleFile(path) {
            findings.add(.otherFile, entry.shown)
          } else {
            findings.add(.outsideClasses, entry.shown)
          }
        }
      } else {
        findings.add(.nameNotUTF8, entry.shown, entry.kind == .folder ? "a folder" : nil)
      }
    }
    return folders
  }

  /// The split that a folder or a cell names.
  static func splitName(_ name: String) -> String? {
    switch name.lowercased() {
    case "training", "train": "training"
    case "validation", "valid", "val", "dev": "validation"
    case "testing", "test": "testing"
    default: nil
    }
  }

  /// The split that a CSV is by its name, as `valid.csv` and `test_labels.csv` are; `nil` for any
  /// other.
  static func publishedSplit(ofTable path: String) -> String? {
    let words = path.lastComponent.split { "._- ".contains($0) }.dropLast()
    let found = [words.first, words.last].compactMap { $0.flatMap { splitName(String($0)) } }
    return found.first { $0 != "training" }
  }

  /// What a file holds, or `nil` for a file that is no sample.
  static func contents(ofFile path: String) -> Contents? {
    if case .sample(let contents) = SampleFile(path) { contents } else { nil }
  }

  /// What the files hold, which must be one kind.
  static func contents(of samples: [Sample], path: String) throws -> Contents {
    let kinds = Set(samples.compactMap { contents(ofFile: $0.path) })
    guard let kind = kinds.first else { throw DataSetError.empty(path) }
    guard kinds.count == 1 else { throw DataSetError.mixed(path) }
    return kind
  }

  /// Labels in their order: of two the negative first.
  static func ordered(_ labels: Set<String>, positive: String?, path: String) throws -> [String] {
    try Limits.current.check(labels.count, .labels, of: path)
    var sorted = labels.sorted()
    guard let positive = positive ?? (labels == ["real", "fake"] ? "fake" : nil) else {
      return sorted
    }
    guard let index = sorted.firstIndex(of: positive) else {
      throw DataSetError.noLabel(path, positive, labels: sorted)
    }
    sorted.append(sorted.remove(at: index))
    return sorted
  }
}
