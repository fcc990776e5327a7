internal import Prism

/// A comparison for people and programs: as figures, as tables, as a document.
///
/// A sound has a figure a window; its table and document hold all windows.
struct ComparisonReport {
  private let findings: Findings
  private let comparisons: [Comparison]
  private let pipeline: ExplanationPipeline
  private let stem: String

  /// - Parameters:
  ///   - findings: What the methods have found.
  ///   - comparisons: The maps of every view, judged or not.
  ///   - pipeline: How they were made.
  ///   - stem: How the names of the input's files begin.
  init(
    _ findings: Findings, comparisons: [Comparison], pipeline: ExplanationPipeline, stem: String
  ) {
    self.findings = findings
    self.comparisons = comparisons
    self.pipeline = pipeline
    self.stem = stem
  }

  private var scene: ExplanationPipeline.Scene { findings.scene }

  /// The indices of the views of which there are maps.
  private var shown: [Int] { comparisons.indices.filter { !comparisons[$0].explanations.isEmpty } }

  /// Everything that is known.
  func results() throws -> InputResults {
    var files = try files(pipeline.request.formats, named: "\(stem).compare")
    let document = try document(files: files.map(\.name))
    files.append(
      .init(
        name: pipeline.documentName(stem), contents: Array((document.formatted + "\n").utf8)))
    return InputResults(
      document: document, files: files,
      summary: (scene.picture?.summary ?? []) + shown.flatMap(lines), sections: [],
      failures: findings.failures)
  }

  /// The files of some formats.
  ///
  /// - Parameters:
  ///   - formats: The formats; those that comparisons do not have give nothing.
  ///   - name: How the files' names begin.
  /// - Returns: The files, each with its name and contents.
  /// - Throws: `ImageError` where a figure cannot be drawn.
  func files(_ formats: [ResultFormat], named name: String) throws -> [OutputFolder.File] {
    var files: [OutputFolder.File] = []
    for format in formats {
      if format == .csv {
        files.append(.init(name: "\(name).csv", contents: Array(csv.utf8)))
        if scene.picture != nil {
          files.append(.init(name: "\(name).regions.csv", contents: Array(regionsCSV.utf8)))
        }
      }
      for view in shown {
        let contents: [UInt8]
        switch format {
        case .png: contents = try figure(view).rendered().pngData()
        case .pdf: contents = try figure(view).pdfData()
        case .html: contents = Array(try figure(view).html().utf8)
        case .csv, .npy, .json, .wav: continue
        }
        let suffix = comparisons.count > 1 ? scene.views[view].suffix : ""
        files.append(.init(name: "\(name)\(suffix).\(format.rawValue)", contents: contents))
      }
    }
    return files
  }

  // MARK: The figure

  private func figure(_ index: Int) -> ComparisonFigure {
    let (view, comparison) = (scene.views[index], comparisons[index])
    let methods = comparison.explanations
    let targets = comparison.targets
    let rows = targets.indices.map { t in
      ComparisonFigure.Row(
        label: targets[t].label, probability: targets[t].probability,
        cells: methods.map { cell($0[t], view) })
    }
    let path = scene.input.path
    let model = pipeline.model.card
    let context = scene.hearing.map { hearing in
      let whole = hearing.judged.map {
        let top = hearing.prediction.top
        return "; the recording: \(top.label) \(Text.percent(top.probability)), \($0)"
      }
      let window = view.name.map { "probabilities and maps are those of the window \($0)" }
      return (whole == nil ? [] : [(window ?? "") + (whole ?? "")]) + hearing.notes
    }
    return ComparisonFigure(
      image: view.picture, title: path.split(separator: "/").last.map(String.init) ?? path,
      subtitle:
        "\(ReportInput.shortened(path)) · \(model.name) (\(model.architecture.rawValue))",
      columns: methods.compactMap { $0.first?.title }, rows: rows,
      tables: tables(index),
      notes: (context ?? []) + (scene.picture?.note ?? []) + notes(methods),
      units: methods.compactMap { $0.first?.mapUnit }, axes: view.axes, outline: view.outline,
      area: methods.first?.first?.area(of: view.picture) ?? .whole)
  }

  private func cell(_ explanation: Explanation, _ view: ExplainedView) -> ComparisonFigure.Cell {
    let attribution = explanation.attribution
    return ComparisonFigure.Cell(
      map: view.upright(explanation.values),
      captions: [
        "\(Text.duration(explanation.seconds)) · \(attribution.evaluations) "
          + (attribution.evaluations == 1 ? "evaluation" : "evaluations")
      ],
      segments: attribution.segments.map { view.upright($0.segmentation) },
      regions: pipeline.request.showsRegions ? view.regions(of: explanation) ?? [] : [])
  }

