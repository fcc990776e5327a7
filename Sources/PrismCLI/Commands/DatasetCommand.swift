internal import ArgumentParser
internal import Prism
internal import PrismReport

struct DatasetCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset",
    abstract: "Tell what labelled data hold: splits, labels, counts, missing files.",
    discussion: """
      Recognised are a folder for every class; a folder for every split (training, validation, testing) with a folder \
      for every class in it, as Fake-or-Real is published; a CSV with the columns path and label (or labels, several \
      joined by |) and perhaps split; and the CSV of CheXpert, or the folder it is in.
      """)

  @Argument(help: "A folder or a CSV file.") var path: String

  @OptionGroup var options: DataOptions

  @Flag(help: "Print a JSON document.") var json = false

  func run(_ console: Console) throws -> Status {
    let data = try options.open(path)
    if json {
      console.print(document(data))
      return .done
    }
    let total = data.splits.reduce(0) { $0 + $1.samples.count + $1.missing.count }
    console.print(
      "\(data.path): \(data.layout.rawValue), \(total) \(data.contents.rawValue), \(data.labels.count) labels"
        + (data.isMultiLabel ? " (any number at a time)" : ""))
    for note in data.notes { console.print("  \(note)") }
    let hasUnknown = data.splits.contains {
      $0.unknownCounts(of: data.labels.count).contains { $0 > 0 }
    }
    var rows = [["label"] + data.splits.map(\.name) + ["all"]]
    let counts = data.splits.map { $0.counts(of: data.labels.count) }
    let unknown = data.splits.map { $0.unknownCounts(of: data.labels.count) }
    for (i, label) in data.labels.enumerated() {
      func cell(_ count: Int, _ unknown: Int) -> String {
        hasUnknown ? "\(count) (+\(unknown) ignored)" : "\(count)"
      }
      rows.append(
        [label] + data.splits.indices.map { cell(counts[$0][i], unknown[$0][i]) }
          + [
            cell(
              counts.reduce(0) { $0 + $1[i] }, unknown.reduce(0) { $0 + $1[i] })
          ])
    }
    rows.append(
      ["samples"] + data.splits.map { "\($0.samples.count + $0.missing.count)" } + ["\(total)"])
    for line in TextTable.lines(rows) { console.print("  \(line)") }
    let missing = data.splits.flatMap(\.missing)
    if !missing.isEmpty {
      console.print("  \(missing.count) of \(total) files are missing, such as:")
      for sample in missing.prefix(5) { console.print("    \(Text.printable(sample.path))") }
    }
    return .done
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
    ]
  }
}
