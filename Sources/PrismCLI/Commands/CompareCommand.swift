internal import ArgumentParser
internal import Prism

struct CompareCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Lay several methods' explanations of pictures side by side, and judge them.",
    discussion: """
      For an input cat.png the output folder then holds cat.compare.png, .pdf, .html (values under \
      the pointer, a slider for the overlay), .csv (all figures) and .json; with several inputs also \
      index.html. Inputs that a former run has finished with the same model and options are skipped.
      """)

  @OptionGroup var input: InputOptions

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String

  @OptionGroup var method: MethodOptions

  @Option(
    help: ArgumentHelp(
      """
      The region that is known to be right, as .npy or .png at the network's input size, not zero \
      (not black) inside: shows each map's share of positive attribution in it, and whether the \
      maximum lies there.
      """, valueName: "file"))
  var truth: String?

  @Flag(
    help: """
      Also randomise the network's layers from the top and show how fast each map falls apart; a \
      method whose map stays tells nothing about the network.
      """) var sanity = false

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"),
    completion: .directory)
  var output = "out"

  @Option(
    name: .customLong("format"),
    help: ArgumentHelp("What to write besides the JSON document.", valueName: "formats"))
  var formats = CommaSeparated<ComparisonFormat>(ComparisonFormat.allCases)

  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the JSON documents instead of a summary.") var json = false

  func validate() throws {
    try input.requireInputs()
    if method.isListing { throw ValidationError("`prism explain --method list` lists the methods") }
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    guard model.card.input.audio == nil else {
      throw InputKindError.comparison(model: self.model)
    }
    let explainers = try method.explainers(for: model)
    let truth = try truth.map { try region(contentsOf: $0, for: model) }
    let folder = try OutputFolder(output)
    let inputs = input.list(for: model)
    var names = UniqueNames()
    let stems = Dictionary(
      inputs.files.map { ($0, names.name(forStemOf: $0) + ".compare") },
      uniquingKeysWith: { first, _ in first })
    var entries: [IndexPage.Entry] = []
    var documents: [JSON] = []
    let status = Batch(console).forEach(inputs) { [self] input, running in
      try compare(
        input, named: stems[input] ?? input, with: model, explainers, truth, in: folder, running)
    } finish: { input, results in
      try folder.write(results.files)
      entries.append(
        IndexPage.Entry(
          stem: stems[input] ?? input, document: results.document, formats: formats.elements))
      if json {
        documents.append(results.document)
      } else {
        for line in results.lines { console.print(line) }
      }
    }
    if inputs.files.count > 1, !entries.isEmpty {
      let page = IndexPage(
        model: model.card.name, entries: entries, failures: inputs.files.count - entries.count)
      try folder.write([.init(name: "index.html", contents: Array(page.html.utf8))])
      if !json { console.print("\(output)/index.html") }
    }
    if json { console.print(Document.formatted(documents, of: inputs.files)) }
    return status
  }

  /// What is written and printed of a comparison.
  private struct Results: Sendable {
    let document: JSON
    var files: [OutputFolder.File] = []
    var lines: [String] = []
  }

  /// Compares the methods on one input and makes the files, unless they are there.
  private func compare(
    _ input: String, named stem: String, with model: Model, _ explainers: [any Explainer],
    _ truth: Tensor?, in folder: OutputFolder, _ running: Running<Results>
  ) throws -> Results {
    let bytes = try Files.read(input)
    let image = try Image(decoding: bytes, name: input)
    let key = key(of: bytes, model, explainers, truth)
    let files = formats.elements.map { "\(stem).\($0.rawValue)" }
    let document = "\(stem).json"
    if let text = folder.text(of: document), let done = try? JSONReader.parse(text),
      done["key"] == .string(key), files.allSatisfy(folder.holds)
    {
      return Results(document: done, lines: ["\(input): done before, \(output)/\(document)"])
    }
    let prediction = try model.predict(image)
    let targets = try method.targets(of: prediction, for: model)
    let comparison = try model.compare(
      image, with: explainers, targets: targets, batch: method.batch, truth: truth,
      sanity: sanity ? ParameterRandomization(seed: method.seed) : nil, work: running.work)
    let report = ComparisonReport(
      comparison, input: input, model: model, files: files, key: key)
    var contents: [OutputFolder.File] = []
    for (format, name) in zip(formats.elements, files) {
      contents.append(.init(name: name, contents: try report.data(format)))
    }
    let json = report.json
    contents.append(.init(name: document, contents: Array((json.formatted + "\n").utf8)))
    let written = (files + [document]).map { "\(output)/\($0)" }.joined(separator: ", ")
    return Results(
      document: json, files: contents,
      lines: ["\(input):"] + (report.lines + [written]).map { "  " + $0 })
  }

  /// Where a map ought to be, 1 inside.
  private func region(contentsOf path: String, for model: Model) throws -> Tensor {
    let (height, width) = (model.card.input.image.height, model.card.input.image.width)
    let map = try LabelMap(contentsOf: path, height: height, width: width)
    guard map.numbers.contains(where: { $0 != 0 }) else {
      throw MethodError.labelFile(path, reason: "marks no region: all of it is zero")
    }
    return Tensor([height, width], map.numbers.map { $0 != 0 ? 1 : 0 })
  }

  /// What the results depend on.
  private func key(
    of input: [UInt8], _ model: Model, _ explainers: [any Explainer], _ truth: Tensor?
  ) -> String {
    let region = truth?.scalars.map { $0 != 0 ? "1" : "0" }.joined() ?? ""
    let methods = explainers.map { "\($0.name) \($0.parameters)" }.joined(separator: "; ")
    let text =
      "\(Root.version); \(model.file.sha256); \(SHA256.hexadecimalDigest(of: input)); \(methods); "
      + "\(method.target ?? ""); \(method.segments ?? ""); \(sanity ? "sanity \(method.seed)" : ""); "
      + region
    return SHA256.hexadecimalDigest(of: Array(text.utf8))
  }
}

/// What is written of a comparison besides its document.
enum ComparisonFormat: String, CaseIterable {
  case png, html, pdf, csv
}
