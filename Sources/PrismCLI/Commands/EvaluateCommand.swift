internal import ArgumentParser
internal import Prism
internal import PrismReport

struct EvaluateCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure how well a model agrees with labelled data.",
    discussion: """
      Every measure has a 95 % interval: of Wilson for rates, by bootstrap over samples for the \
      others. With --output the folder then holds evaluation.json, evaluation.csv (measures), \
      predictions.csv (a line a sample: its split, its labels, the probabilities and for every \
      label whether it is true) and evaluation.png (ROC, calibration, confusion).

      Without --split, data that have splits are measured on testing, the model's own training \
      data on the part that was kept apart, and all other data whole.
      """)

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp("A folder or a CSV; `prism dataset` tells what it holds.", valueName: "path")
  )
  var data: String

  @Option(
    help: ArgumentHelp(
      "training, validation, testing or all. (default: as said above)", valueName: "name"))
  var split: String?

  @Option(
    help: ArgumentHelp(
      "The probability from which a label counts. (default: the model's)", valueName: "number"))
  var threshold: Double?

  @Option(help: ArgumentHelp("The resamples of the bootstrap.", valueName: "number"))
  var resamples = 1000

  @Option(help: ArgumentHelp("Selects the resamples.", valueName: "number"))
  var seed: UInt64 = 0

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"))
  var output: String?

  @Flag(help: "Leave out files that cannot be read, and list them.")
  var skipBad = false

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print the JSON document instead of a table.") var json = false

  func validate() throws {
    guard (0...100_000).contains(resamples) else {
      throw ValidationError("--resamples must be from 0 to 100000")
    }
    if let threshold, !(threshold > 0 && threshold < 1) {
      throw ValidationError("--threshold must be between 0 and 1")
    }
    try DataOptions.checkSplit(split)
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    let data = try dataOptions.open(self.data)
    let folder = try output.map { try OutputFolder($0) }
    let scope = split.map { Model.Scope(split: $0, reason: "as told") } ?? model.scope(of: data)
    var skipped: [(path: String, reason: String)] = []
    let scored = try model.score(
      scope.split, of: data,
      skipping: skipBad ? { skipped.append(($0.path, "\($1)")) } : nil,
      work: Work { console.progress("\($0.done) of \($0.planned) samples") })
    guard !scored.isEmpty else { throw UnreadableDataError(path: data.path) }
    let evaluation = try model.evaluation(
      of: scored, threshold: threshold, resamples: resamples, seed: seed,
      work: Work { console.progress("\($0.done) of \($0.planned) resamples") })
    console.endProgress()
    let missing = data.split(scope.split)?.missing.count ?? 0
    let document: JSON = [
      "prism": .string(PrismVersion.current),
      "model": [
        "name": .string(model.card.name),
        "sha256": .string(model.file.sha256),
      ],
      "data": .string(data.path),
      "split": .string(scope.split),
      "split_reason": .string(scope.reason),
      "missing": .integer(missing),
      "skipped": .array(
        skipped.map { ["path": .string($0.path), "reason": .string($0.reason)] }),
      "findings": DataSetFindings.document(data.findings),
      "evaluation": evaluation.json,
    ]
    if let folder { try write(document, scored, evaluation, model, scope, to: folder) }
    if json {
      console.print(document)
      return .done
    }
    console.print(
      "\(Text.printable(model.card.name)) on \(scope.split) of \(Text.printable(data.path)) "
        + "(\(scope.reason)): \(scored.count) samples"
        + (missing > 0 ? ", \(missing) files missing" : "")
        + (skipped.isEmpty ? "" : ", \(skipped.count) left out that cannot be read")
        + (evaluation.threshold.map { ", threshold \($0)" } ?? ""))
    show(evaluation, console)
    for (path, reason) in skipped {
      console.report(Console.line(reason, about: path))
    }
    for line in DataSetFindings.lines(data.findings.filter { $0.effect != .none }) {
      console.report(line)
    }
    return .done
  }

  private func write(
    _ document: JSON, _ scored: [Model.Scored], _ evaluation: Evaluation, _ model: Model,
    _ scope: Model.Scope, to folder: OutputFolder
  ) throws {
    let picture = try evaluation.rendered(
      title: "\(model.card.name) on \(scope.split), \(scored.count) samples")
    try folder.write([
      .init(name: "evaluation.json", contents: Array((document.formatted + "\n").utf8)),
      .init(name: "evaluation.csv", contents: Array(evaluation.csv.utf8)),
      .init(name: "predictions.csv", contents: Array(predictions(scored, model).utf8)),
      .init(name: "evaluation.png", contents: try picture.pngData()),
    ])
  }

  private func show(_ evaluation: Evaluation, _ console: Console) {
    for line in TextTable.lines(evaluation.measures.map(row)) { console.print("  \(line)") }
    let hasOwn = evaluation.threshold == nil && evaluation.task == .multilabel
    var rows = [
      ["label", "positives", "auc", "average precision", "f1", "sensitivity", "specificity"]
        + (hasOwn ? ["threshold"] : [])
    ]
    for label in evaluation.perLabel {
      rows.append(
        [Text.printable(label.label), "\(label.positives) of \(label.samples)"]
          + label.measures.map(cell)
          + (hasOwn ? [label.threshold.map(NumberText.decimal) ?? "–"] : []))
    }
    for line in TextTable.lines(rows) { console.print("  \(line)") }
    for note in evaluation.notes { console.print("  note: \(Text.printable(note))") }
    guard !evaluation.confusion.isEmpty, evaluation.labels.count <= 20 else { return }
    rows = [["true \\ predicted"] + evaluation.labels.map(Text.printable)]
    for (label, counts) in zip(evaluation.labels, evaluation.confusion) {
      rows.append([Text.printable(label)] + counts.map(String.init))
    }
    for line in TextTable.lines(rows) { console.print("  \(line)") }
  }

  /// Rates of a label with their intervals, areas without.
  private func cell(_ measure: Evaluation.Measure) -> String {
    guard let value = measure.value else { return "–" }
    guard measure.method != .bootstrap, let interval = measure.interval else {
      return NumberText.decimal(value)
    }
    return
      "\(NumberText.decimal(value)) (\(NumberText.decimal(interval.lowerBound)) to "
      + "\(NumberText.decimal(interval.upperBound)))"
  }

  private func row(_ measure: Evaluation.Measure) -> [String] {
    guard let value = measure.value else { return [measure.name, "not defined", ""] }
    let interval = measure.interval.map {
      "\(NumberText.decimal($0.lowerBound)) to \(NumberText.decimal($0.upperBound))"
    }
    return [
      measure.name, NumberText.decimal(value),
      interval ?? (resamples > 0 ? "no interval: all resamples agree" : ""),
    ]
  }

  private func predictions(_ scored: [Model.Scored], _ model: Model) -> String {
    let names = ["path", "split", "true"] + model.labels + model.labels.map { "true:\($0)" }
    var text = names.map(\.commaSeparatedValue).joined(separator: ",") + "\n"
    for entry in scored {
      let truths = model.labels.indices.map { index in
        entry.sample.truth.has(index).map { $0 ? "1" : "0" } ?? ""
      }
      let cells =
        [entry.sample.path, entry.split, entry.sample.truth.text(model.labels)]
        .map(\.commaSeparatedValue)
      text +=
        (cells + entry.probabilities.map { "\($0)" } + truths).joined(separator: ",") + "\n"
    }
    return text
  }
}

/// Data of which no file can be read.
private struct UnreadableDataError: Error, CustomStringConvertible {
  let path: String

  var description: String { "\(Text.printable(path)): none of the files can be read" }
}
