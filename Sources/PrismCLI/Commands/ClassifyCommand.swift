internal import ArgumentParser
internal import Prism

struct ClassifyCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Print the labels of pictures and sounds with their probabilities.",
    discussion: """
      The five most probable labels are shown; of a sound that is longer than the model hears at a \
      time also the most probable label of each window.
      """)

  @OptionGroup var input: InputOptions

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String

  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print a JSON document with all labels and logits.") var json = false

  func validate() throws { try input.requireInputs() }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    if json { model.file.mapping.beginHashing() }
    let inputs = input.list(for: model)
    var documents: [JSON] = []
    let status = Batch(console).forEach(inputs) { input, running in
      let hearing =
        model.card.input.audio == nil
        ? nil : try model.listen(to: try Sound(contentsOf: input))
      let prediction = try hearing?.prediction ?? model.predict(try Image(contentsOf: input))
      return Document(
        input: input, model: model, prediction: prediction, explanations: [], hearing: hearing)
    } finish: { input, document in
      if json {
        documents.append(document.json)
      } else {
        if inputs.files.count > 1 { console.print("\(input):") }
        let indent = inputs.files.count > 1 ? "  " : ""
        for line in summary(of: document.prediction) + (document.hearing?.lines ?? []) {
          console.print(indent + line)
        }
      }
    }
    if json { console.print(Document.formatted(documents, of: inputs.files)) }
    return status
  }
}

/// The five most probable labels, one line each.
func summary(of prediction: Prediction) -> [String] {
  table(
    prediction.ranked.prefix(5).map { entry in
      [percent(entry.probability), entry.label]
        + (prediction.threshold.map { entry.probability >= $0 ? ["above threshold"] : [] } ?? [])
    })
}

/// A probability as it is shown, such as `99.82 %`.
func percent(_ probability: Double) -> String {
  let hundredths = Int((probability * 10_000).rounded())
  let fraction = hundredths % 100
  let whole = "\(hundredths / 100)"
  return String(repeating: " ", count: max(0, 3 - whole.count)) + whole
    + (fraction < 10 ? ".0\(fraction) %" : ".\(fraction) %")
}
