internal import PrismFiles
internal import PrismTensor

extension DataSet {
  /// A CSV file: CheXpert's, or one of paths and labels.
  static func table(_ path: String, _ options: Options) throws -> DataSet {
    var reader = try CSVReader(contentsOf: path)
    return reader.column("Frontal/Lateral") != nil
      ? try cheXpert(&reader, path, options) : try pathsAndLabels(&reader, path, options)
  }

  /// Finds the files that a CSV names.
  private struct Finder {
    private var roots: [String]

    init(_ path: String, _ options: Options) {
      roots = options.root.map { [$0] } ?? [path.folder, "\(path.folder)/.."]
    }

    /// The path of a file and whether it is there.
    mutating func find(_ name: String) -> (path: String, exists: Bool) {
      if name.hasPrefix("/") { return (name, Folder.exists(name)) }
      for (i, root) in roots.enumerated() {
        let candidate = "\(root)/\(name)"
        if Folder.exists(candidate) {
          // All files of a table begin at one place.
          if roots.count > 1 { roots = [roots[i]] }
          return (candidate, true)
        }
      }
      return ("\(roots[0])/\(name)", false)
    }
  }

  // MARK: - Paths and labels

  private static func pathsAndLabels(
    _ reader: inout CSVReader, _ path: String, _ options: Options
  ) throws -> DataSet {
    guard let pathColumn = reader.column("path", "file", "filename", "image") else {
      throw DataSetError.noColumn(path, "path", found: reader.header)
    }
    let severalColumn = reader.column("labels")
    guard let labelColumn = severalColumn ?? reader.column("label", "class", "target") else {
      throw DataSetError.noColumn(path, "label", found: reader.header)
    }
    let splitColumn = reader.column("split")
    let isMultiLabel = severalColumn != nil

    var finder = Finder(path, options)
    var rows: [(path: String, exists: Bool, labels: [String], split: String?)] = []
    while let row = try reader.next() {
      let cell = row.text(labelColumn).trimmed
      let labels = isMultiLabel ? cell.split(separator: "|").map { String($0).trimmed } : [cell]
      if !isMultiLabel, cell.isEmpty {
        throw DataSetError.badCell(
          path, line: row.line, column: reader.header[labelColumn], value: cell,
          expected: "a label")
      }
      var split: String?
      if let splitColumn {
        split = splitName(row.text(splitColumn).trimmed)
        guard split != nil else {
          throw DataSetError.badCell(
            path, line: row.line, column: reader.header[splitColumn],
            value: row.text(splitColumn), expected: "training, validation or testing")
        }
      }
      let found = finder.find(row.text(pathColumn).trimmed)
      rows.append((found.path, found.exists, labels, split))
    }
    let names = Set(rows.flatMap(\.labels))
    guard let any = names.first else { throw DataSetError.empty(path) }
    guard names.count > 1 || isMultiLabel else { throw DataSetError.oneClass(path, any) }
    let labels = try ordered(names, positive: options.positive, path: path)
    let index = Dictionary(uniqueKeysWithValues: zip(labels, 0...))

    func sample(_ row: (path: String, exists: Bool, labels: [String], split: String?)) -> Sample {
      guard isMultiLabel else {
        return Sample(path: row.path, truth: .label(index[row.labels[0]] ?? 0))
      }
      var values = [Float](repeating: 0, count: labels.count)
      for label in row.labels { values[index[label] ?? 0] = 1 }
      return Sample(path: row.path, truth: .labels(values))
    }
    var notes: [String] = []
    let splits: [Split]
    if splitColumn != nil {
      splits = splitNames.compactMap { name in
        let members = rows.filter { $0.split == name }
        guard !members.isEmpty else { return nil }
        return Split(
          name: name, samples: members.filter(\.exists).map(sample),
          missing: members.filter { !$0.exists }.map(sample))
      }
    } else {
      splits = divided(
        rows.filter(\.exists).map(sample), missing: rows.filter { !$0.exists }.map(sample),
        seed: options.seed, into: fractions)
      notes.append(
        "no column \"split\": 80/10/10 of every label, chosen by seed \(options.seed)")
    }
    return DataSet(
      path: path, layout: .table,
      contents: try contents(of: splits.flatMap { $0.samples + $0.missing }, path: path),
      labels: labels, isMultiLabel: isMultiLabel, splits: splits, notes: notes)
  }

