public import Prism

/// A comparison for people and programs: as a figure, as tables, as a document.
public struct ComparisonReport {
  private let comparison: Comparison
  private let input: String
  private let model: Model
  private let files: [String]
  private let key: String

  /// Makes the report.
  ///
  /// - Parameters:
  ///   - comparison: What is told.
  ///   - input: The picture's path.
  ///   - model: The model.
  ///   - files: The names of the files that are written of it.
  ///   - key: What the results depend on, as a digest.
  public init(
    _ comparison: Comparison, input: String, model: Model, files: [String] = [], key: String = ""
  ) {
    self.comparison = comparison
    self.input = input
    self.model = model
    self.files = files
    self.key = key
  }

  private var targets: [Prediction.Entry] { comparison.targets }
  private var methods: [[Explanation]] { comparison.explanations }

  /// The contents of a file.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func data(_ format: ComparisonFormat) throws -> [UInt8] {
    switch format {
    case .png: try figure.rendered().pngData()
    case .pdf: try figure.pdfData()
    case .html: Array(try figure.html().utf8)
    case .csv: Array(csv.utf8)
    }
  }

  // MARK: The figure

  private var figure: ComparisonFigure {
    let rows = targets.indices.map { t in
      ComparisonFigure.Row(
        label: targets[t].label, probability: targets[t].probability,
        cells: methods.map { cell($0[t]) })
    }
    // What is the same for all labels is said once.
    let diagnostics = methods.flatMap { explanations in
      let all = explanations.map(\.attribution.diagnostics)
      let common =
        all.first.map { first in first.filter { line in all.allSatisfy { $0.contains(line) } } }
        ?? []
      return common.map { "\(explanations.first?.title ?? ""): \($0)" }
        + explanations.flatMap { explanation in
          explanation.attribution.diagnostics.filter { !common.contains($0) }
            .map { "\(explanation.title), \(explanation.target.label): \($0)" }
        }
    }
    return ComparisonFigure(
      image: comparison.image, title: input.split(separator: "/").last.map(String.init) ?? input,
      subtitle: "\(model.card.name) (\(model.card.architecture.rawValue))",
      columns: methods.compactMap { $0.first?.title }, rows: rows, tables: tables,
      notes: Array(diagnostics.prefix(6)), units: methods.map { $0.first?.unit ?? "" })
  }

  private func cell(_ explanation: Explanation) -> ComparisonFigure.Cell {
    let attribution = explanation.attribution
    return ComparisonFigure.Cell(
      map: explanation.values,
      captions: [
        "\(Text.duration(explanation.seconds)) · \(attribution.evaluations) "
          + (attribution.evaluations == 1 ? "evaluation" : "evaluations")
      ],
      segments: attribution.segments?.segmentation.labels)
  }

  private var tables: [ComparisonFigure.Table] {
    var tables: [ComparisonFigure.Table] = []
    let titles = methods.compactMap { $0.first?.title }
    for (t, target) in targets.enumerated() where !comparison.judgements.isEmpty {
      tables.append(
        ComparisonFigure.Table(
          title: "Faithfulness for \(target.label)",
          header: [
            "method", "deletion ↓", "insertion ↑", "infidelity ↓", "sparseness", "gap", "R²",
          ] + (isLocalized ? ["inside ↑", "hit"] : []),
          rows: methods.indices.map { m in
            let judgement = comparison.judgements[m][t]
            let attribution = methods[m][t].attribution
            return [
              titles[m], Self.number(judgement.deletion), Self.number(judgement.insertion),
              Self.number(judgement.infidelity), Self.number(judgement.sparseness),
              attribution.completenessGap.map { Text.number($0, least: 1e-6) } ?? "–",
              Self.number(attribution.score),
            ]
              + (judgement.localization.map {
                [Self.number($0.massInside), $0.isHit ? "yes" : "no"]
              } ?? [])
          }, notes: t == 0 ? Self.measures(isLocalized: isLocalized) : []))
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
                    : Self.number(agreement.rankCorrelation) + " / "
                      + Self.number(agreement.topOverlap)
                }
            }))
      }
    }
    if let sanity = comparison.sanity, let target = targets.first,
      let stages = sanity.compactMap({ $0 }).first?.stages
    {
      tables.append(
        ComparisonFigure.Table(
          title: "Likeness to the first map after so many layers are randomised, \(target.label)",
          header: ["method"] + stages.map { "\($0.layers)" } + ["mean", "verdict"],
          rows: methods.indices.map { m in
            [titles[m]]
              + (sanity[m].map { result in
                result.stages.map { Self.number($0.correlation) }
                  + [Self.number(result.mean), result.isPassed ? "passed" : "failed"]
              } ?? stages.map { _ in "–" } + ["–", "blank"])
          }))
    }
    return tables
  }

  /// What the columns of the table of faithfulness mean, a line each.
  private static func measures(isLocalized: Bool) -> [String] {
    [
      "deletion: the mean probability while pixels are taken away, the strongest first; small is good.",
      "insertion: the mean probability while pixels are brought in, the strongest first; large is good.",
      "infidelity: how badly the map predicts what removing squares does to the logit; "
        + "0 is perfect, 1 no better than a blank map.",
      "sparseness: how few pixels hold the map (Gini index); 0 is even, 1 is a single pixel.",
      "gap: by how much a map that promises to add up to the logit's difference fails to.",
      "R²: how well the simple model that the method fits agrees with the network; 1 is perfect.",
    ]
      + (isLocalized
        ? [
          "inside: the share of the positive attribution in the given region; hit: whether the maximum "
            + "lies in it."
        ] : [])
  }

  /// Whether the user has told where maps ought to be.
  private var isLocalized: Bool { comparison.judgements.first?.first?.localization != nil }

  private static func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "–" }
    return Text.decimal(value, decimals: 3)
  }

  // MARK: Text

  /// A summary for the terminal.
  public var lines: [String] {
    tables.flatMap { [$0.title + ":"] + TextTable.lines([$0.header] + $0.rows).map { "  " + $0 } }
  }

  private var csv: String {
    var header = [
      "input", "method", "index", "label", "probability", "seconds", "evaluations", "base_value",
      "completeness_gap", "score",
    ]
    if !comparison.judgements.isEmpty {
      header += ["deletion", "insertion", "infidelity", "sparseness"]
      if isLocalized { header += ["mass_inside", "hit"] }
      header += methods.compactMap { $0.first?.method }.flatMap {
        ["correlation:\($0)", "overlap:\($0)"]
      }
    }
    var lines = [header]
    for (t, target) in targets.enumerated() {
      for m in methods.indices {
        let explanation = methods[m][t]
        let judgement = comparison.judgements.isEmpty ? nil : comparison.judgements[m][t]
        let attribution = explanation.attribution
        let numbers: [Double?] = [
          target.probability, explanation.seconds, Double(attribution.evaluations),
          attribution.baseValue, attribution.completenessGap, attribution.score,
        ]
        let judged = judgement.map { judgement in
          [judgement.deletion, judgement.insertion, judgement.infidelity, judgement.sparseness]
            + (judgement.localization.map { [$0.massInside, $0.isHit ? 1 : 0] } ?? [])
        }
        let agreement =
          comparison.agreements.isEmpty
          ? nil : comparison.agreements[t][m].flatMap { [$0.rankCorrelation, $0.topOverlap] }
        lines.append(
          [input, explanation.method, "\(target.index)", target.label]
            + (numbers + (judged ?? []) + (agreement ?? [])).map { $0.map { "\($0)" } ?? "" })
      }
    }
    return lines.map { $0.map(\.commaSeparatedValue).joined(separator: ",") + "\n" }.joined()
  }

  // MARK: The document

  /// The document.
  public var json: JSON {
    let document = ExplanationDocument(
      input: input, model: model, prediction: comparison.prediction,
      explanations: targets.indices.flatMap { t in
        methods.indices.map { .init(explanation: methods[$0][t], files: []) }
      })
    guard case .object(var members) = document.json else { return .null }
    members.insert(.init(name: "key", value: .string(key)), at: 1)
    members.append(
      .init(name: "faithfulness", value: .array(targets.indices.flatMap(faithfulness))))
    members.append(.init(name: "agreement", value: .array(targets.indices.flatMap(agreement))))
    if let sanity = comparison.sanity {
      members.append(
        .init(
          name: "sanity",
          value: .array(
            methods.indices.map { m in
              ["method": .string(methods[m].first?.method ?? ""), "result": result(sanity[m])]
            })))
    }
    members.append(.init(name: "files", value: .array(files.map(JSON.string))))
    return .object(members)
  }

  private func faithfulness(_ t: Int) -> [JSON] {
    methods.indices.map { m in
      let judgement = comparison.judgements[m][t]
      return [
        "method": .string(methods[m][t].method),
        "target": .integer(targets[t].index),
        "deletion": .number(judgement.deletion),
        "insertion": .number(judgement.insertion),
        "infidelity": judgement.infidelity.map(JSON.number) ?? .null,
        "sparseness": judgement.sparseness.map(JSON.number) ?? .null,
        "localization": judgement.localization.map(localization) ?? .null,
      ]
    }
  }

  private func localization(_ found: Localization) -> JSON {
    [
      "massInside": found.massInside.map(JSON.number) ?? .null,
      "isHit": .bool(found.isHit),
      "area": .number(found.area),
    ]
  }

  private func agreement(_ t: Int) -> [JSON] {
    methods.indices.flatMap { a in
      (0..<a).map { b in
        let agreement = comparison.agreements[t][a][b]
        return [
          "methods": .array([.string(methods[b][t].method), .string(methods[a][t].method)]),
          "target": .integer(targets[t].index),
          "rankCorrelation": agreement.rankCorrelation.map(JSON.number) ?? .null,
          "topOverlap": .number(agreement.topOverlap),
        ]
      }
    }
  }

  private func result(_ result: ParameterRandomization.Result?) -> JSON {
    guard let result else { return .null }
    return [
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
}
