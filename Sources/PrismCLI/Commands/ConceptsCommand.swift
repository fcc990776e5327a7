internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ConceptsCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "concepts",
    abstract: "Test whether labels depend on a concept, or find the concepts of a layer.",
    discussion: """
        prism concepts zebras --model M --positive striped --random textures --layer features.18
        prism concepts --discover 8 --data zebras --model M --layer features.18 --output out

      With --positive and --random (TCAV): files that show a concept and random ones become vectors \
      in a layer; the score of a label is the share of the inputs whose logit grows towards the \
      concept. Each needs at least ten files; thirty and more are better.

      With --discover (as CRAFT): crops of the data are factored into so many concepts; the output \
      folder gets concepts.html, with the crops and maps of each and how much the label hangs on it.
      """)

  @OptionGroup var input: InputOptions

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp("A folder of files that show the concept.", valueName: "dir"),
    completion: .directory)
  var positive: String?

  @Option(
    help: ArgumentHelp(
      "A folder of random files; may be repeated, all of them together are drawn from.",
      valueName: "dir"), completion: .directory)
  var random: [String] = []

  @Option(
    help: ArgumentHelp("Find so many concepts in the files of --data.", valueName: "n"))
  var discover: Int?

  @Option(
    help: ArgumentHelp("The files in which concepts are found, a folder.", valueName: "dir"),
    completion: .directory)
  var data: String?

  @Option(
    name: [.customLong("layer"), .customLong("layers")],
    help: ArgumentHelp(
      """
      The layers in which the concept is tested, separated by commas; `prism layers` lists them. \
      (default: the model's)
      """, valueName: "names"))
  var layer: String?

  @Option(
    name: [.customLong("target"), .customLong("targets")],
    help: ArgumentHelp(
      "The labels that are tested, as for `prism explain`. (default: the top one of all inputs)",
      valueName: "targets"))
  var target: String?

  @Option(help: ArgumentHelp("The runs of the test, with other random files each.", valueName: "n"))
  var runs = 10

  @Option(
    help: ArgumentHelp(
      "The weight of the ridge penalty of the planes between concept and random files.",
      valueName: "number"))
  var penalty = 0.01

  @Flag(help: "Average the layer's values over rows and columns: what is there, not where.")
  var pooled = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Selects who is in which run, and where the search for concepts begins.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The folder for concepts.json with concepts.csv or concepts.html, made if missing.",
      valueName: "dir"), completion: .directory)
  var output: String?

  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(help: "Print the JSON document instead of a table.") var json = false

  func validate() throws {
    if discover != nil {
      guard data != nil else { throw ValidationError("--discover needs --data DIR") }
      guard positive == nil, random.isEmpty, input.inputs.isEmpty else {
        throw ValidationError("--discover looks at --data alone, without --positive or --random")
      }
      if layer?.contains(",") == true { throw ValidationError("--discover takes one layer") }
    } else {
      guard data == nil else { throw ValidationError("--data is for --discover N") }
      guard positive != nil, !random.isEmpty else {
        throw ValidationError("give --positive DIR and --random DIR, or --discover N --data DIR")
      }
      try input.requireInputs()
    }
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    try model.checkMemory()
    if let discover, let data { return try find(discover, in: data, model, console) }
    return try test(model, console)
  }

  // MARK: Testing

  private func test(_ model: Model, _ console: Console) throws -> Status {
    var request = ConceptRequest()
    request.layers = (layer ?? "").split(separator: ",").map(String.init)
    request.targets = target
    request.vector = pooled ? .pooled : .flat
    request.runs = runs
    request.penalty = penalty
    request.seed = seed
    try request.check(for: model)
    let folder = try output.map { try OutputFolder($0) }
    let examples = try ConceptExamples(
      positive: read([positive ?? ""], model, console), random: read(random, model, console),
      inputs: read(input.inputs, model, console))
    let report = try request.report(on: examples, called: positive ?? "", model: model) {
      work("values of \($0)", console)
    }
    console.endProgress()
    let document = report.document
    if let folder {
      try folder.write([
        .init(name: "concepts.json", contents: Array((document.formatted + "\n").utf8)),
        .init(name: "concepts.csv", contents: Array(report.csv.utf8)),
      ])
    }
    return finish(document, report.lines, examples.failures, console)
  }

  // MARK: Finding

  private func find(
    _ count: Int, in data: String, _ model: Model, _ console: Console
  ) throws -> Status {
    var request = DiscoveryRequest(count: count)
    request.layer = layer
    request.targets = target
    request.seed = seed
    try request.check(for: model)
    let folder = try output.map { try OutputFolder($0) }
    let inputs = try read([data], model, console)
    let report = try request.report(
      on: inputs, model: model, work: work("evaluations", console))
    console.endProgress()
    let document = report.document
    if let folder {
      try folder.write([
        .init(name: "concepts.json", contents: Array((document.formatted + "\n").utf8)),
        .init(
          name: "concepts.html", contents: Array(try report.illustrated().page.html().utf8)),
      ])
    }
    return finish(
      document, report.lines + (folder.map { [$0.path(of: "concepts.html")] } ?? []),
      inputs.failures, console)
  }

  // MARK: Common

  private func finish(
    _ document: JSON, _ lines: [String], _ skipped: [(path: String, reason: String)],
    _ console: Console
  ) -> Status {
    if json {
      console.print(document)
    } else {
      for line in lines { console.print(line) }
    }
    for (path, reason) in skipped { console.report(Console.line(reason, about: path)) }
    return skipped.isEmpty ? .done : .someInputsFailed
  }

  private func work(_ name: String, _ console: Console) -> Work {
    Work { console.progress("\($0.done) of \($0.planned) \(name)") }
  }

  private func read(
    _ paths: [String], _ model: Model, _ console: Console
  ) throws -> ExampleFolder {
    let list = InputList(
      paths, kind: model.card.input.audio == nil ? .pictures : .sounds,
      isRecursive: input.recursive)
    if let failure = list.failures.first { throw failure.error }
    return try ExampleFolder(
      paths, files: list.files.map { ExampleFile(path: $0) }, for: model,
      work: work("files read", console))
  }
}