  /// What a reader has to know; what is the same for all labels is said once.
  private func notes(_ methods: [[Explanation]]) -> [String] {
    let notes = methods.flatMap { explanations in
      let all = explanations.map(\.attribution.diagnostics)
      let common =
        all.first.map { first in first.filter { line in all.allSatisfy { $0.contains(line) } } }
        ?? []
      return common.map { "\(explanations.first?.title ?? ""): \($0)" }
        + zip(explanations, all).flatMap { explanation, lines in
          lines.filter { !common.contains($0) }
            .map { "\(explanation.title), \(explanation.target.label): \($0)" }
        }
    }
    let failures = findings.failures.map { "failed: \($0.line)" }
    let limit = 6
    guard notes.count > limit else { return failures + notes }
    return failures + notes.prefix(limit - 1)
      + ["and \(notes.count - limit + 1) more notes in the document"]
  }

  private func tables(_ index: Int) -> [ComparisonFigure.Table] {
    let comparison = comparisons[index]
    let methods = comparison.explanations
    var tables: [ComparisonFigure.Table] = []
    let titles = methods.compactMap { $0.first?.title }
    for (t, target) in comparison.targets.enumerated() where !comparison.judgements.isEmpty {
      tables.append(Measures.table(of: comparison, target: t))
      if methods.count > 1 {
        tables.append(
          ComparisonFigure.Table(
            title: "Agreement for \(target.label): rank correlation / overlap of the top tenth",
            header: [""] + titles,
            rows: methods.indices.map { a in
              [titles[a]]
                + methods.indices.map { b in
                  let agreement = comparison.agreements[t][a][b]
                  return a == b
                    ? "1"
                    : NumberText.measure(agreement.rankCorrelation) + " / "
                      + NumberText.measure(agreement.topOverlap)
                }
            }))
      }
    }
    if let sanity = comparison.sanity, let target = comparison.targets.first,
      let stages = sanity.compactMap({ $0 }).first?.stages
    {
      tables.append(
        ComparisonFigure.Table(
          title: "Likeness to the first map after so many layers are randomised, \(target.label)",
          header: ["method"] + stages.map { "\($0.layers)" } + ["mean", "verdict"],
          rows: methods.indices.map { m in
            [titles[m]]
              + (sanity[m].map { result in
                result.stages.map { NumberText.measure($0.correlation) }
                  + [NumberText.measure(result.mean), result.isPassed ? "passed" : "failed"]
              } ?? stages.map { _ in "–" } + ["–", "blank"])
          }))
    }
    return tables
  }

  // MARK: Text

  /// A summary for the terminal.
  private func lines(_ index: Int) -> [String] {
    let view = scene.views[index].name.map { ["\($0):"] } ?? []
    let tables = tables(index).flatMap {
      [$0.title + ":"] + (TextTable.lines([$0.header] + $0.rows) + $0.notes).map { "  " + $0 }
    }
    return view + tables
  }

  private var csv: String {
    let judgements = comparisons.flatMap { $0.judgements.joined() }
    let measures = Measures.columns(of: judgements)
    let names = pipeline.methods.map(\.explainer.name)
    var header = [
      "input", "windowStart", "windowEnd", "method", "index", "label", "probability", "seconds",
      "evaluations", "explains", "explainedValue", "baseValue", "sum", "completenessGap", "score",
    ]
    header += measures.map(\.name)
    if !judgements.isEmpty {
      header += names.flatMap { ["rankCorrelation:\($0)", "topOverlap:\($0)"] }
    }
    var lines = [header]
    for view in shown {
      let (comparison, times) = (comparisons[view], scene.views[view].times)
      let places = findings.views[view].map(\.method)
      for (t, target) in comparison.targets.enumerated() {
        for (m, explanations) in comparison.explanations.enumerated() {
          let attribution = explanations[t].attribution
          var numbers: [Double?] = [
            attribution.explainedValue, attribution.baseValue, attribution.sum,
            attribution.completenessGap, attribution.score,
          ]
          if !judgements.isEmpty {
            numbers += measures.map { $0.value(comparison.judgements[m][t]) }
            for method in names.indices {
              let agreement = places.firstIndex(of: method).map { comparison.agreements[t][m][$0] }
              numbers += [agreement?.rankCorrelation, agreement?.topOverlap]
            }
          }
          let edges = [times?.lowerBound, times?.upperBound].map { $0.map { "\($0)" } ?? "" }
          lines.append(
            [scene.input.path] + edges
              + [
                explanations[t].method, "\(target.index)", target.label, "\(target.probability)",
                "\(explanations[t].seconds)", "\(attribution.evaluations)",
                explanations[t].unit,
              ]
              + numbers.map { $0.map { "\($0)" } ?? "" })
        }
      }
    }
    return Self.commaSeparated(lines)
  }

