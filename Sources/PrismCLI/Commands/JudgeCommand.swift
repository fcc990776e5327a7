internal import ArgumentParser
internal import Prism
internal import PrismReport

struct JudgeCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "judge",
    abstract: "Find out which methods' explanations of a model may be believed, over data.",
    discussion: """
        prism judge --model scenes --data scenes/index.csv --masks scenes/masks.csv
        prism judge --model chest --data valid.csv --methods gradcam,ig --measures curves,road

      Every label that is true of a picture is explained by every method, and by two baselines that \
      know nothing of the model: the centre of the picture and an edge filter. With --masks maps are \
      judged by what is right: pointing game, hit rate, mIoU, and the share of positive attribution \
      inside. What a map says of itself (sparseness, completeness, time) is always measured; \
      --measures adds what costs evaluations of the model, for each map:

      \(MapTest.allCases.map { "  \($0.rawValue): \($0.cost)" }.joined(separator: "\n"))

      The output folder then holds judge.html and judge.pdf (the ranking, what can be told apart and \
      what cannot, the best and the worst maps, and a sentence of advice), judge.csv (means with \
      95 % intervals by bootstrap over pictures, for every label), judge.maps.csv (a line a map), \
      judge.json (everything) and judge.journal: a run that was interrupted goes on where it ended \
      when the same command is given again.

      \(Status.explanation)
      """)

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp("A folder or a CSV; `prism dataset` tells what it holds.", valueName: "path")
  )
  var data: String

  @Option(
    help: ArgumentHelp(
      """
      Where maps ought to be: a folder of masks that are called like their inputs (cat.png, or \
      cat.pug.png or pug/cat.png for one label), or a CSV with the columns input, mask and, if \
      wanted, target; for sounds a CSV with input, target, start and end in seconds, low and high in \
      hertz. What is not zero is inside; of soft edges what is at least 128 of 255.
      """, valueName: "path"))
  var masks: String?

  @OptionGroup var method: JudgedMethodOptions

  @Option(
    help: ArgumentHelp(
      """
      What is measured at a price, separated by commas as said above; all or none. (default: none \
      with --masks, else curves)
      """, valueName: "measures"))
  var measures: String?

  @Option(
    help: ArgumentHelp(
      """
      The measure that ranks: \(MapMeasure.allCases.map(\.rawValue).joined(separator: ", ")). \
      (default: iou with masks, else road or difference)
      """, valueName: "measure"))
  var rankBy: MapMeasureOption?

  @OptionGroup var selection: DataSelectionOptions

  @Option(help: ArgumentHelp("The resamples of the bootstrap.", valueName: "number"))
  var resamples = 1000

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"),
    completion: .directory)
  var output = "judge"

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var reading: PictureReadingOptions
  @OptionGroup var sound: SoundReadingOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print the JSON document instead of a table.") var json = false

  func validate() throws {
    guard (0...100_000).contains(resamples) else {
      throw ValidationError("--resamples must be from 0 to 100000")
    }
    _ = try tests()
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    let data = try dataOptions.open(self.data)
    let folder = try OutputFolder(output)
    var request = selection.request(
      try method.request(
        model: self.model, pictures: reading.reading, sound: sound.reading(for: model)))
    request.masks = masks
    request.tests = try tests()
    request.resamples = resamples
    request.ranking = rankBy?.measure
    let run = try JudgeRun(request, model: model, data: data, in: folder)
    return try DataRun(run, console).finish(in: folder, printsDocument: json, console) { results in
      try JudgeReport(
        run, findings: results.findings, unread: results.unread,
        work: Work { console.progress("\($0.done) of \($0.planned) means") })
    }
  }

  /// The measures that cost something.
  private func tests() throws(ValidationError) -> Set<MapTest> {
    let measures = (measures ?? (masks == nil ? MapTest.curves.rawValue : "none")).lowercased()
    switch measures {
    case "all": return Set(MapTest.allCases)
    case "none", "": return []
    default:
      var tests: Set<MapTest> = []
      for name in measures.split(separator: ",") {
        guard let test = MapTest(rawValue: String(name)) else {
          let known = MapTest.allCases.map(\.rawValue).joined(separator: ", ")
          throw ValidationError("--measures \(name) is not known; there are \(known), all and none")
        }
        tests.insert(test)
      }
      return tests
    }
  }
}

/// A measure on the command line.
struct MapMeasureOption: ExpressibleByArgument, Sendable {
  let measure: MapMeasure

  init?(argument: String) {
    guard let measure = MapMeasure(rawValue: argument.lowercased()) else { return nil }
    self.measure = measure
  }
}
