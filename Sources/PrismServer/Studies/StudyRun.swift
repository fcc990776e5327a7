internal import Prism
internal import PrismReport

/// The work on one study, when its turn has come.
struct StudyRun {
  private let study: Study
  private let platform: Platform
  private let progress: ProgressReport

  init(_ study: Study, platform: Platform, log: EventLog) {
    self.study = study
    self.platform = platform
    progress = ProgressReport(log)
  }

  /// What was found.
  struct Findings: Sendable {
    /// The document, as the command writes it.
    let document: JSON
    /// Pictures and reports.
    var files: [OutputFolder.File] = []
    /// The names of the pictures.
    var pictures: [String] = []
  }

  /// Answers the question.
  ///
  /// - Throws: What the files cannot be used for; `CancellationError` in a cancelled task.
  func callAsFunction() throws -> Findings {
    try Limits.$current.withValue(platform.configuration.limits) {
      switch study.request.question {
      case .examples(let layer, let distance, let count, let prototypes):
        let library = try library(layer ?? study.model.card.layers.default, distance)
        let inputs = try study.folder(.inputs, reading("inputs", 2, of: 3))
        if study.request.sources[.inputs] != nil { try inputs.require(1, for: "a search") }
        let report = try ExamplesReport(
          inputs, among: library, data: study.dataName, count: count, prototypes: prototypes,
          model: study.model, work: reading("prototypes", 3, of: 3))
        return try findings(report.document, report.illustrated())
      case .concept(let request, let name):
        let examples = try ConceptExamples(
          positive: study.folder(.positive, reading("positive", 1, of: 4)),
          random: study.folder(.random, reading("random", 2, of: 4)),
          inputs: study.folder(.inputs, reading("inputs", 3, of: 4)))
        let report = try request.report(on: examples, called: name, model: study.model) { _ in
          evaluating("layer", 4, of: 4)
        }
        return Findings(
          document: report.document,
          files: [.init(name: "report.csv", contents: Array(report.csv.utf8))])
      case .discovery(let request):
        let inputs = try study.folder(.inputs, reading("inputs", 1, of: 2))
        let report = try request.report(
          on: inputs, model: study.model, work: evaluating("concepts", 2, of: 2))
        return try findings(report.document, report.illustrated())
      }
    }
  }

  /// The data as points of a layer's space.
  private func library(
    _ layer: String, _ distance: ExampleSpace.Distance
  ) throws -> ExampleLibrary {
    let key = [
      study.model.file.sha256, study.dataStamp, layer, distance.rawValue, PrismVersion.current,
    ]
    return try platform.libraries.value(key.joined(separator: "\n")) {
      try ExampleLibrary(
        study.samples, layer: layer, distance: distance, model: study.model,
        work: reading("data", 1, of: 3))
    }
  }

  private func findings(_ document: JSON, _ report: IllustratedReport) throws -> Findings {
    var findings = Findings(document: document)
    findings.files = [.init(name: "report.html", contents: Array(try report.page.html().utf8))]
    for (name, image) in report.pictures {
      try Task.checkCancellation()
      findings.pictures.append("\(name).png")
      findings.files.append(.init(name: "\(name).png", contents: try image.pngData()))
    }
    return findings
  }

  /// Watches work that is counted in files, and lets short work overtake it.
  private func reading(_ stage: String, _ number: Int, of count: Int) -> Work {
    progress.begin(stage, number, of: count)
    let (progress, turnstile) = (progress, platform.turnstile)
    return Work {
      progress.report($0)
      turnstile.pass()
    }
  }

  /// Watches work that is counted in evaluations.
  private func evaluating(_ stage: String, _ number: Int, of count: Int) -> Work {
    progress.begin(stage, number, of: count)
    let progress = progress
    return EvaluationMeter(platform) { progress.report($0) }.work
  }
}
