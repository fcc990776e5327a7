public import Prism

/// What became of methods that were judged over data: for people and programs.
public struct JudgeReport: DataReport {
  /// The most thumbnails of each end.
  static let shownMaps = 3
  /// The most methods whose best and worst maps are shown.
  static let shownMethods = 12
  /// The most labels in tables; the files have all.
  static let shownLabels = 30

  let run: JudgeRun
  let maps: JudgedMaps
  let measures: [MapMeasure]
  let ranking: MethodRanking?
  /// Rankings by other measures of the same kind, which the advice weighs.
  let otherRankings: [MethodRanking]
  /// The mean of every measure, one a method.
  let overall: [MapMeasure: [JudgedMaps.Estimate?]]
  /// The same for every label with maps.
  let labels: [(label: Int, estimates: [MapMeasure: [JudgedMaps.Estimate?]])]
  /// Pictures that could not be read, and why.
  let unread: [(path: String, reason: String)]
  /// Methods that failed, by picture.
  let failures: [(path: String, failure: MethodFailure)]
  /// What a reader should know.
  let notes: [String]
  /// The pictures that were judged.
  let pictures: Int
  private let records: [JudgeRecord]

  /// Makes the report.
  ///
  /// - Parameters:
  ///   - run: What was judged.
  ///   - findings: What is known of every picture that could be read.
  ///   - unread: Pictures that could not be read, and why.
  ///   - work: Is told of measures; ends where its task is cancelled.
  /// - Throws: ``JudgeError`` where there is nothing; `CancellationError`.
  public init(
    _ run: JudgeRun, findings: [(path: String, findings: JudgeRun.Findings)],
    unread: [(path: String, reason: String)], work: Work = .unwatched
  ) throws {
    self.run = run
    self.unread = unread
    let maps = run.collected(findings.map(\.findings))
    self.maps = maps
    records = findings.flatMap(\.findings.records)
    failures = findings.flatMap { path, findings in findings.failures.map { (path, $0) } }
    let measures = maps.measures
    self.measures = measures
    guard !measures.isEmpty else {
      if let failure = failures.first {
        throw ExplanationError.unsuitable(failure.failure.line)
      }
      throw JudgeError.noneFound
    }
    let (resamples, seed) = (run.request.resamples, run.request.explanations.seed)
    let known = run.model.labels.indices.filter { label in
      (0..<maps.methods).contains { !maps.entries(of: $0, label: label).isEmpty }
    }
    work.plan(measures.count * (known.count + 1))
    func estimates(label: Int?) throws -> [MapMeasure: [JudgedMaps.Estimate?]] {
      var all: [MapMeasure: [JudgedMaps.Estimate?]] = [:]
      for measure in measures {
        all[measure] = maps.estimates(of: measure, label: label, resamples: resamples, seed: seed)
        try work.did(1)
      }
      return all
    }
    overall = try estimates(label: nil)
    labels = try known.map { ($0, try estimates(label: $0)) }
    let methods = run.methods.map {
      MethodRanking.Method(title: $0.explainer.title, isBaseline: $0.isBaseline)
    }
    let measure = run.request.ranking ?? MethodRanking.usual(of: maps)
    if run.truths != nil, measure.map({ !measures.contains($0) }) ?? true {
      throw JudgeError.noRegion(
        records.lazy.flatMap(\.maps).compactMap(\.problem).first { !$0.isEmpty })
    }
    ranking = measure.map {
      MethodRanking(maps, methods: methods, by: $0, resamples: resamples, seed: seed)
    }
    let kin: [MapMeasure] =
      measure?.needsTruth ?? false ? [.iou, .hit, .inside] : [.road, .difference, .infidelity]
    otherRankings = kin.filter { $0 != measure && measures.contains($0) }.map {
      MethodRanking(maps, methods: methods, by: $0, resamples: 0)
    }
    let judged = Set(records.filter { !$0.maps.isEmpty }.map(\.picture))
    pictures = judged.count
    notes = Self.notes(run, records, pictures: judged.count)
  }

  /// What to do, in plain sentences.
  public var advice: String {
    ranking?.advice(pictures: pictures, besides: otherRankings)
      ?? "Nothing was measured by which methods could be ranked; add --measures."
  }

  /// The name of a method on the command line.
  func name(_ method: Int) -> String { run.methods[method].explainer.name }

  /// The methods, those that are ranked first.
  var order: [Int] {
    let ranked = ranking?.order ?? []
    return ranked + run.methods.indices.filter { !ranked.contains($0) }
  }

