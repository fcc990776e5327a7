internal import ArgumentParser
internal import Prism
internal import PrismReport

struct DatasetCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset",
    abstract: "Tell what labelled data hold: splits, labels, counts, and what is wrong with them.",
    discussion: """
      Recognised are a folder for every class; a folder for every split (training, validation, \
      testing, or one of them alone) with a folder for every class in it, as Fake-or-Real is \
      published; a CSV with the columns path and label (or labels, several joined by |) and \
      perhaps split and patient; and the CSV of CheXpert, or the folder it is in. A CSV called \
      valid.csv or test_labels.csv is that split as it is.

      Every file is read: those that cannot be, those under two labels and those that are in two \
      splits are named.
      """)

  @Argument(help: "A folder or a CSV file.") var path: String

  @OptionGroup var options: DataOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Go by names alone: read no picture and no sound.") var namesOnly = false

  @Flag(help: "Print a JSON document.") var json = false

  func run(_ console: Console) throws -> Status {
    var data = try options.open(path)
    if !namesOnly {
      data = try data.inspected(
        work: Work { console.progress("\($0.done) of \($0.planned) files read") })
      console.endProgress()
    }
    if json {
      console.print(document(data))
    } else {
      show(data, console)
    }
    return .done
  }

  private func show(_ data: DataSet, _ console: Console) {
    let total = data.splits.reduce(0) { $0 + $1.samples.count + $1.missing.count }
    console.print(
      "\(Text.printable(data.path)): \(data.layout.rawValue), \(total) \(data.contents.rawValue), "
        + "\(data.labels.count) labels" + (data.isMultiLabel ? " (any number at a time)" : ""))
    for note in data.notes { console.print("  \(note)") }
    for line in TextTable.lines(rows(data)) { console.print("  \(line)") }
    let missing = data.splits.flatMap(\.missing)
    if !missing.isEmpty {
      console.print("  \(missing.count) of \(total) files are missing, such as:")
      for sample in missing.prefix(DataSetFindings.shown) {
        console.print("    \(Text.printable(sample.path))")
      }
    }
    for line in DataSetFindings.lines(data.findings) { console.print("  \(line)") }
  }

  /// A row a label, then the files that are missing and all samples; a column a split.
  private func rows(_ data: DataSet) -> [[String]] {
    let counts = data.splits.map { $0.counts(of: data.labels.count) }
    let unknown = data.splits.map { $0.unknownCounts(of: data.labels.count) }
    let hasUnknown = unknown.contains { $0.contains { $0 > 0 } }
    func cell(_ count: Int, _ unknown: Int) -> String {
      hasUnknown ? "\(count) (+\(unknown) ignored)" : "\(count)"
    }
    func row(_ name: String, _ values: [Int]) -> [String] {
      [name] + values.map(String.init) + ["\(values.reduce(0, +))"]
    }
    var rows = [["label"] + data.splits.map(\.name) + ["all"]]
    for (i, label) in data.labels.enumerated() {
      let all = cell(counts.reduce(0) { $0 + $1[i] }, unknown.reduce(0) { $0 + $1[i] })
      rows.append(
        [Text.printable(label)] + data.splits.indices.map { cell(counts[$0][i], unknown[$0][i]) }
          + [all])
    }
    if data.splits.contains(where: { !$0.missing.isEmpty }) {
      rows.append(row("files missing", data.splits.map(\.missing.count)))
      rows.append(row("files found", data.splits.map(\.samples.count)))
    }
    rows.append(row("samples", data.splits.map { $0.samples.count + $0.missing.count }))
    return rows
  }

  private func document(_ data: DataSet) -> JSON {
    [
      "path": .string(data.path),
      "layout": .string(data.layout.rawValue),
      "contents": .string(data.contents.rawValue),
      "labels": .array(data.labels.map(JSON.string)),
      "multilabel": .bool(data.isMultiLabel),
      "notes": .array(data.notes.map(JSON.string)),
      "splits": .array(
        data.splits.map { split in
          let counts = split.counts(of: data.labels.count)
          let unknown = split.unknownCounts(of: data.labels.count)
          return [
            "name": .string(split.name),
            "samples": .integer(split.samples.count + split.missing.count),
            "found": .integer(split.samples.count),
            "counts": .object(
              zip(data.labels, counts).map { .init(name: $0, value: .integer($1)) }),
            "ignored": .object(
              zip(data.labels, unknown).map { .init(name: $0, value: .integer($1)) }),
            "missing": .array(split.missing.map { .string($0.path) }),
          ]
        }),
      "inspected": .bool(!namesOnly),
      "findings": DataSetFindings.document(data.findings),
    ]
  }
}
