internal import PrismFiles
internal import PrismTensor

extension DataSet {
  /// The fourteen observations of CheXpert in the order of its columns: Irvin et al., "CheXpert: A
  /// Large Chest Radiograph Dataset with Uncertainty Labels and Expert Comparison", AAAI 2019.
  static let observations = [
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion",
    "Edema", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion",
    "Pleural Other", "Fracture", "Support Devices",
  ]

  /// CheXpert's list: divided by patient, but its official lists for validation and testing as they
  /// are.
  static func cheXpert(
    _ reader: inout CSVReader, _ path: String, _ options: Options
  ) throws -> DataSet {
    let columns = try CheXpertColumns(reader, path)
    let published = publishedSplit(ofTable: path)
    var files = TableFiles(path, options)
    var parts: [String: (found: [Sample], missing: [Sample])] = [:]
    var (lateral, uncertain) = (0, 0)
    while let row = try reader.next() {
      if try columns.isLateral(row), !options.includesLateral {
        lateral += 1
        continue
      }
      let (values, count) = try columns.values(row, options.uncertainty)
      uncertain += count
      let patient = try columns.patient(row)
      let part = published ?? split(ofPatient: patient, seed: options.seed)
      let found = files.find(try row.text(columns.path))
      let sample = Sample(path: found.path, truth: .labels(values))
      if found.exists {
        parts[part, default: ([], [])].found.append(sample)
      } else {
        parts[part, default: ([], [])].missing.append(sample)
      }
    }
    guard !parts.isEmpty else { throw DataSetError.empty(path) }
    let names = published.map { [$0] } ?? splitNames
    var notes = [
      "blank is 0; \(uncertain) uncertain mentions: policy \(options.uncertainty.rawValue)",
      published.map { "by its name it is the split \($0), as it is" }
        ?? "split 80/10/10 by patient, chosen by seed \(options.seed)",
    ]
    if !columns.absent.isEmpty {
      notes.append("not known, for want of a column: \(columns.absent.joined(separator: ", "))")
    }
    if lateral > 0 { notes.append("\(lateral) lateral pictures are left out") }
    return DataSet(
      path: path, layout: .cheXpert, contents: .pictures, labels: observations,
      isMultiLabel: true,
      splits: names.map { name in
        Split(name: name, samples: parts[name]?.found ?? [], missing: parts[name]?.missing ?? [])
      }, dividingSeed: published == nil ? options.seed : nil, notes: notes, findings: Findings())
  }

  private static func split(ofPatient patient: Substring, seed: UInt64) -> String {
    let share = CounterRandom(name: "\(seed)/\(patient)").uniform(0)
    return splitNames[share < 0.8 ? 0 : share < 0.9 ? 1 : 2]
  }
}

/// The columns of a list of CheXpert, and what its rows say.
struct CheXpertColumns {
  /// The column of paths.
  let path: Int
  /// The observations that have no column.
  let absent: [String]
  private let view: Int?
  private let observations: [Int?]
  private let header: [String]
  private let file: String

  /// Whether a CSV is CheXpert's: it says which pictures are frontal, or has nearly all
  /// observations, as the list of its test set has.
  static func areIn(_ reader: CSVReader) -> Bool {
    reader.column("Frontal/Lateral") != nil
      || reader.column("Path") != nil
        && DataSet.observations.count { reader.column($0) != nil } >= 13
  }

  init(_ reader: CSVReader, _ file: String) throws {
    self.file = file
    header = reader.header
    view = reader.column("Frontal/Lateral")
    observations = DataSet.observations.map { reader.column($0) }
    absent = zip(DataSet.observations, observations).filter { $1 == nil }.map(\.0)
    if view != nil, let name = absent.first {
      throw DataSetError.noColumn(file, name, found: header)
    }
    guard let path = reader.column("Path") else {
      throw DataSetError.noColumn(file, "Path", found: header)
    }
    self.path = path
  }

  private func bad(
    _ row: CSVReader.Row, _ column: Int, _ expected: String
  ) -> DataSetError {
    .badCell(
      file, line: row.line, column: header[column], value: row.shown(column), expected: expected)
  }

  /// Whether the picture of a row is lateral: by its column, or by its name where there is none.
  func isLateral(_ row: CSVReader.Row) throws(DataSetError) -> Bool {
    guard let view else { return row.shown(path).lastComponent.contains("lateral") }
    switch row.shown(view) {
    case "Frontal": return false
    case "Lateral": return true
    default: throw bad(row, view, "Frontal or Lateral")
    }
  }

  /// The part of a row's path that names the patient.
  func patient(_ row: CSVReader.Row) throws(DataSetError) -> Substring {
    let parts = row.shown(path).split(separator: "/")
    guard let patient = parts.first(where: { $0.hasPrefix("patient") }) else {
      throw bad(row, path, "a path with the number of a patient")
    }
    return patient
  }

  /// What a row says of every observation, and how many mentions are uncertain.
  func values(
    _ row: CSVReader.Row, _ uncertainty: DataSet.Uncertainty
  ) throws(DataSetError) -> (values: [Float], uncertain: Int) {
    var (values, uncertain): ([Float], Int) = ([], 0)
    for column in observations {
      guard let column else {
        values.append(.nan)
        continue
      }
      switch Mention(row.cells[column]) {
      case .blank, .negative: values.append(0)
      case .positive: values.append(1)
      case .uncertain:
        uncertain += 1
        switch uncertainty {
        case .ones: values.append(1)
        case .zeros: values.append(0)
        case .ignore: values.append(.nan)
        }
      case nil: throw bad(row, column, "blank, 0, 1 or -1")
      }
    }
    return (values, uncertain)
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
