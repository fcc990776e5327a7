internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ClassifyCommand: LimitedCommand {
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

  @OptionGroup var pictures: PictureReadingOptions
  @OptionGroup var sound: SoundReadingOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print a JSON document with all labels and logits.") var json = false

  func validate() throws { try input.requireInputs() }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let ahead = ReadAhead(pictures.reading)
    ahead.begin(input.inputs.first)
    let model = try catalog.model(self.model)
    try model.checkMemory()
    try pictures.check(for: model)
    if json { model.file.mapping.beginHashing() }
    let (pictures, sounds) = (pictures.reading, try sound.reading(for: model))
    let inputs = input.list(for: model)
    var documents: [JSON] = []
    let status = Batch(console, abreast: try model.abreast()).forEach(inputs) {
      path, following, _ in
      try Classification(
        of: try ahead.take(path, following: following), by: model, pictures: pictures,
        sounds: sounds)
    } finish: { path, result in
      if json {
        documents.append(result.document(of: model))
      } else {
        if inputs.files.count > 1 { console.print("\(path):") }
        let indent = inputs.files.count > 1 ? "  " : ""
        for line in result.prediction.summary + (result.hearing?.lines ?? [])
          + (result.picture?.summary ?? [])
        {
          console.print(indent + line)
        }
      }
    }
    if json { console.print(InputDocument.all(documents)) }
    return status
  }
}
