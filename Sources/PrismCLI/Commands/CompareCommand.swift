internal import ArgumentParser
internal import Prism
internal import PrismReport

struct CompareCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract:
      "Lay several methods' explanations of pictures and sounds side by side, and judge them.",
    discussion: """
        prism compare cat.png --model dogs --methods gradcam,lime,shap
        prism compare scans --model chest --methods gradcam,rise --truth masks.csv
        prism compare voice.wav --model voice --methods gradcam,lime --windows top3

      For an input cat.png the output folder then holds cat.compare.png, .pdf, .html (values under \
      the pointer, a slider for the overlay), .csv (all numbers) and .json; with several inputs also \
      index.html, which leads to all comparisons in the folder. A sound has a figure a window. Inputs \
      that a former run has finished with the same model and options are skipped.
      """)

  @OptionGroup var input: InputOptions

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String

  @OptionGroup var method: MethodOptions
  @OptionGroup var pictures: PictureReadingOptions

  @Flag(
    help: """
      Frame the strongest regions of a picture in the figure, each with its share of the positive \
      attribution; the document and regions.csv have them in any case.
      """) var regions = false

  @Option(
    help: ArgumentHelp(
      """
      Where maps ought to be, not zero (not black) inside, as .npy or .png of the input's \
      proportions: the mask of the input, a folder of masks that are called like their inputs \
      (cat.png, or cat.pug.png or pug/cat.png for one label), or a CSV with the columns input, mask \
      and, if wanted, target; for sounds a CSV with input, target, start and end in seconds, low \
      and high in hertz. Shows each map's share of positive attribution in it, and whether the \
      maximum lies there.
      """, valueName: "path"))
  var truth: String?

  @Flag(
    help: """
      Also randomise the network's layers from the top and show how fast each map falls apart; a \
      method whose map stays tells nothing about the network.
      """) var sanity = false

  @Flag(help: "Also measure how much each map changes with slight noise in the input (10 runs).")
  var sensitivity = false

  @Flag(help: "Also measure how much each map depends on the seed (3 runs).")
  var stability = false

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"),
    completion: .directory)
  var output = "out"

  @Option(
    name: .customLong("format"),
    help: ArgumentHelp("What to write besides the JSON document.", valueName: "formats"))
  var formats = CommaSeparated<ComparisonFormat>(ComparisonFormat.allCases)

  @OptionGroup var sound: SoundReadingOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print the JSON documents instead of a summary.") var json = false

  func validate() throws {
    try input.requireInputs()
    if method.isListing { throw ValidationError("`prism explain --method list` lists the methods") }
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let ahead = ReadAhead(pictures.reading) { Canvas.prepare() }
    ahead.begin(input.inputs.first)
    let model = try catalog.model(self.model)
    var request = try method.request(
      .comparison, model: self.model, formats: formats.elements.map(\.format))
    request.sound = try sound.reading(for: model)
    request.truth = truth
    request.pictures = pictures.reading
    request.showsRegions = regions
    request.tests.sanity = sanity
    request.tests.sensitivity = sensitivity
    request.tests.stability = stability
    let inputs = input.list(for: model)
    let run = try ReportRun(
      request, model: model, inputs: inputs, ahead: ahead, output: output, printsDocuments: json,
      console: console)
    return try run(skipsFinished: true) { folder in
      guard inputs.files.count > 1 || folder.holds(IndexPage.name) else { return }
      // Those of former runs are in the folder, too, and stay on the page.
      let entries = folder.comparisons().compactMap { name in
        folder.document(name).map { IndexPage.Entry($0, name: name) }
      }
      let page = IndexPage(model: model.card.name, entries: entries)
      try folder.write([.init(name: IndexPage.name, contents: Array(page.html.utf8))])
      if !json { console.print(folder.path(of: IndexPage.name)) }
    }
  }
}

/// What is written of a comparison besides its document.
enum ComparisonFormat: String, CaseIterable {
  case png, html, pdf, csv

  var format: ResultFormat {
    switch self {
    case .png: .png
    case .html: .html
    case .pdf: .pdf
    case .csv: .csv
    }
  }
}
