internal import ArgumentParser
internal import Prism

struct ExplainCommand: Subcommand {
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
      figures), cat.gradcam.png (the map over the picture) and cat.gradcam.npy (the raw map, \
      float32 [H, W] at the model's input size). With several targets the names carry the label: \
      cat.gradcam.pug.png. The formats csv, html and pdf hold all methods and targets in one file, \
      such as cat.html.

      For a sound voice.wav the map lies over its spectrogram, voice.json names the evidence in \
      seconds and hertz, and --format wav writes the sound with the evidence alone (.kept.wav) and \
      without it (.removed.wav).

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

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder for the results, made if missing.", valueName: "dir"),
    completion: .directory)
  var output = "out"

  @Option(
    name: .customLong("format"),
    help: ArgumentHelp(
      "What to write, separated by commas; csv, html and pdf for pictures, wav for sounds.",
      valueName: "formats"))
  var formats = CommaSeparated<Format>([.png, .npy, .json])

  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions

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
    let inputs = input.list(for: model)
    var names = UniqueNames()
    let stems = Dictionary(
      inputs.files.map { ($0, names.name(forStemOf: $0)) }, uniquingKeysWith: { first, _ in first })
    var documents: [JSON] = []
    let status = Batch(console).forEach(inputs) { [self] input, running in
      let stem = stems[input] ?? input
      return isSound
        ? try explainSound(input, named: stem, with: model, explainers, running)
        : try explain(input, named: stem, with: model, explainers, running)
    } finish: { _, results in
      try folder.write(results.files)
      if json {
        documents.append(results.document.json)
      } else {
        summarize(results, in: output, console)
      }
    }
    if json { console.print(Document.formatted(documents, of: inputs.files)) }
    return status
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

  /// Explains one input and makes its files.
  private func explain(
    _ input: String, named stem: String, with model: Model, _ explainers: [any Explainer],
    _ running: Running<ExplanationResults>
  ) throws -> ExplanationResults {
    let image = try Image(contentsOf: input)
    var explained = model.explained(image)
    let prediction = try model.predict(&explained)
    let targets = try method.targets(of: prediction, for: model)

    var files: [OutputFolder.File] = []
    var entries: [Document.Entry] = []
    var methods: [[Explanation]] = []
    for (index, explainer) in explainers.enumerated() {
      running.stage(explainer.name, index + 1, of: explainers.count)
      let explanations = try model.explain(
        explained, with: explainer, targets: targets, batch: method.batch, work: running.work)
      methods.append(explanations)
      var labels = UniqueNames()
      for explanation in explanations {
        let label = targets.count > 1 ? "." + labels.name(for: explanation.target.label) : ""
        let name = "\(stem).\(explanation.method)\(label)"
        var written: [(Format, String)] = []
        for format in formats.elements where format == .png || format == .npy {
          let file = "\(name).\(format.rawValue)"
          let contents =
            format == .png
            ? try explanation.overlay(on: image).pngData() : ArrayFile.data(explanation.values)
          files.append(.init(name: file, contents: contents))
          written.append((format, file))
        }
        entries.append(.init(explanation: explanation, files: written))
      }
      let document = Document(
        input: input, model: model, prediction: prediction, explanations: entries)
      running.keep(
        ExplanationResults(
          document: document, files: files, named: stem, formats: formats.elements))
    }
    let report = ComparisonReport(
      Comparison(image: image, prediction: prediction, explanations: methods), input: input,
      model: model)
    for format in formats.elements.compactMap(\.shared) {
      files.append(
        .init(name: "\(stem).\(format.rawValue)", contents: try report.data(format)))
    }
    let document = Document(
      input: input, model: model, prediction: prediction, explanations: entries)
    return ExplanationResults(
      document: document, files: files, named: stem, formats: formats.elements)
  }

  private func summarize(_ results: ExplanationResults, in output: String, _ console: Console) {
    let document = results.document
    console.print("\(document.input):")
    for line in summary(of: document.prediction) { console.print("  " + line) }
    for entry in document.explanations {
      let explanation = entry.explanation
      let shown = entry.files.map { "\(output)/\($0.name)" }.joined(separator: ", ")
      console.print("  \(explanation.method) for \(explanation.target.label): \(shown)")
      for line in explanation.facts + (entry.evidence?.lines ?? []) {
        console.print("    \(line)")
      }
    }
    let named = Set(document.explanations.flatMap { $0.files.map(\.name) })
    for name in results.names where !named.contains(name) {
      console.print("  \(output)/\(name)")
    }
  }
}

/// What is known about an input after some of the methods, or all of them: its document, and its files as they are written.
struct ExplanationResults: Sendable {
  let document: Document
  let files: [OutputFolder.File]

  /// - Parameters:
  ///   - document: The document.
  ///   - files: All files but that of the document.
  ///   - stem: How the file of the document begins.
  ///   - formats: What is written.
  init(document: Document, files: [OutputFolder.File], named stem: String, formats: [Format]) {
    self.document = document
    guard formats.contains(.json) else {
      self.files = files
      return
    }
    let text = document.json.formatted + "\n"
    self.files = files + [.init(name: "\(stem).json", contents: Array(text.utf8))]
  }

  /// The names of the files.
  var names: [String] { files.map(\.name) }
}

/// What is written for an explanation.
enum Format: String, CaseIterable {
  case png, npy, json, csv, html, pdf
  /// The sound with the evidence alone, and without it.
  case wav

  /// The format of one file for all methods and targets, or `nil` for what each has by itself.
  var shared: ComparisonFormat? {
    switch self {
    case .csv: .csv
    case .html: .html
    case .pdf: .pdf
    case .png, .npy, .json, .wav: nil
    }
  }
}

extension Explanation {
  /// What a reader of the map should know, a line each: how the sum closes, how good the fit is, and notes.
  var facts: [String] {
    var facts: [String] = []
    if let base = attribution.baseValue, let gap = attribution.completenessGap {
      let sum = target.logit - base - gap
      facts.append(
        "base value \(base.rounded(to: 4)) + sum \(sum.rounded(to: 4)) = "
          + "\((base + sum).rounded(to: 4)), gap \(gap.rounded(to: 2))")
    }
    if let score = attribution.score { facts.append("R² of the fit \(score.rounded(to: 4))") }
    return facts + attribution.diagnostics
  }
}

extension Double {
  /// The number with so many significant digits.
  func rounded(to digits: Int) -> String {
    guard isFinite, self != 0 else { return "\(self)" }
    var exponent = 0
    var magnitude = abs(self)
    while magnitude >= 10 { magnitude /= 10; exponent += 1 }
    while magnitude < 1 { magnitude *= 10; exponent -= 1 }
    var scale = 1.0
    for _ in 0..<abs(digits - 1 - exponent) { scale *= 10 }
    let value =
      exponent > digits - 1 ? (self / scale).rounded() * scale : (self * scale).rounded() / scale
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }
}
