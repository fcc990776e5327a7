internal import ArgumentParser
internal import Prism

struct ClassifyCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Print the labels of pictures and sounds with their probabilities.")

  @Argument(help: "PNG or JPEG files; WAV, FLAC, Ogg or MP3 for a model that listens.") var inputs:
    [String]

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var model: String

  @OptionGroup var catalog: ModelCatalog
  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print a JSON document with all labels and logits.") var json = false

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    if json { model.file.mapping.beginHashing() }
    var documents: [JSON] = []
    let status = Batch(console).forEach(inputs) { input in
      let hearing =
        model.card.input.audio == nil
        ? nil : try model.listen(to: try Sound(contentsOf: input))
      let prediction = try hearing?.prediction ?? model.predict(try Image(contentsOf: input))
      if json {
        documents.append(
          Document(
            input: input, model: model, prediction: prediction, explanations: [], hearing: hearing
          ).json)
      } else {
        if inputs.count > 1 { console.print("\(input):") }
        for line in summary(of: prediction) + (hearing?.lines ?? []) { console.print(line) }
      }
    }
    if json { console.print(Document.formatted(documents, of: inputs)) }
    return status
  }
}

/// The five most probable labels, one line each.
func summary(of prediction: Prediction) -> [String] {
  table(
    prediction.ranked.prefix(5).map { entry in
      [percent(entry.probability), entry.label]
        + (entry.isPresent == true ? ["above threshold"] : [])
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
