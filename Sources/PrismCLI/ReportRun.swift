internal import Prism
internal import PrismReport

/// Explanations or comparisons of several inputs: what a pipeline makes of each is written and
/// told.
struct ReportRun {
  private let pipeline: ExplanationPipeline
  private let inputs: InputList
  private let folder: OutputFolder
  private let console: Console
  private let printsDocuments: Bool
  private let ahead: ReadAhead

  /// - Parameters:
  ///   - request: What is asked for.
  ///   - model: The model.
  ///   - inputs: The inputs.
  ///   - ahead: Reads the inputs, perhaps the first of them already.
  ///   - output: The folder for the results, made if missing.
  ///   - printsDocuments: Whether the documents are printed instead of a summary.
  ///   - console: Where it is told.
  /// - Throws: What does not fit the model or the inputs, before any of them is read.
  init(
    _ request: ExplanationRequest, model: Model, inputs: InputList, ahead: ReadAhead,
    output: String, printsDocuments: Bool, console: Console
  ) throws {
    let truths = try request.truth.map {
      try TruthMasks($0, for: inputs.files, labels: model.labels)
    }
    pipeline = try ExplanationPipeline(request, model: model, truths: truths)
    folder = try OutputFolder(output)
    self.inputs = inputs
    self.ahead = ahead
    self.console = console
    self.printsDocuments = printsDocuments
  }

  /// What became of an input.
  private enum Outcome: Sendable {
    case made(InputResults)
    /// A former run has finished it.
    case found(JSON, name: String)
  }

  /// Works on all inputs.
  ///
  /// - Parameters:
  ///   - skipsFinished: Whether inputs that a former run has finished are left as they are.
  ///   - finish: Is called when all is done.
  /// - Returns: How the process ends.
  /// - Throws: What `finish` throws.
  func callAsFunction(skipsFinished: Bool, finish: (OutputFolder) throws -> Void = { _ in }) throws
    -> Status
  {
    let stems = folder.stems(for: inputs.files)
    let (pipeline, folder, ahead) = (pipeline, folder, ahead)
    // Only what is printed at the end is held until then.
    var documents: [JSON] = []
    var isEmpty = true
    var hasFailures = false
    let status = Batch(console, abreast: pipeline.abreast()).forEach(inputs) {
      path, following, running -> Outcome in
      let stem = stems[PathKey(path)] ?? path
      let input = try ahead.take(path, following: following)
      let name = pipeline.documentName(stem)
      if skipsFinished, let done = folder.finished(name, key: try pipeline.key(for: input)) {
        return .found(done, name: name)
      }
      return .made(
        try pipeline(
          input, named: stem, work: running.work,
          stage: { running.stage($0, $1, of: $2) }, keep: { running.keep(.made($0)) }))
    } finish: { path, outcome in
      switch outcome {
      case .found(let document, let name):
        isEmpty = false
        if printsDocuments {
          documents.append(document)
        } else {
          console.print("\(path): done before, \(folder.path(of: name))")
        }
      case .made(let results):
        try folder.write(results.files)
        isEmpty = false
        if printsDocuments { documents.append(results.document) }
        for failure in results.failures { console.report("prism: \(path): \(failure.line)") }
        hasFailures = hasFailures || !results.failures.isEmpty
        if !printsDocuments { tell(results, of: path) }
      }
    }
    if !isEmpty { try finish(folder) }
    if printsDocuments { console.print(InputDocument.all(documents)) }
    return status == .done && hasFailures ? .someInputsFailed : status
  }

  private func tell(_ results: InputResults, of path: String) {
    console.print("\(path):")
    for line in results.summary { console.print("  " + line) }
    func paths(_ names: [String]) -> String {
      names.map(folder.path(of:)).joined(separator: ", ")
    }
    for section in results.sections {
      let files = section.files.isEmpty ? "" : ": \(paths(section.files))"
      console.print("  \(section.title)\(files)")
      for line in section.lines { console.print("    \(line)") }
    }
    console.print("  " + paths(results.otherFiles))
  }
}
