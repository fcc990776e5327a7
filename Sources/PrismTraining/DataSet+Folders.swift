internal import PrismFiles

extension DataSet {
  /// A folder for every class; divided 80/10/10.
  static func classFolders(_ path: String, _ options: Options) throws -> DataSet {
    let found = try classes(in: path)
    let labels = try labels(of: [found], options, path: path)
    let samples = samples(found, labels)
    return DataSet(
      path: path, layout: .classFolders, contents: try contents(of: samples, path: path),
      labels: labels, isMultiLabel: false,
      splits: divided(samples, missing: [], seed: options.seed, into: fractions),
      notes: ["no split is published: 80/10/10 of every class, chosen by seed \(options.seed)"])
  }

  /// A folder for every split with a folder for every class in it; the split is kept as it is.
  static func splitFolders(
    _ path: String, folders: [String], _ options: Options
  ) throws -> DataSet {
    var found: [(name: String, classes: [String: [String]])] = []
    for name in splitNames {
      let members = folders.filter { splitName($0) == name }
      guard let folder = members.first else { continue }
      found.append((name, try classes(in: "\(path)/\(folder)")))
    }
    let labels = try labels(of: found.map(\.classes), options, path: path)
    var splits = found.map {
      Split(name: $0.name, samples: samples($0.classes, labels), missing: [])
    }
    var notes: [String] = []
    if let training = splits.first, !splits.contains(where: { $0.name == "validation" }) {
      let parts = divided(
        training.samples, missing: [], seed: options.seed,
        into: [("training", 0.9), ("validation", 0.1)])
      splits.replaceSubrange(0..<1, with: parts)
      notes.append("no validation split: a tenth of every class, chosen by seed \(options.seed)")
    }
    return DataSet(
      path: path, layout: .splitFolders,
      contents: try contents(of: splits.flatMap(\.samples), path: path), labels: labels,
      isMultiLabel: false, splits: splits, notes: notes)
  }

  /// The files of every class, by the name of its folder.
  private static func classes(in path: String) throws -> [String: [String]] {
    var result: [String: [String]] = [:]
    for name in try Folder.names(in: path) where Folder.isFolder("\(path)/\(name)") == true {
      let files = try Folder.samples(in: "\(path)/\(name)")
      if !files.isEmpty { result[name] = files }
    }
    return result
  }

  private static func labels(
    of splits: [[String: [String]]], _ options: Options, path: String
  ) throws -> [String] {
    // A class that is missing from the training split cannot be learnt, one that is missing elsewhere can.
    let labels = Set(splits.flatMap(\.keys))
    guard let first = splits.first, let any = labels.first else { throw DataSetError.empty(path) }
    guard first.count > 1 else { throw DataSetError.oneClass(path, first.keys.first ?? any) }
    for name in labels.sorted() where first[name] == nil {
      throw DataSetError.noSplit(path, "the label \(name) in training", found: first.keys.sorted())
    }
    return try ordered(labels, positive: options.positive, path: path)
  }

  private static func samples(_ classes: [String: [String]], _ labels: [String]) -> [Sample] {
    labels.enumerated().flatMap { index, label in
      (classes[label] ?? []).map { Sample(path: $0, truth: .label(index)) }
    }.sorted { $0.path < $1.path }
  }

  /// What the files hold, which must be one kind.
  static func contents(of samples: [Sample], path: String) throws -> Contents {
    let kinds = Set(samples.compactMap { contents(of: $0.path.lastComponent) })
    guard let kind = kinds.first else { throw DataSetError.empty(path) }
    guard kinds.count == 1 else { throw DataSetError.mixed(path) }
    return kind
  }
}

extension String {
  /// The part of a path after its last slash.
  var lastComponent: String { split(separator: "/").last.map(String.init) ?? self }

  /// The part of a path before its last slash.
  var folder: String {
    guard let slash = lastIndex(of: "/") else { return "." }
    return slash == startIndex ? "/" : String(self[..<slash])
  }
}