  private static func notes(
    _ run: JudgeRun, _ records: [JudgeRecord], pictures: Int
  ) -> [String] {
    var notes = run.notes
    // Every method has the same labels of a picture, so one record a picture tells.
    var seen: Set<String> = []
    let first = records.filter { seen.insert($0.picture).inserted }
    let maps = first.flatMap(\.maps)
    let asked = first.reduce(0) { $0 + $1.labels.count }
    if run.request.onlyFound {
      notes.append("\(asked - maps.count) of \(asked) labels are left out: the model misses them")
    } else {
      let missed = maps.count { !$0.isFound }
      if missed > 0 {
        notes.append(
          "\(missed) of \(maps.count) labels are missed by the model; what a map shows of them is "
            + "what little speaks for them (--only-found leaves them out)")
      }
    }
    let belowZero = maps.count { $0.isBelowZero }
    if belowZero > 0 {
      notes.append(
        "\(belowZero) of \(maps.count) labels are found though their logits are negative: the labels "
          + "exclude each other, so that only differences of logits count, and methods that explain "
          + "the logit by itself are judged by what says little")
    }
    if run.truths != nil {
      let without = maps.count { $0.problem == "" }
      if without > 0 {
        notes.append(
          "\(without) of \(maps.count) labels have no mask"
            + (run.model.card.input.audio == nil ? "" : ", or none in the window that is explained")
        )
      }
      let problems = first.flatMap { $0.maps.compactMap(\.problem) }.filter { !$0.isEmpty }
      if !problems.isEmpty {
        notes.append(
          "\(problems.count) \(problems.count == 1 ? "mask" : "masks") could not be used, such as: "
            + problems.prefix(3).joined(separator: "; "))
      }
    } else {
      notes.append(
        "without --masks nobody knows what is right, so that maps are judged by the model alone")
    }
    if pictures == 1 { notes.append("one picture: there are no intervals") }
    return notes
  }

  // MARK: The best and the worst

  /// The maps of a method from the best to the worst by the measure that ranks.
  func ordered(_ method: Int) -> [(place: MapPlace, value: Double)] {
    guard let measure = ranking?.measure else { return [] }
    let all = (0..<maps.labels).flatMap { label in
      maps.entries(of: method, label: label).compactMap { entry in
        entry.values[measure].map { value in
          (
            place: MapPlace(picture: entry.picture, label: label, method: method), value: value
          )
        }
      }
    }
    return all.sorted { a, b in
      a.value == b.value
        ? (a.place.picture, a.place.label) < (b.place.picture, b.place.label)
        : measure.isBetter(a.value, than: b.value)
    }
  }

  /// The best and the worst maps of a method, no map twice.
  func ends(_ method: Int) -> (
    best: [(place: MapPlace, value: Double)], worst: [(place: MapPlace, value: Double)]
  ) {
    let all = ordered(method)
    let best = Array(all.prefix(min(Self.shownMaps, (all.count + 1) / 2)))
    let rest = all.dropFirst(best.count)
    return (best, Array(rest.suffix(Self.shownMaps).reversed()))
  }

  // MARK: Files

  /// All files of the report.
  ///
  /// - Returns: The document, two tables, and the page twice.
  /// - Throws: `ImageError` where a picture cannot be drawn; what the journal cannot be read for.
  public func files() throws -> [OutputFolder.File] {
    let page = try page()
    return [
      .init(name: "judge.json", contents: Array((document.formatted + "\n").utf8)),
      .init(name: "judge.csv", contents: Array(csv.utf8)),
      .init(name: "judge.maps.csv", contents: Array(mapsCSV.utf8)),
      .init(name: "judge.html", contents: Array(try page.html().utf8)),
      .init(name: "judge.pdf", contents: try page.pdfData()),
    ]
  }

  /// A line for every method, measure and label.
  private var csv: String {
    var lines = [
      ["label", "method", "baseline", "measure", "value", "low", "high", "pictures"]
    ]
    func add(_ label: String, _ estimates: [MapMeasure: [JudgedMaps.Estimate?]]) {
      for method in order {
        for measure in measures {
          guard let estimate = estimates[measure]?[method] else { continue }
          lines.append([
            label, name(method), run.methods[method].isBaseline ? "1" : "0", measure.rawValue,
            "\(estimate.value)", estimate.interval.map { "\($0.lowerBound)" } ?? "",
            estimate.interval.map { "\($0.upperBound)" } ?? "", "\(estimate.pictures)",
          ])
        }
      }
    }
    add("", overall)
    for entry in labels { add(run.model.labels[entry.label], entry.estimates) }
    return Self.commaSeparated(lines)
  }

  /// A line for every map.
  private var mapsCSV: String {
    var lines = [
      ["input", "label", "probability", "found", "method"] + measures.map(\.rawValue)
        + ["problem"]
    ]
    for record in records {
      for map in record.maps {
        lines.append(
          [
            record.picture, run.model.labels[map.label], "\(map.probability)",
            map.isFound ? "1" : "0", record.method,
          ]
            + measures.map { map.values[$0].map { "\($0)" } ?? "" } + [map.problem ?? ""])
      }
    }
    return Self.commaSeparated(lines)
  }

  private static func commaSeparated(_ lines: [[String]]) -> String {
    lines.map { $0.map(\.commaSeparatedValue).joined(separator: ",") + "\n" }.joined()
  }

  // MARK: The console

