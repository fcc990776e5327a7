internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ExamplesCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "examples",
    abstract: "Show the training data nearest to an input, and what stands for each label.",
    discussion: """
        prism examples scan.png --model chest --data train --output out
        prism examples --model dogs --data dogs --prototypes 5 --output out

      Every file becomes a point in a layer's space, each channel averaged over rows and columns. \
      The output folder gets examples.html and examples.json. Data without labels, files right in \
      the folder, get those of the model.
      """)

  @OptionGroup var input: InputOptions

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp("A folder or a CSV; `prism dataset` tells what it holds.", valueName: "path")
  )
  var data: String

  @Option(
    help: ArgumentHelp(
      "training, validation, testing or all. (default: training, or all there is)",
      valueName: "name"))
  var split: String?

  @Option(
    help: ArgumentHelp(
      "The layer in whose space is searched; `prism layers` lists them. (default: the model's)",
      valueName: "name"))
  var layer: String?

  @Option(help: ArgumentHelp("How far two points are from each other.", valueName: "name"))
  var distance = Choice(ExampleSpace.Distance.cosine)

  @Option(help: ArgumentHelp("How many examples are shown for each input.", valueName: "n"))
  var count = 5

  @Option(help: ArgumentHelp("How many examples stand for each label.", valueName: "n"))
  var prototypes = 3

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"),
    completion: .directory)
  var output: String?

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print the JSON document instead of a table.") var json = false

  func validate() throws {
    guard (1...1000).contains(count) else {
      throw ValidationError("--count must be from 1 to 1000")
    }
    guard (0...1000).contains(prototypes) else {
      throw ValidationError("--prototypes must be from 0 to 1000")
    }
    guard !input.inputs.isEmpty || prototypes > 0 else {
      throw ValidationError("name inputs, or ask for prototypes")
    }
    try DataOptions.checkSplit(split)
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    try model.checkMemory()
    let layer = self.layer ?? model.card.layers.default
    // A wrong name is told before anything is read.
    _ = try model.values(at: layer, for: [])
    let folder = try output.map { try OutputFolder($0) }
    let list = input.list(for: model)
    if let failure = list.failures.first { throw failure.error }
    let inputs = try ExampleFolder(
      input.inputs, files: list.files.map { ExampleFile(path: $0) }, for: model)
    let library = try ExampleLibrary(
      samples(for: model, console), layer: layer, distance: distance.element, model: model,
      work: Work { console.progress("\($0.done) of \($0.planned) examples") })
    let report = try ExamplesReport(
      inputs, among: library, data: data, count: count, prototypes: prototypes, model: model,
      work: Work { console.progress("prototypes of \($0.done) of \($0.planned) labels") })
    console.endProgress()
    let document = report.document
    if let folder {
      try folder.write([
        .init(name: "examples.json", contents: Array((document.formatted + "\n").utf8)),
        .init(
          name: "examples.html", contents: Array(try report.illustrated().page.html().utf8)),
      ])
    }
    if json {
      console.print(document)
    } else {
      for line in report.lines { console.print(line) }
      if let folder { console.print(folder.path(of: "examples.html")) }
    }
    let failures = library.failures + inputs.failures
    for (path, reason) in failures { console.report(Console.line(reason, about: path)) }
    return failures.isEmpty ? .done : .someInputsFailed
  }

  /// A split of labelled data, or, where a folder has no folder of a class, the files right in it.
  private func samples(
    for model: Model, _ console: Console
  ) throws -> [ExampleLibrary.Sample] {
    let data: DataSet
    do { data = try dataOptions.open(self.data) } catch DataSetError.withoutClasses {
      return InputList(
        [self.data], kind: model.card.input.audio == nil ? .pictures : .sounds,
        isRecursive: false
      ).files.map { .init(ExampleFile(path: $0), labels: []) }
    }
    let told = data.findings.filter { $0.effect != .none || $0.kind == .outsideClasses }
    for line in DataSetFindings.lines(told) { console.report(line) }
    return try data.examples(split: split)
  }
}
