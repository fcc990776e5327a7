internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ExplainCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show which parts of pictures and sounds a model's predictions rest on.",
    discussion: """
      Every input is classified, and every method shows what of it speaks for the labels of --target.

        prism explain cat.png --model dogs
        prism explain cat.png --model dogs --method gradcam,lime --target top3
        prism explain voice.wav --model voice --format png,json,wav
        prism explain --method list

      For an input cat.png and the method gradcam the output folder then holds cat.json (all \
      numbers), cat.gradcam.png (the map over the picture) and cat.gradcam.npy (the raw map, \
      float32 [H, W] at the model's input size). With several targets the names carry the label: \
      cat.gradcam.pug.png. The formats csv, html and pdf hold all methods and targets in one file, \
      such as cat.html. The document cat.json is always written; it names the whole path of its \
      input, and by it results of another cat.png are known and kept: the second is cat-2.

      For a sound voice.wav the map lies over the spectrogram of a window, voice.json names the \
      evidence in seconds and hertz, and --format wav writes the sound with the evidence alone \
      (.kept.wav) and without it (.removed.wav). Where a label is explained in several windows \
      (--windows all), the names carry where each begins: voice.gradcam.2.00s.png.

      A method that fails does not take away the results of the others.

      After Ctrl-C the results of the inputs and methods that were finished are written.

      \(Status.explanation)
      """)

  @OptionGroup var input: InputOptions

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String?

  @OptionGroup var method: MethodOptions
  @OptionGroup var pictures: PictureReadingOptions

  @Flag(
    help: """
      Frame the strongest regions of a picture in the figure, each with its share of the positive \
      attribution; the document and regions.csv have them in any case.
      """) var regions = false

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"),
    completion: .directory)
  var output = "out"

  @Option(
    name: .customLong("format"),
    help: ArgumentHelp(
      "What to write, separated by commas; wav for sounds.",
      valueName: "formats"))
  var formats = CommaSeparated<ResultFormat>([.png, .npy, .json])

  @OptionGroup var sound: SoundReadingOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print the JSON documents instead of a summary.") var json = false

  func validate() throws {
    if method.isListing { return }
    try input.requireInputs()
    guard model != nil else { throw ValidationError("Missing expected argument '--model <model>'") }
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    if method.isListing { return try list(console) }
    guard let name = model else { return .wrongUsage }
    let ahead = ReadAhead(pictures.reading) { Canvas.prepare() }
    ahead.begin(input.inputs.first)
    let model = try catalog.model(name)
    var request = try method.request(.explanation, model: name, formats: formats.elements)
    request.pictures = pictures.reading
    request.showsRegions = regions
    request.sound = try sound.reading(for: model)
    let run = try ReportRun(
      request, model: model,
      inputs: input.list(for: model), ahead: ahead, output: output, printsDocuments: json,
      console: console)
    return try run(skipsFinished: false)
  }

  private func list(_ console: Console) throws -> Status {
    let list = MethodList(for: try model.map(catalog.model), layer: method.layer)
    if json {
      console.print(list.json)
    } else {
      for line in list.lines { console.print(line) }
    }
    return .done
  }
}
