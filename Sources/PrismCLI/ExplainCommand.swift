internal import ArgumentParser
internal import Prism

struct ExplainCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show which parts of pictures a model's predictions rest on.",
    discussion: """
      For an input cat.png and the method gradcam the output folder then holds cat.json, \
      cat.gradcam.png (the map over the picture) and cat.gradcam.npy (the raw map, float32 [H, W] \
      at the model's input size). With several targets the names carry the label.
      """)

  @Argument(help: "PNG or JPEG files.") var inputs: [String]

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var model: String

  @Option(
    name: .customLong("method"),
    help: ArgumentHelp("The methods, separated by commas.", valueName: "methods"))
  var methods = CommaSeparated<Method>([.gradcam])

  @Option(
    help: ArgumentHelp(
      "What to explain: a label, an index, top, top3, above-threshold or all.",
      valueName: "target"))
  var target = "top"

  @Option(
    help: ArgumentHelp(
      "The layer that CAM methods look at; `prism layers` lists them. (default: the model's)",
      valueName: "name"))
  var layer: String?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"))
  var output: String

  @Option(
    name: .customLong("format"),
    help: ArgumentHelp("What to write, separated by commas.", valueName: "formats"))
  var formats = CommaSeparated<Format>([.png, .npy, .json])

  @OptionGroup var catalog: ModelCatalog
  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the JSON document instead of a summary.") var json = false

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let model = try catalog.model(self.model)
    // The digest for the document is computed beside everything else.
    if json || formats.elements.contains(.json) { model.file.mapping.beginHashing() }
    let folder = try OutputFolder(output)
    var names = UniqueNames()
    var documents: [JSON] = []
    let status = Batch(console).forEach(inputs) { input in
      let stem = names.name(forStemOf: input)
      let document = try explain(input, named: stem, with: model, into: folder)
      if json { documents.append(document.json) } else { summarize(document, console) }
    }
    if json { console.print(Document.formatted(documents, of: inputs)) }
    return status
  }

  /// Explains one input and writes its files, all or none of them.
  private func explain(
    _ input: String, named stem: String, with model: Model, into folder: OutputFolder
  ) throws -> Document {
    let image = try Image(contentsOf: input)
    let explained = model.explained(image)
    let prediction = try model.predict(explained)
    let targets = try Target.entries(target, of: prediction)

    var files: [OutputFolder.File] = []
    var entries: [Document.Entry] = []
    for method in methods.elements {
      let explanations = try model.explain(
        explained, with: method.explainer(layer: layer), targets: targets)
      var labels = UniqueNames()
      for explanation in explanations {
        let label = targets.count > 1 ? "." + labels.name(for: explanation.target.label) : ""
        let name = "\(stem).\(method.rawValue)\(label)"
        var written: [(Format, String)] = []
        for format in formats.elements where format != .json {
          let file = "\(name).\(format.rawValue)"
          let contents =
            format == .png
            ? try explanation.overlay(on: image).pngData() : ArrayFile.data(explanation.values)
          files.append(.init(name: file, contents: contents))
          written.append((format, file))
        }
        entries.append(.init(explanation: explanation, files: written))
      }
    }
    let document = Document(
      input: input, model: model, prediction: prediction, explanations: entries)
    if formats.elements.contains(.json) {
      files.append(
        .init(name: "\(stem).json", contents: Array((document.json.formatted + "\n").utf8)))
    }
    try folder.write(files)
    return document
  }

  private func summarize(_ document: Document, _ console: Console) {
    console.print("\(document.input):")
    for line in summary(of: document.prediction) { console.print("  " + line) }
    for entry in document.explanations {
      let explanation = entry.explanation
      let shown = entry.files.map { "\(output)/\($0.name)" }.joined(separator: ", ")
      console.print("  \(explanation.method) for \(explanation.target.label): \(shown)")
      for diagnostic in explanation.attribution.diagnostics { console.print("    \(diagnostic)") }
    }
  }
}
