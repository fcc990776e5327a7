internal import PrismFiles

extension DataSet {
  /// A CSV file: CheXpert's, or one of paths and labels.
  static func table(_ path: String, _ options: Options) throws -> DataSet {
    if let contents = contents(ofFile: path) { throw DataSetError.noList(path, contents) }
    var reader = try CSVReader(contentsOf: path)
    return CheXpertColumns.areIn(reader)
      ? try cheXpert(&reader, path, options) : try pathsAndLabels(&reader, path, options)
  }

  private static func pathsAndLabels(
    _ reader: inout CSVReader, _ path: String, _ options: Options
  ) throws -> DataSet {
    let columns = try PathTable.Columns(reader, path, options)
    var table = PathTable(columns: columns, path: path)
    var files = TableFiles(path, options)
    while let row = try reader.next() { try table.take(row, reader.header, &files) }
    let names = Set(table.rows.flatMap(\.labels))
    guard !names.isEmpty else { throw DataSetError.empty(path) }
    let labels = try ordered(names, positive: options.positive, path: path)
    if columns.isMultiLabel {
      // Every row has a number for every label.
      let numbers = table.rows.count.multipliedReportingOverflow(by: labels.count)
      try Limits.current.check(
        numbers.overflow ? .max : numbers.partialValue, .elements,
        of: "\(path): its rows by its labels")
    }
    table.noteGroups()

    let members = table.members(labels)
    let (splits, seed, note) = table.splits(members, options)
    return DataSet(
      path: path, layout: .table,
      contents: try contents(of: members.map(\.sample), path: path), labels: labels,
      isMultiLabel: columns.isMultiLabel, splits: splits, dividingSeed: seed,
      notes: note.map { [$0] } ?? [], findings: table.findings)
  }
}

/// The rows of a CSV of paths and labels.
private struct PathTable {
  /// Where what is.
  struct Columns {
    let path, label: Int
    let split, group: Int?
    let isMultiLabel: Bool

    init(_ reader: CSVReader, _ path: String, _ options: DataSet.Options) throws {
      guard let pathColumn = reader.column("path", "file", "filename", "image") else {
        throw DataSetError.noColumn(path, "path", found: reader.header)
      }
      let several = reader.column("labels")
      guard let labelColumn = several ?? reader.column("label", "class", "target") else {
        throw DataSetError.noColumn(path, "label", found: reader.header)
      }
      self.path = pathColumn
      label = labelColumn
      isMultiLabel = several != nil
      split = reader.column("split")
      if let name = options.groupColumn {
        guard let column = reader.column(name) else {
          throw DataSetError.noColumn(path, name, found: reader.header)
        }
        group = column
      } else {
        group = DataSet.Options.groupColumns.lazy.compactMap { reader.column($0) }.first
      }
    }
  }

  struct Row {
    let path: String
    let exists: Bool
    let labels: [String]
    let split, group: String?
  }

  typealias Member = (sample: DataSet.Sample, isMissing: Bool, row: Row)

  let columns: Columns
  let path: String
  private(set) var rows: [Row] = []
  private(set) var findings = Findings()
  private var known: [String: [String]] = [:]

  init(columns: Columns, path: String) {
    self.columns = columns
    self.path = path
  }

