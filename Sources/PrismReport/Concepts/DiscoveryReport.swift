public import Prism

/// The concepts that were found, for people and programs.
public struct DiscoveryReport {
  private let findings: ConceptDiscovery.Findings
  private let search: ConceptDiscovery
  private let targets: [Prediction.Entry]
  private let inputs: ExampleFolder
  private let model: Model

  /// How many inputs are shown with a concept's map.
  private static let shownMaps = 6

  /// Makes the report.
  ///
  /// - Parameters:
  ///   - findings: What was found.
  ///   - search: How.
  ///   - targets: The labels whose dependence was measured.
  ///   - inputs: What was looked at.
  ///   - model: The model that was asked.
  public init(
    _ findings: ConceptDiscovery.Findings, by search: ConceptDiscovery,
    targets: [Prediction.Entry], inputs: ExampleFolder, model: Model
  ) {
    self.findings = findings
    self.search = search
    self.targets = targets
    self.inputs = inputs
    self.model = model
  }

  /// What is said about a concept's place.
  private func name(_ index: Int) -> String { "Concept \(index + 1)" }

  /// The summary for a terminal.
  public var lines: [String] {
    let header =
      ["concept"] + targets.flatMap { ["importance for \($0.label)", "effect"] }
      + ["shown best by"]
    let rows = findings.concepts.enumerated().map { index, concept in
      ["\(index + 1)"]
        + targets.indices.flatMap {
          [NumberText.measure(concept.importance[$0]), Self.signed(concept.effects[$0])]
        }
        + [concept.crops.prefix(2).map { inputs.files[$0.input].name }.joined(separator: ", ")]
    }
    return TextTable.lines([header] + rows) + notes.map { "note: \($0)" }
  }

  private var notes: [String] {
    var notes = [
      "importance is the concept's total Sobol index: the share of the label's variance, as "
        + "concepts fade, that it takes part in; the shares of concepts that act together overlap; "
        + "the effect is by how much the logit is higher with the concept than without it",
      "\(findings.crops) crops of \(inputs.files.count) inputs; the concepts leave over "
        + "\(NumberText.percent(findings.error)) of what \(findings.layer) sees in them",
    ]
    if findings.negativeShare > 0.01 {
      notes.append(
        "\(NumberText.percent(findings.negativeShare)) of the layer's values were negative and "
          + "taken as zero; a layer right after a rectifier has none")
    }
    return notes
  }

  /// The report for people: `crop-CONCEPT-NUMBER` are crops of a concept and `map-CONCEPT-INPUT` its
  /// maps over the inputs that have most of it, both counted from 0 as the document counts them.
  ///
  /// - Returns: A section for every concept, with its pictures.
  /// - Throws: `ImageError`, `SpectrogramError`.
  public func illustrated() throws -> IllustratedReport {
    let shown = try inputs.images.map { try ShownInput($0, for: model) }
    var report = IllustratedReport(
      title: "Concepts of \(findings.layer)", subtitle: model.card.name)
    report.page.sections.append(.init("", notes.map { .sentence($0) }))
    for (index, concept) in findings.concepts.enumerated() {
      let importance = targets.indices.map {
        "\(targets[$0].label): \(NumberText.measure(concept.importance[$0])), effect "
          + Self.signed(concept.effects[$0])
      }
      let crops = concept.crops.enumerated().map { number, crop in
        report.thumbnail(
          shown[crop.input].part(crop.box), named: "crop-\(index)-\(number)",
          captions: [caption(crop.input)])
      }
      // Maps of one concept have one scale, so that they can be compared.
      let top = concept.maps.map(\.maximum).max() ?? 0
      let order = concept.maps.indices.sorted {
        (concept.maps[$1].sum, $0) < (concept.maps[$0].sum, $1)
      }
      let maps = try order.prefix(Self.shownMaps).map { input in
        report.thumbnail(
          try shown[input].overlaid(concept.maps[input], range: MapRange(lower: 0, upper: top)),
          named: "map-\(index)-\(input)", captions: [caption(input)])
      }
      report.page.sections.append(
        .init(
          name(index),
          [
            .text("Importance for " + importance.joined(separator: "; ")),
            .pictures(title: "Crops that have most of it", crops),
            .pictures(title: "Where it is", maps),
          ]))
    }
    return report
  }

  private static func signed(_ value: Double) -> String {
    (value < 0 ? "−" : "+") + Text.decimal(abs(value), decimals: 2)
  }

  private func caption(_ input: Int) -> String {
    inputs.files[input].shortName
  }

  /// The document.
  public var document: JSON {
    .object(
      InputDocument.header + [
        .init(name: "model", value: InputDocument.model(model)),
        .init(name: "layer", value: .string(findings.layer)),
        .init(
          name: "parameters",
          value: [
            "concepts": .integer(search.count), "crop": .number(search.crop),
            "crops": .integer(search.crops), "points": .integer(search.points),
            "seed": .string("\(search.seed)"),
          ]),
        .init(
          name: "targets",
          value: .array(
            targets.map { ["index": .integer($0.index), "label": .string($0.label)] })),
        .init(name: "inputs", value: .array(inputs.files.map { .string($0.name) })),
        .init(name: "error", value: .number(findings.error)),
        .init(name: "negativeShare", value: .number(findings.negativeShare)),
        .init(name: "concepts", value: .array(findings.concepts.map(json))),
        .init(
          name: "skipped",
          value: .array(
            inputs.failures.map {
              ["path": .string($0.path), "reason": .string($0.reason)]
            })),
      ])
  }

  private func json(_ concept: ConceptDiscovery.Concept) -> JSON {
    [
      "importance": .array(concept.importance.map(JSON.number)),
      "effects": .array(concept.effects.map(JSON.number)),
      "crops": .array(
        concept.crops.map { crop in
          [
            "input": .string(inputs.files[crop.input].name),
            "rows": .array([.integer(crop.box.rows.lowerBound), .integer(crop.box.rows.upperBound)]
            ),
            "columns": .array([
              .integer(crop.box.columns.lowerBound), .integer(crop.box.columns.upperBound),
            ]),
            "coefficient": .number(crop.coefficient),
          ]
        }),
      "strength": .array(concept.maps.map { .number($0.sum / Double(max($0.count, 1))) }),
    ]
  }
}