  /// A summary for the terminal.
  public var lines: [String] {
    var lines = [
      "\(Text.printable(run.model.card.name)) on \(run.scope.split) of "
        + "\(Text.printable(run.data)) (\(run.scope.reason)): \(pictures) "
        + (pictures == 1 ? "input" : "inputs") + ", \(labels.count) "
        + (labels.count == 1 ? "label" : "labels")
    ]
    lines += TextTable.lines([["method"] + measures.map(\.title)] + order.map(row)).map {
      "  \($0)"
    }
    lines.append("  " + advice)
    lines += notes.map { "  note: \(Text.printable($0))" }
    return lines
  }

  /// A method's means of all measures.
  func row(_ method: Int) -> [String] {
    [run.methods[method].explainer.title]
      + measures.map { NumberText.measure(overall[$0]?[method]?.value) }
  }

  // MARK: The document

  /// Everything that is known.
  public var document: JSON {
    var members = InputDocument.header
    func add(_ name: String, _ value: JSON) { members.append(.init(name: name, value: value)) }
    add(
      "model",
      [
        "name": .string(run.model.card.name),
        "architecture": .string(run.model.card.architecture.rawValue),
        "sha256": .string(run.model.file.sha256),
      ])
    add("data", .string(run.data))
    add("split", .string(run.scope.split))
    add("splitReason", .string(run.scope.reason))
    add("masks", run.request.masks.map(JSON.string) ?? .null)
    add("inputs", .integer(pictures))
    add("seed", .integer(Int(clamping: run.request.explanations.seed)))
    add("resamples", .integer(run.request.resamples))
    add("advice", .string(advice))
    add("notes", .array(notes.map(JSON.string)))
    add("measures", .array(measures.map(Self.json)))
    add("methods", .array(run.methods.indices.map(json)))
    add("ranking", ranking.map(json) ?? .null)
    add("overall", .array(json(overall, label: nil)))
    add("labels", .array(labels.flatMap { json($0.estimates, label: $0.label) }))
    add(
      "extremes",
      .array(
        order.filter { !run.methods[$0].isBaseline }.map { method in
          let ends = ends(method)
          return [
            "method": .string(name(method)), "best": json(ends.best), "worst": json(ends.worst),
          ]
        }))
    add(
      "failures",
      .array(
        failures.map { path, failure in
          [
            "path": .string(path), "method": .string(failure.method),
            "reason": .string(failure.reason),
          ]
        }))
    add(
      "unread",
      .array(unread.map { ["path": .string($0.path), "reason": .string($0.reason)] }))
    return .object(members)
  }

  private static func json(_ measure: MapMeasure) -> JSON {
    [
      "name": .string(measure.rawValue), "better": .string(measure.better.rawValue),
      "meaning": .string(measure.meaning),
    ]
  }

  private func json(_ method: Int) -> JSON {
    let judged = run.methods[method]
    return [
      "name": .string(judged.explainer.name),
      "title": .string(judged.explainer.title),
      "baseline": .bool(judged.isBaseline),
      "parameters": judged.explainer.parameters.json,
      "failed": .integer(failures.count { $0.failure.method == judged.explainer.name }),
    ]
  }

  private func json(_ ranking: MethodRanking) -> JSON {
    func names(_ methods: [Int]) -> JSON { .array(methods.map { .string(name($0)) }) }
    return [
      "measure": .string(ranking.measure.rawValue),
      "order": names(ranking.order),
      "leaders": names(ranking.leaders),
      "choice": ranking.choice.map { .string(name($0)) } ?? .null,
      "notBetterThan": .array(
        ranking.order.filter { !run.methods[$0].isBaseline }.map {
          ["method": .string(name($0)), "baselines": names(ranking.unbeaten[$0])]
        }),
      "pairs": .array(
        ranking.pairs.map { pair in
          [
            "methods": .array([.string(name(pair.first)), .string(name(pair.second))]),
            "difference": .number(pair.difference), "p": .number(pair.p),
            "better": pair.better.map { .string(name($0)) } ?? .null,
          ]
        }),
    ]
  }

  private func json(
    _ estimates: [MapMeasure: [JudgedMaps.Estimate?]], label: Int?
  ) -> [JSON] {
    order.flatMap { method in
      measures.compactMap { measure in
        guard let estimate = estimates[measure]?[method] else { return nil }
        let interval = estimate.interval.map {
          JSON.array([.number($0.lowerBound), .number($0.upperBound)])
        }
        let values: [JSON.Member] = [
          .init(name: "method", value: .string(name(method))),
          .init(name: "measure", value: .string(measure.rawValue)),
          .init(name: "value", value: .number(estimate.value)),
          .init(name: "interval", value: interval ?? .null),
          .init(name: "inputs", value: .integer(estimate.pictures)),
        ]
        guard let label else { return .object(values) }
        return .object(
          [.init(name: "label", value: .string(run.model.labels[label]))] + values)
      }
    }
  }

  private func json(_ ends: [(place: MapPlace, value: Double)]) -> JSON {
    .array(
      ends.map { end in
        [
          "input": .string(run.inputs[end.place.picture]),
          "label": .string(run.model.labels[end.place.label]), "value": .number(end.value),
        ]
      })
  }
}