  mutating func take(
    _ row: CSVReader.Row, _ header: [String], _ files: inout TableFiles
  ) throws {
    func bad(_ column: Int, _ value: String, _ expected: String) -> DataSetError {
      .badCell(path, line: row.line, column: header[column], value: value, expected: expected)
    }
    let labels =
      columns.isMultiLabel
      ? try row.texts(columns.label, separatedBy: "|").map(\.trimmed).filter { !$0.isEmpty }
      : [try row.text(columns.label).trimmed]
    if labels == [""] { throw bad(columns.label, "", "a label") }
    var split: String?
    if let column = columns.split {
      split = DataSet.splitName(try row.text(column).trimmed)
      if split == nil { throw bad(column, row.shown(column), "training, validation or testing") }
    }
    let group = try columns.group.map { try row.text($0).trimmed }
    if let column = columns.group, group?.isEmpty ?? false { throw bad(column, "", "a group") }
    _ = try row.text(columns.path)
    guard let name = String(validating: row.cells[columns.path], as: UTF8.self)?.trimmed else {
      findings.add(.nameNotUTF8, "\(Text.printable(path)): line \(row.line)")
      return
    }
    let found = files.find(name)
    if let before = known[found.path] {
      guard Set(before) != Set(labels) else {
        findings.add(.listedTwice, Text.printable(found.path), "line \(row.line)")
        return
      }
      let names = [before, labels].map { $0.joined(separator: "|") }
      findings.add(
        .twoLabels, Text.printable(found.path),
        "\(names.map(Text.quoted).joined(separator: " and "))")
    }
    known[found.path] = labels
    if found.exists, DataSet.contents(ofFile: found.path) == nil {
      findings.add(.unreadFormat, Text.printable(found.path))
      return
    }
    rows.append(
      Row(path: found.path, exists: found.exists, labels: labels, split: split, group: group))
  }

  /// Notes the groups that the column of splits tears apart.
  mutating func noteGroups() {
    guard columns.split != nil, columns.group != nil else { return }
    var splits: [String: Set<String>] = [:]
    for row in rows { splits[row.group ?? "", default: []].insert(row.split ?? "") }
    for (group, names) in splits.sorted(by: { $0.key < $1.key }) where names.count > 1 {
      findings.add(
        .groupAcrossSplits, Text.printable(group), names.sorted().joined(separator: ", "))
    }
  }

  /// The samples of the rows.
  func members(_ labels: [String]) -> [Member] {
    let index = Dictionary(uniqueKeysWithValues: zip(labels, 0...))
    return rows.map { row in
      guard columns.isMultiLabel else {
        let truth = DataSet.Truth.label(index[row.labels[0]] ?? 0)
        return (DataSet.Sample(path: row.path, truth: truth), !row.exists, row)
      }
      var values = [Float](repeating: 0, count: labels.count)
      for label in row.labels { values[index[label] ?? 0] = 1 }
      return (DataSet.Sample(path: row.path, truth: .labels(values)), !row.exists, row)
    }
  }

  /// The splits that the file says or, where it says none, that the seed makes.
  func splits(
    _ members: [Member], _ options: DataSet.Options
  ) -> (splits: [DataSet.Split], seed: UInt64?, note: String?) {
    func split(_ name: String, _ members: [Member]) -> DataSet.Split {
      DataSet.Split(
        name: name, samples: members.filter { !$0.isMissing }.map(\.sample),
        missing: members.filter(\.isMissing).map(\.sample))
    }
    if columns.split != nil {
      let splits = DataSet.splitNames.compactMap { name -> DataSet.Split? in
        let chosen = members.filter { $0.row.split == name }
        return chosen.isEmpty ? nil : split(name, chosen)
      }
      return (splits, nil, nil)
    }
    if let name = DataSet.publishedSplit(ofTable: path) {
      return ([split(name, members)], nil, "by its name it is the split \(name), as it is")
    }
    if columns.group != nil {
      return (
        DataSet.divided(
          members.map { ($0.sample, $0.isMissing, $0.row.group ?? "") }, seed: options.seed),
        options.seed,
        "no column \"split\": about 80/10/10 by whole groups, chosen by seed \(options.seed)"
      )
    }
    return (
      DataSet.divided(
        members.filter { !$0.isMissing }.map(\.sample),
        missing: members.filter(\.isMissing).map(\.sample), seed: options.seed,
        into: DataSet.fractions), options.seed,
      "no column \"split\": 80/10/10 of every label, chosen by seed \(options.seed)"
    )
  }
}