  private static func commaSeparated(_ lines: [[String]]) -> String {
    lines.map { $0.map(\.commaSeparatedValue).joined(separator: ",") + "\n" }.joined()
  }

  /// The strongest regions of every map of a picture, in pixels of the picture.
  private var regionsCSV: String {
    var lines = [
      ["input", "method", "index", "label", "region", "x", "y", "width", "height", "share"]
    ]
    for view in shown {
      for explanation in comparisons[view].explanations.joined() {
        let target = explanation.target
        let regions = scene.views[view].regions(of: explanation) ?? []
        for (number, region) in regions.enumerated() {
          let box = region.box
          lines.append(
            [scene.input.path, explanation.method, "\(target.index)", target.label]
              + [number + 1, box.x, box.y, box.width, box.height].map { "\($0)" }
              + ["\(region.share)"])
        }
      }
    }
    return Self.commaSeparated(lines)
  }

  // MARK: The document

  private func document(files: [String]) throws -> JSON {
    var members = InputDocument.members(
      scene.input, pipeline.model, scene.prediction, scene.hearing, scene.picture)
    members.append(.init(name: "key", value: .string(try pipeline.key(for: scene.input))))
    members.append(
      .init(name: "seed", value: .integer(Int(clamping: pipeline.request.seed))))
    let explanations = entries { view, t, m in
      let explanation = comparisons[view].explanations[m][t]
      return JSON.object(
        explanation.members(
          window: scene.views[view].times, regions: scene.views[view].regions(of: explanation))
          + [.init(name: "files", value: .object([]))])
    }
    members.append(.init(name: "explanations", value: .array(explanations)))
    members.append(.init(name: "faithfulness", value: .array(entries(faithfulness))))
    members.append(.init(name: "agreement", value: .array(entries(agreement).flatMap(\.elements))))
    if pipeline.request.tests.sanity {
      members.append(.init(name: "sanity", value: .array(shown.flatMap(sanity))))
    }
    members.append(.init(name: "failures", value: .array(findings.failures.map(\.json))))
    members.append(.init(name: "files", value: .array(files.map(JSON.string))))
    return .object(members)
  }

  /// A value for every view, label and method.
  private func entries(_ value: (_ view: Int, _ target: Int, _ method: Int) -> JSON) -> [JSON] {
    shown.flatMap { view in
      comparisons[view].targets.indices.flatMap { t in
        comparisons[view].explanations.indices.map { value(view, t, $0) }
      }
    }
  }

  private func window(_ view: Int) -> JSON {
    scene.views[view].times.map { InputDocument.interval($0.lowerBound, $0.upperBound) } ?? .null
  }

  private func faithfulness(_ view: Int, _ t: Int, _ m: Int) -> JSON {
    let comparison = comparisons[view]
    let judgement = comparison.judgements[m][t]
    return [
      "method": .string(comparison.explanations[m][t].method),
      "target": .integer(comparison.targets[t].index),
      "window": window(view),
      "deletion": .number(judgement.deletion),
      "insertion": .number(judgement.insertion),
      "infidelity": judgement.infidelity.map(JSON.number) ?? .null,
      "sparseness": judgement.sparseness.map(JSON.number) ?? .null,
      "sensitivity": judgement.sensitivity.map(JSON.number) ?? .null,
      "stability": judgement.stability.map(JSON.number) ?? .null,
      "localization": judgement.localization.map { found in
        [
          "massInside": found.massInside.map(JSON.number) ?? .null,
          "isHit": .bool(found.isHit),
          "area": .number(found.area),
        ]
      } ?? .null,
    ]
  }

  /// How a method agrees with those before it.
  private func agreement(_ view: Int, _ t: Int, _ a: Int) -> JSON {
    let comparison = comparisons[view]
    let methods = comparison.explanations
    return .array(
      (0..<a).map { b in
        let agreement = comparison.agreements[t][a][b]
        return [
          "methods": .array([.string(methods[b][t].method), .string(methods[a][t].method)]),
          "target": .integer(comparison.targets[t].index),
          "window": window(view),
          "rankCorrelation": agreement.rankCorrelation.map(JSON.number) ?? .null,
          "topOverlap": .number(agreement.topOverlap),
        ]
      })
  }

  private func sanity(_ view: Int) -> [JSON] {
    zip(comparisons[view].explanations, comparisons[view].sanity ?? []).map { method, result in
      let found = result.map { result -> JSON in
        [
          "passed": .bool(result.isPassed),
          "mean": .number(result.mean),
          "stages": .array(
            result.stages.map { stage in
              [
                "layers": .integer(stage.layers), "lowest": .string(stage.lowest),
                "correlation": .number(stage.correlation),
              ]
            }),
        ]
      }
      return [
        "method": .string(method.first?.method ?? ""), "window": window(view),
        "result": found ?? .null,
      ]
    }
  }
}
