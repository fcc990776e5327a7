public import Prism

/// What of a data set is near to inputs, and what stands for each label, for people and programs.
public struct ExamplesReport {
  /// An input with the examples near to it.
  struct Query {
    let file: ExampleFile
    let image: ExplainedImage
    let top: Prediction.Entry
    let neighbours: [ExampleSpace.Neighbour]
  }

  /// A distance that is nothing but rounding: the same picture.
  private static let same = 1e-6

  private let library: ExampleLibrary
  private let model: Model
  private let data: String
  private let queries: [Query]
  private let prototypes: [(label: String, count: Int, chosen: [Int])]
  private let failures: [(path: String, reason: String)]

  /// Searches.
  ///
  /// - Parameters:
  ///   - inputs: What examples are looked for.
  ///   - library: The examples.
  ///   - data: What they are called.
  ///   - count: How many are wanted for each input.
  ///   - prototypes: How many stand for each label.
  ///   - model: The model.
  ///   - work: Is told of every label; ends where its task is cancelled.
  /// - Throws: `ModelError`, `ExplanationError`; `CancellationError` in a cancelled task.
  public init(
    _ inputs: ExampleFolder, among library: ExampleLibrary, data: String, count: Int,
    prototypes: Int, model: Model, work: Work = .unwatched
  ) throws {
    self.library = library
    self.model = model
    self.data = data
    failures = library.failures + inputs.failures
    let points = try model.points(of: inputs.inputs, at: library.layer)
    queries = try inputs.files.indices.map { place in
      Query(
        file: inputs.files[place], image: inputs.images[place],
        top: try model.prediction(ofMean: [inputs.inputs[place]]).top,
        neighbours: try library.space.nearest(to: points[place], count: count))
    }
    let labels = prototypes > 0 ? library.labels : []
    work.plan(labels.count)
    self.prototypes = try labels.map { label in
      let members = library.members(of: label)
      let chosen = try library.space.prototypes(of: members, count: prototypes)
      try work.did(1)
      return (label, members.count, chosen)
    }
  }

  private func labels(_ index: Int) -> String {
    let labels = library.samples[index].labels
    return labels.isEmpty ? "no label" : labels.joined(separator: ", ")
  }

  private func agreeing(_ query: Query) -> Int {
    query.neighbours.count { library.samples[$0.index].labels.contains(query.top.label) }
  }

  private func summary(_ query: Query) -> String {
    "\(query.top.label) \(Text.percent(query.top.probability)); of the \(query.neighbours.count) "
      + "nearest \(agreeing(query)) "
      + (agreeing(query) == 1 ? "has" : "have") + " this label"
  }

  private var notes: [String] {
    var notes = [
      "\(library.samples.count) examples of \(data) in the space of \(library.layer), each channel "
        + "averaged over rows and columns; distance: \(library.space.distance.rawValue)"
    ]
    if library.isPredicted { notes.append("the examples have no labels but those the model gives") }
    if !prototypes.isEmpty {
      notes.append(
        "prototypes are chosen one after the other so that together they are as near as can be to "
          + "all of their label (smallest maximum mean discrepancy, Gaussian kernel)")
    }
    let found = queries.filter { ($0.neighbours.first?.distance ?? 1) < Self.same }
    if !found.isEmpty {
      notes.append(
        "\(found.count) of \(queries.count) inputs "
          + (found.count == 1 ? "is itself" : "are themselves") + " among the examples")
    }
    return notes
  }

  /// The summary for a terminal.
  public var lines: [String] {
    let nearest = queries.flatMap { query in
      ["\(query.file.name): \(summary(query))"]
        + TextTable.lines(
          query.neighbours.map { neighbour in
            [
              Text.decimal(neighbour.distance, decimals: 4), labels(neighbour.index),
              library.samples[neighbour.index].file.name,
            ]
          }
        ).map { "  " + $0 }
    }
    let chosen = prototypes.flatMap { label, count, chosen in
      ["prototypes of \(label) (\(count)):"] + chosen.map { "  " + library.samples[$0].file.name }
    }
    return nearest + chosen + notes.map { "note: \($0)" }
  }

  /// The report for people: `input-NUMBER`, `near-INPUT-NUMBER` and `prototype-LABEL-NUMBER` are the
  /// pictures, counted from 0 as the document counts them.
  ///
  /// - Returns: A section for every input and label, with its pictures.
  /// - Throws: `ImageError`, `SoundError`, `SpectrogramError`.
  public func illustrated() throws -> IllustratedReport {
    var report = IllustratedReport(
      title: "Examples in \(library.layer)", subtitle: model.card.name)
    func example(_ index: Int, _ name: String, _ more: [String]) throws -> Report.Thumbnail {
      let file = library.samples[index].file
      let picture = try ShownInput(file.explained(by: model), for: model).picture
      return report.thumbnail(
        picture, named: name, captions: [labels(index)] + more + [file.shortName])
    }
    report.page.sections.append(.init("", notes.map { .sentence($0) }))
    for (number, query) in queries.enumerated() {
      let own = report.thumbnail(
        try ShownInput(query.image, for: model).picture, named: "input-\(number)",
        captions: [query.file.shortName])
      let near = try query.neighbours.enumerated().map { place, neighbour in
        try example(
          neighbour.index, "near-\(number)-\(place)",
          ["distance " + Text.decimal(neighbour.distance, decimals: 3)])
      }
      report.page.sections.append(
        .init(
          query.file.shortName,
          [
            .text(summary(query)), .pictures(title: "Input", [own]),
            .pictures(title: "Nearest examples", near),
          ]))
    }
    for (number, standing) in prototypes.enumerated() {
      let pictures = try standing.chosen.enumerated().map { place, index in
        try example(index, "prototype-\(number)-\(place)", [])
      }
      report.page.sections.append(
        .init(
          standing.label,
          [.pictures(title: "Prototypes of \(standing.count) examples", pictures)]))
    }
    return report
  }

  /// The document.
  public var document: JSON {
    .object(
      InputDocument.header + [
        .init(name: "model", value: InputDocument.model(model)),
        .init(name: "data", value: .string(data)),
        .init(name: "layer", value: .string(library.layer)),
        .init(name: "distance", value: .string(library.space.distance.rawValue)),
        .init(name: "examples", value: .integer(library.samples.count)),
        .init(name: "labelsArePredicted", value: .bool(library.isPredicted)),
        .init(
          name: "inputs",
          value: .array(
            queries.map { query in
              [
                "path": .string(query.file.name),
                "top": InputDocument.entry(query.top),
                "nearest": .array(
                  query.neighbours.map { neighbour in
                    [
                      "path": .string(library.samples[neighbour.index].file.name),
                      "labels": .array(
                        library.samples[neighbour.index].labels.map(JSON.string)),
                      "distance": .number(neighbour.distance),
                    ]
                  }),
              ]
            })),
        .init(
          name: "prototypes",
          value: .array(
            prototypes.map { label, count, chosen in
              [
                "label": .string(label), "examples": .integer(count),
                "chosen": .array(chosen.map { .string(library.samples[$0].file.name) }),
              ]
            })),
        .init(name: "notes", value: .array(notes.map(JSON.string))),
        .init(
          name: "skipped",
          value: .array(
            failures.map { ["path": .string($0.path), "reason": .string($0.reason)] })),
      ])
  }
}
