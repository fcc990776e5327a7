internal import ArgumentParser
internal import Prism
internal import PrismReport

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
          ExplanationDocument(
            input: input, model: model, prediction: prediction, explanations: [], hearing: hearing
          ).json)
      } else {
        if inputs.count > 1 { console.print("\(input):") }
        for line in prediction.summary + (hearing?.lines ?? []) { console.print(line) }
      }
    }
    if json { console.print(ExplanationDocument.formatted(documents, of: inputs)) }
    return status
  }
}
