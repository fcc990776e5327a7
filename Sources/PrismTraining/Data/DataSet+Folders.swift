internal import PrismFiles

extension DataSet {
  /// A folder for every class; divided 80/10/10.
  static func classFolders(
    _ path: String, _ folders: [String], _ options: Options, _ before: Findings
  ) throws -> DataSet {
    var findings = before
    let found = classes(folders, &findings)
    try checkLevel(found, path, options)
    guard !found.samples.isEmpty else {
      let outside = before.list.first { $0.kind == .outsideClasses }?.items.count ?? 0
      throw outside > 0
        ? DataSetError.withoutClasses(path, count: outside) : DataSetError.empty(path)
    }
    let labels = try ordered(
      Set(found.samples.keys), positive: options.positive, path: path)
    let samples = samples(found.samples, labels)
    return DataSet(
      path: path, layout: .classFolders, contents: try contents(of: samples, path: path),
      labels: labels, isMultiLabel: false,
      splits: divided(samples, missing: [], seed: options.seed, into: fractions),
      dividingSeed: options.seed,
      notes: ["no split is published: 80/10/10 of every class, chosen by seed \(options.seed)"],
      findings: findings)
  }

  /// A folder for every split with a folder for every class in it; the split is kept as it is.
  static func splitFolders(
    _ path: String, folders: [String], _ options: Options, _ before: Findings
  ) throws -> DataSet {
    var findings = before
    var found: [(name: String, classes: [String: [String]])] = []
    for name in splitNames {
      let members = folders.filter { splitName($0.lastComponent) == name }
      guard let folder = members.first else { continue }
      for other in members.dropFirst() {
        findings.add(.outsideClasses, Text.printable(other), "\(folder.lastComponent) is taken")
      }
      var stray = Findings()
      let classes = classes(try classFolders(in: folder, &stray), &stray)
      findings.add(stray.list)
      found.append((name, classes.samples))
    }
    let names = Set(found.flatMap(\.classes.keys))
    guard !names.isEmpty else { throw DataSetError.empty(path) }
    let labels = try ordered(names, positive: options.positive, path: path)
    var splits = found.map {
      Split(name: $0.name, samples: samples($0.classes, labels), missing: [])
    }
    var notes: [String] = []
    if let training = splits.first, training.name == "training",
      !splits.contains(where: { $0.name == "validation" })
    {
      let parts = divided(
        training.samples, missing: [], seed: options.seed,
        into: [("training", 0.9), ("validation", 0.1)])
      splits.replaceSubrange(0..<1, with: parts)
      notes.append("no validation split: a tenth of every class, chosen by seed \(options.seed)")
    }
    return DataSet(
      path: path, layout: .splitFolders,
      contents: try contents(of: splits.flatMap(\.samples), path: path), labels: labels,
      isMultiLabel: false, splits: splits, dividingSeed: nil, notes: notes, findings: findings)
  }

  private static func classFolders(in path: String, _ findings: inout Findings) throws -> [String] {
    var folders: [String] = []
    for entry in try FolderEntry.list(path) {
      switch (entry.isHidden, entry.path, entry.kind) {
      case (true, _, _): findings.add(.hidden, entry.shown, FolderWalk.contents(of: entry))
      case (_, nil, _): findings.add(.nameNotUTF8, entry.shown)
      case (_, let path?, .folder): folders.append(path)
      case (_, _, .other): findings.add(.notAFile, entry.shown)
      case (_, let path?, .file):
        findings.add(SampleFile(path) == .other ? .otherFile : .outsideClasses, entry.shown)
      }
    }
    return folders
  }

  /// The samples of classes by the names of their folders, and the folders within those that hold
  /// nothing themselves.
  private typealias Classes = (samples: [String: [String]], inner: [String: Set<String>])

  private static func classes(_ folders: [String], _ findings: inout Findings) -> Classes {
    var result: Classes = ([:], [:])
    for folder in folders {
      let walk = FolderWalk(folder)
      findings.add(walk.findings.list)
      let name = folder.lastComponent
      guard !walk.samples.isEmpty else {
        let lost = walk.findings.list.filter { $0.kind != .hidden }
          .reduce(0) { $0 + $1.items.count }
        findings.add(
          .emptyClass, Text.printable(folder),
          lost == 0 ? "it is empty" : "of its \(lost) entries none can be read")
        continue
      }
      result.samples[name] = walk.samples
      let rests = walk.samples.map { $0.dropFirst(folder.count + 1) }
      if rests.allSatisfy({ $0.contains("/") }) {
        result.inner[folder] = Set(rests.map { String($0.prefix { $0 != "/" }) })
      }
    }
    return result
  }

  /// Refuses a folder whose folders do not hold samples but folders of classes or of splits.
  private static func checkLevel(
    _ classes: Classes, _ path: String, _ options: Options
  ) throws(DataSetError) {
    guard !options.allowsNesting else { return }
    for (folder, inner) in classes.inner.sorted(by: { $0.key < $1.key }) {
      let hasSplits = inner.contains { splitName($0) == "training" }
      if hasSplits || classes.samples.count == 1 && inner.count > 1 {
        throw .oneLevelHigh(path, folder: folder)
      }
    }
    let sets = Set(classes.inner.values)
    guard classes.inner.count == classes.samples.count, sets.count == 1, let inner = sets.first,
      inner.count > 1
    else { return }
    throw .sameFolders(path, classes: classes.samples.keys.sorted(), folders: inner.sorted())
  }

  private static func samples(_ classes: [String: [String]], _ labels: [String]) -> [Sample] {
    labels.enumerated().flatMap { index, label in
      (classes[label] ?? []).map { Sample(path: $0, truth: .label(index)) }
    }.sorted { $0.path < $1.path }
  }
}
