internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ExplainCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show which parts of pictures and sounds a model's predictions rest on.",
    discussion: """
      For an input cat.png and the method gradcam the output folder then holds cat.json, \
      cat.gradcam.png (the map over the picture) and cat.gradcam.npy (the raw map, float32 [H, W] \
      at the model's input size). With several targets the names carry the label. The formats csv, html \
      and pdf hold all methods and targets in one file, cat.html say. For a sound voice.wav the map \
      lies over its spectrogram, voice.json names the evidence in seconds and hertz, and --format wav \
      writes the sound with the evidence alone (.kept.wav) and without it (.removed.wav).
      """)

  @Argument(help: "PNG or JPEG files; WAV, FLAC, Ogg or MP3 for a model that listens.") var inputs:
    [String] = []

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var model: String?

  @OptionGroup var method: MethodOptions

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"))
  var output: String?

  @Option(
    name: .customLong("format"),
    help: ArgumentHelp("What to write, separated by commas.", valueName: "formats"))
  var formats = CommaSeparated<ResultFormat>([.png, .npy, .json])

  @OptionGroup var catalog: ModelCatalog
  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the JSON document instead of a summary.") var json = false

  func validate() throws {
    if method.isListing { return }
    guard !inputs.isEmpty else { throw ValidationError("Missing expected argument '<inputs> ...'") }
    guard model != nil else { throw ValidationError("Missing expected argument '--model <model>'") }
    guard output != nil else {
      throw ValidationError("Missing expected argument '--output <dir>'")
    }
  }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    if method.isListing { return try list(console) }
    guard let name = model, let output else { return .wrongUsage }
    let model = try catalog.model(name)
    // The digest for the document is computed beside everything else.
    if json || formats.elements.contains(.json) { model.file.mapping.beginHashing() }
    let isSound = model.card.input.audio != nil
    if formats.elements.contains(.wav), !isSound { throw InputKindError.noSound(model: name) }
    if isSound, let report = formats.elements.first(where: { $0.shared != nil }) {
      throw InputKindError.report(report, model: name)
    }
    let explainers = try method.explainers(for: model)
    let folder = try OutputFolder(output)
    var names = UniqueNames()
    var documents: [JSON] = []
    let status = Batch(console).forEach(inputs) { input in
      let stem = names.name(forStemOf: input)
      let document =
        isSound
        ? try explainSound(input, named: stem, with: model, explainers, into: folder)
        : try explain(input, named: stem, with: model, explainers, into: folder)
      if json {
        documents.append(document.json)
      } else {
        summarize(document, in: output, console)
      }
    }
    if json { console.print(ExplanationDocument.formatted(documents, of: inputs)) }
    return status
  }

  private func list(_ console: Console) throws -> Status {
    let list = MethodList(for: try model.map(catalog.model), layer: method.layer)
    if json {
      console.print(list.json.formatted)
    } else {
      for line in list.lines { console.print(line) }
    }
    return .done
  }

  /// Explains one input and writes its files, all or none of them.
  private func explain(
    _ input: String, named stem: String, with model: Model, _ explainers: [any Explainer],
    into folder: OutputFolder
  ) throws -> ExplanationDocument {
    let image = try Image(contentsOf: input)
    var explained = model.explained(image)
    let prediction = try model.predict(&explained)
    let targets = try method.targets(of: prediction, for: model)

    var files: [OutputFolder.File] = []
    var entries: [ExplanationDocument.Entry] = []
    var methods: [[Explanation]] = []
    for explainer in explainers {
      let explanations = try model.explain(
        explained, with: explainer, targets: targets, batch: method.batch)
      methods.append(explanations)
      var labels = UniqueNames()
      for explanation in explanations {
        let label = targets.count > 1 ? "." + labels.name(for: explanation.target.label) : ""
        let name = "\(stem).\(explanation.method)\(label)"
        var written: [(ResultFormat, String)] = []
        for format in formats.elements where format == .png || format == .npy {
          let file = "\(name).\(format.rawValue)"
          let contents =
            format == .png
            ? try explanation.overlay(
              on: image, title: input.split(separator: "/").last.map(String.init) ?? input
            ).pngData() : ArrayFile.data(explanation.values)
          files.append(.init(name: file, contents: contents))
          written.append((format, file))
        }
        entries.append(.init(explanation: explanation, files: written))
      }
    }
    let report = ComparisonReport(
      Comparison(image: image, prediction: prediction, explanations: methods), input: input,
      model: model)
    for format in formats.elements.compactMap(\.shared) {
      files.append(
        .init(name: "\(stem).\(format.rawValue)", contents: try report.data(format)))
    }
    let document = ExplanationDocument(
      input: input, model: model, prediction: prediction, explanations: entries)
    if formats.elements.contains(.json) {
      files.append(
        .init(name: "\(stem).json", contents: Array((document.json.formatted + "\n").utf8)))
    }
    try folder.write(files)
    return document
  }

  private func summarize(_ document: ExplanationDocument, in output: String, _ console: Console) {
    console.print("\(document.input):")
    for line in document.prediction.summary { console.print("  " + line) }
    for entry in document.explanations {
      let explanation = entry.explanation
      let shown = entry.files.map { "\(output)/\($0.name)" }.joined(separator: ", ")
      console.print("  \(explanation.method) for \(explanation.target.label): \(shown)")
      for line in explanation.facts + (entry.evidence?.lines ?? []) {
        console.print("    \(line)")
      }
    }
  }
}
