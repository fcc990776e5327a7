internal import ArgumentParser
internal import Prism
internal import PrismReport

struct EvaluateCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure how well a model agrees with labelled data.",
    discussion: """
      Every measure has a 95 % interval by bootstrap over samples. With --output the folder then holds \
      evaluation.json, evaluation.csv (measures), predictions.csv (a line a sample) and evaluation.png (ROC, \
      calibration, confusion).
      """)

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp("A folder or a CSV; `prism dataset` tells what it holds.", valueName: "path")
  )
  var data: String

  @Option(help: ArgumentHelp("training, validation or testing.", valueName: "name"))
  var split = "testing"

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

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the JSON document instead of a table.") var json = false

  func validate() throws {
    guard (0...100_000).contains(resamples) else {
      throw ValidationError("--resamples must be from 0 to 100000")
    }
    if let threshold, !(threshold > 0 && threshold < 1) {
      throw ValidationError("--threshold must be between 0 and 1")
    }
    guard DataSet.splitNames.contains(split) else {
      throw ValidationError("--split must be training, validation or testing")
    }
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    let data = try dataOptions.open(self.data)
    let folder = try output.map { try OutputFolder($0) }
    let scored = try model.score(split, of: data) { done, count in
      console.progress("\(done) of \(count) samples")
    }
    console.endProgress()
    let evaluation = model.evaluation(
      of: scored, threshold: threshold, resamples: resamples, seed: seed)
    let document: JSON = [
      "prism": .string(PrismVersion.current),
      "model": [
        "name": .string(model.card.name),
        "sha256": .string(model.file.sha256),
      ],
      "data": .string(data.path),
      "split": .string(split),
      "missing": .integer(data.split(split)?.missing.count ?? 0),
      "evaluation": evaluation.json,
    ]
    if let folder {
      let picture = try evaluation.rendered(
        title: "\(model.card.name) on \(split), \(scored.count) samples")
      try folder.write([
        .init(name: "evaluation.json", contents: Array((document.formatted + "\n").utf8)),
        .init(name: "evaluation.csv", contents: Array(evaluation.csv.utf8)),
        .init(name: "predictions.csv", contents: Array(predictions(scored, model).utf8)),
        .init(name: "evaluation.png", contents: try picture.pngData()),
      ])
    }
    if json {
      console.print(document)
      return .done
    }
    console.print(
      "\(model.card.name) on \(split) of \(data.path): \(scored.count) samples"
        + (evaluation.threshold.map { ", threshold \($0)" } ?? ""))
    for line in TextTable.lines(evaluation.measures.map(row)) { console.print("  \(line)") }
    if evaluation.task != .binary {
      var rows = [["label", "positives", "auc", "average precision", "f1"]]
      for label in evaluation.perLabel {
        rows.append(
          [label.label, "\(label.positives)"]
            + label.measures.map { $0.value.map(NumberText.decimal) ?? "–" })
      }
      for line in TextTable.lines(rows) { console.print("  \(line)") }
    }
    if !evaluation.confusion.isEmpty, evaluation.labels.count <= 20 {
      var rows = [["true \\ predicted"] + evaluation.labels]
      for (label, counts) in zip(evaluation.labels, evaluation.confusion) {
        rows.append([label] + counts.map(String.init))
      }
      for line in TextTable.lines(rows) { console.print("  \(line)") }
    }
    return .done
  }

  private func row(_ measure: Evaluation.Measure) -> [String] {
    [
      measure.name, measure.value.map(NumberText.decimal) ?? "not defined",
      measure.interval.map {
        "\(NumberText.decimal($0.lowerBound)) to \(NumberText.decimal($0.upperBound))"
      } ?? "",
    ]
  }

  private func predictions(_ scored: [Model.Scored], _ model: Model) -> String {
    var text =
      (["path", "true"] + model.labels).map(\.commaSeparatedValue).joined(separator: ",") + "\n"
    for entry in scored {
      let truth: String
      switch entry.sample.truth {
      case .label(let index): truth = model.labels[index]
      case .labels(let values):
        truth = zip(model.labels, values).filter { $0.1 == 1 }.map(\.0).joined(separator: "|")
      }
      text +=
        ([entry.sample.path, truth].map(\.commaSeparatedValue)
        + entry.probabilities.map { "\($0)" })
        .joined(separator: ",") + "\n"
    }
    return text
  }
}