  // MARK: - CheXpert

  /// The fourteen observations of CheXpert in the order of its columns: Irvin et al., "CheXpert: A Large Chest
  /// Radiograph Dataset with Uncertainty Labels and Expert Comparison", AAAI 2019.
  static let observations = [
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion",
    "Edema", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion",
    "Pleural Other", "Fracture", "Support Devices",
  ]

  private static func cheXpert(
    _ reader: inout CSVReader, _ path: String, _ options: Options
  ) throws -> DataSet {
    func column(_ name: String) throws -> Int {
      guard let index = reader.column(name) else {
        throw DataSetError.noColumn(path, name, found: reader.header)
      }
      return index
    }
    let pathColumn = try column("Path")
    let viewColumn = try column("Frontal/Lateral")
    let columns = try observations.map(column)

    var finder = Finder(path, options)
    var parts = [(found: [Sample], missing: [Sample])](repeating: ([], []), count: 3)
    var (lateral, uncertain) = (0, 0)
    while let row = try reader.next() {
      let view = row.text(viewColumn)
      guard view == "Frontal" || view == "Lateral" else {
        throw DataSetError.badCell(
          path, line: row.line, column: reader.header[viewColumn], value: view,
          expected: "Frontal or Lateral")
      }
      if view == "Lateral", !options.includesLateral {
        lateral += 1
        continue
      }
      var values: [Float] = []
      values.reserveCapacity(columns.count)
      for column in columns {
        switch Mention(row.cells[column]) {
        case .blank, .negative: values.append(0)
        case .positive: values.append(1)
        case .uncertain:
          uncertain += 1
          switch options.uncertainty {
          case .ones: values.append(1)
          case .zeros: values.append(0)
          case .ignore: values.append(.nan)
          }
        case nil:
          throw DataSetError.badCell(
            path, line: row.line, column: reader.header[column], value: row.text(column),
            expected: "blank, 0, 1 or -1")
        }
      }
      let name = row.text(pathColumn)
      let patient = name.split(separator: "/").first { $0.hasPrefix("patient") }
      guard let patient else {
        throw DataSetError.badCell(
          path, line: row.line, column: reader.header[pathColumn], value: name,
          expected: "a path with the number of a patient")
      }
      let share = CounterRandom(name: "\(options.seed)/\(patient)").uniform(0)
      let part = share < 0.8 ? 0 : share < 0.9 ? 1 : 2
      let found = finder.find(name)
      let sample = Sample(path: found.path, truth: .labels(values))
      if found.exists {
        parts[part].found.append(sample)
      } else {
        parts[part].missing.append(sample)
      }
    }
    let splits = zip(splitNames, parts).map {
      Split(name: $0, samples: $1.found, missing: $1.missing)
    }
    guard splits.contains(where: { !$0.samples.isEmpty || !$0.missing.isEmpty }) else {
      throw DataSetError.empty(path)
    }
    var notes = [
      "blank is 0; \(uncertain) uncertain mentions: policy \(options.uncertainty.rawValue)",
      "split 80/10/10 by patient, chosen by seed \(options.seed)",
    ]
    if lateral > 0 { notes.append("\(lateral) lateral pictures are left out") }
    return DataSet(
      path: path, layout: .cheXpert, contents: .pictures, labels: observations,
      isMultiLabel: true, splits: splits, notes: notes)
  }

  /// What a report says about a finding.
  private enum Mention {
    case blank, negative, positive, uncertain

    init?(_ cell: ArraySlice<UInt8>) {
      switch String(decoding: cell, as: UTF8.self) {
      case "": self = .blank
      case "0.0", "0": self = .negative
      case "1.0", "1": self = .positive
      case "-1.0", "-1": self = .uncertain
      default: return nil
      }
    }
  }
}
