internal import Prism

/// The files and the document of an explained input: a map a method and label, and what holds all
/// of them.
struct ExplanationReport {
  /// Which of the maps.
  struct Place: Hashable {
    let method: Int
    let view: Int
    let label: String
  }

  /// What is made of a map.
  struct Made {
    let files: [OutputFolder.File]
    let json: JSON
    let section: InputResults.Section
    let map: InputResults.Map
  }

  private let findings: Findings
  private let pipeline: ExplanationPipeline
  private let stem: String

  init(_ findings: Findings, pipeline: ExplanationPipeline, stem: String) {
    self.findings = findings
    self.pipeline = pipeline
    self.stem = stem
  }

  private var scene: ExplanationPipeline.Scene { findings.scene }
  private var formats: [ResultFormat] { pipeline.request.formats }
  private var source: String { ReportInput.shortened(scene.input.path) }

  /// Everything that is known.
  ///
  /// - Parameters:
  ///   - count: How many of the methods are finished; what holds all of them is made when all are,
  ///     and a document names those that are not.
  ///   - known: What earlier calls have made, so that nothing is drawn twice.
  /// - Returns: The document, the files and the lines for the console.
  /// - Throws: `ImageError` where a figure cannot be drawn; `SoundError` where a sound cannot be
  ///   written.
  func results(ofFirst count: Int, made known: inout [Place: Made]) throws -> InputResults {
    let unfinished = pipeline.methods[count...].map(\.explainer.name)
    var files: [OutputFolder.File] = []
    var entries: [JSON] = []
    var sections: [InputResults.Section] = []
    var maps: [InputResults.Map] = []
    for number in pipeline.methods.indices {
      for (index, view) in scene.views.enumerated() {
        guard let finding = findings.views[index].first(where: { $0.method == number }) else {
          continue
        }
        var labels = UniqueNames()
        for (explanation, evidence) in zip(finding.explanations, finding.evidence) {
          let label = labels.name(for: explanation.target.label)
          let place = Place(method: number, view: index, label: label)
          let made = try known[place] ?? make(explanation, evidence, view: view, label: label)
          known[place] = made
          files += made.files
          entries.append(made.json)
          sections.append(made.section)
          maps.append(made.map)
        }
      }
    }
    if unfinished.isEmpty { files += try sharedFiles() }
    let document = try document(entries, unfinished: unfinished, files: files.map(\.name))
    files.append(
      .init(
        name: pipeline.documentName(stem), contents: Array((document.formatted + "\n").utf8)))
    return InputResults(
      document: document, files: files,
      summary: scene.prediction.summary + (scene.hearing?.lines ?? [])
        + (scene.picture?.summary ?? []),
      sections: sections, failures: findings.failures, maps: maps)
  }

  private func make(
    _ explanation: Explanation, _ evidence: FoundEvidence?, view: ExplainedView, label: String
  ) throws -> Made {
    let name =
      "\(stem).\(explanation.method)" + (scene.labels.count > 1 ? ".\(label)" : "")
      + (scene.hasSeveralWindows ? view.suffix : "")
    let regions = view.regions(of: explanation)
    var files: [OutputFolder.File] = []
    var members: [JSON.Member] = []
    func add(_ contents: [UInt8], _ format: ResultFormat) {
      let file = "\(name).\(format.rawValue)"
      files.append(.init(name: file, contents: contents))
      members.append(.init(name: format.rawValue, value: .string(file)))
    }
    for format in formats {
      switch format {
      case .png:
        let image =
          try evidence?.explanation.overlay(title: source, outline: view.outline)
          ?? explanation.overlay(
            on: view.picture, title: source,
            regions: pipeline.request.showsRegions ? regions ?? [] : [],
            notes: scene.picture?.note ?? [])
        add(try image.pngData(), format)
      case .npy: add(ArrayFile.data(explanation.values), format)
      case .json, .csv, .html, .pdf, .wav: break
      }
    }
    var sounds: [String?] = [nil, nil]
    if formats.contains(.wav), let found = evidence?.explanation {
      for (i, part) in [("kept", found.kept), ("removed", found.removed)].enumerated() {
        let file = "\(name).\(part.0).wav"
        files.append(.init(name: file, contents: try part.1.wavData()))
        sounds[i] = file
      }
    }
    let record = evidence.map {
      SoundEvidence(
        explanation: $0.explanation, kept: ($0.kept, sounds[0]), removed: ($0.removed, sounds[1]))
    }
    let json = JSON.object(
      explanation.members(window: view.times, regions: regions)
        + [.init(name: "files", value: .object(members))]
        + (record.map { [.init(name: "evidence", value: $0.json)] } ?? []))
    let title =
      "\(explanation.method) for \(explanation.target.label)"
      + (view.name.map {
        ", \($0), probability \(NumberText.percent(explanation.target.probability))"
      } ?? "")
    return Made(
      files: files, json: json,
      section: InputResults.Section(
        title: title, files: files.map(\.name),
        lines: explanation.facts + (record?.lines ?? []) + (regions?.prefix(1).map(\.line) ?? [])),
      map: InputResults.Map(
        method: explanation.method, target: explanation.target, window: view.times,
        evaluations: explanation.attribution.evaluations, values: explanation.values))
  }

  /// A table of all maps, and for every view a page and a figure.
  private func sharedFiles() throws -> [OutputFolder.File] {
    guard formats.contains(where: \.isShared) else { return [] }
    let comparisons = scene.views.indices.map { index in
      Comparison(
        image: scene.views[index].picture, prediction: scene.views[index].prediction,
        explanations: findings.views[index].map(\.explanations))
    }
    return try ComparisonReport(
      findings, comparisons: comparisons, pipeline: pipeline, stem: stem
    ).files(formats.filter(\.isShared), named: stem)
  }

  private func document(
    _ entries: [JSON], unfinished: [String], files: [String]
  ) throws -> JSON {
    .object(
      InputDocument.members(
        scene.input, pipeline.model, scene.prediction, scene.hearing, scene.picture)
        + [
          .init(name: "key", value: .string(try pipeline.key(for: scene.input))),
          .init(name: "seed", value: .integer(Int(clamping: pipeline.request.seed))),
          .init(name: "explanations", value: .array(entries)),
          .init(name: "failures", value: .array(findings.failures.map(\.json))),
        ]
        + (unfinished.isEmpty
          ? [] : [.init(name: "unfinished", value: .array(unfinished.map(JSON.string)))])
        + [.init(name: "files", value: .array(files.map(JSON.string)))])
  }
}
