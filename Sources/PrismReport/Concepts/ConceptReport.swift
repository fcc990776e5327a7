public import Prism

/// What the test of a concept has found, for people and programs.
public struct ConceptReport {
  /// One label in one layer.
  public struct Row: Sendable {
    fileprivate let layer: String
    fileprivate let target: Prediction.Entry
    fileprivate let score: ConceptScore

    /// - Parameters:
    ///   - layer: The layer's name.
    ///   - target: The label.
    ///   - score: What the test found.
    init(layer: String, target: Prediction.Entry, score: ConceptScore) {
      self.layer = layer
      self.target = target
      self.score = score
    }
  }

  private let concept: String
  private let examples: ConceptExamples
  private let rows: [Row]
  private let options: [MethodParameter]
  private let sharesRandom: Bool
  private let model: Model

  /// Makes the report.
  ///
  /// - Parameters:
  ///   - concept: What the concept is called.
  ///   - examples: What it was tested with.
  ///   - rows: What was found.
  ///   - options: How it was found.
  ///   - sharesRandom: Whether several runs had some random inputs in common.
  ///   - model: The model that was asked.
  init(
    concept: String, examples: ConceptExamples, rows: [Row], options: [MethodParameter],
    sharesRandom: Bool, model: Model
  ) {
    self.concept = concept
    self.examples = examples
    self.rows = rows
    self.options = options
    self.sharesRandom = sharesRandom
    self.model = model
  }

  private func corrected(_ row: Row) -> Double? {
    row.score.probability.map { min($0 * Double(rows.count), 1) }
  }

  private func probability(_ row: Row) -> String {
    guard let value = corrected(row) else { return "–" }
    return value < 0.0001 ? "< 0.0001" : Text.decimal(value, decimals: 4)
  }

  /// The summary for a terminal.
  public var lines: [String] {
    let header = [
      "layer", "label", "score", "deviation", "random", "p", "accuracy", "verdict",
    ]
    let table = rows.map { row in
      [
        row.layer, row.target.label, NumberText.measure(row.score.mean),
        NumberText.measure(row.score.deviation), NumberText.measure(row.score.randomMean),
        probability(row), NumberText.percent(row.score.accuracy), Self.text(verdict(row)),
      ]
    }
    return [
      "\(Text.printable(concept)): \(examples.positive.files.count) examples, "
        + "\(examples.random.files.count) random inputs, \(examples.inputs.files.count) inputs"
    ] + TextTable.lines([header] + table).map { "  " + $0 } + notes.map { "  note: \($0)" }
  }

  private func verdict(_ row: Row) -> ConceptScore.Verdict {
    row.score.verdict(tests: rows.count)
  }

  private static func text(_ verdict: ConceptScore.Verdict) -> String {
    switch verdict {
    case .towards: "grows with the concept"
    case .away: "falls with the concept"
    case .nothing: "no other than random"
    case .meaningless: "means nothing: the layer does not tell the concept"
    }
  }

  /// What a reader should know.
  private var notes: [String] {
    var notes = [
      "the score is the share of inputs whose logit grows towards the concept; p is that of "
        + "Welch's two-sided t-test between runs with the concept and with random inputs in its "
        + "place"
        + (rows.count > 1 ? ", times \(rows.count) (Bonferroni, one test a label and layer)" : "")
    ]
    if sharesRandom {
      notes.append(
        "there are too few random inputs for runs without common ones, so that p is too small: "
          + "give runs × examples random inputs, or fewer --runs")
    }
    if let count = rows.first?.score.inputs, count < 10 {
      notes.append("with \(count) inputs a score has only \(count + 1) possible values")
    }
    if rows.contains(where: \.score.isLinear) {
      notes.append(
        "where a run's score is 0 or 1 all inputs agree, because the logit is all but linear in the "
          + "layer, such as before the last pooling; an earlier layer tells inputs apart")
    }
    if rows.contains(where: { verdict($0) == .meaningless }) {
      notes.append(
        "where a plane is no better than chance on examples that were kept apart, the concept's "
          + "vector has no meaning, and neither has its score; try another layer or more examples")
    }
    return notes
  }

  /// The document.
  public var document: JSON {
    .object(
      InputDocument.header + [
        .init(name: "model", value: InputDocument.model(model)),
        .init(name: "concept", value: .string(concept)),
        .init(name: "examples", value: .integer(examples.positive.files.count)),
        .init(name: "random", value: .integer(examples.random.files.count)),
        .init(name: "parameters", value: options.json),
        .init(name: "tests", value: .array(rows.map(json))),
        .init(name: "notes", value: .array(notes.map(JSON.string))),
        .init(
          name: "skipped",
          value: .array(
            examples.failures.map { ["path": .string($0.path), "reason": .string($0.reason)] })),
      ])
  }

  private func json(_ row: Row) -> JSON {
    let score = row.score
    return [
      "layer": .string(row.layer),
      "target": .object([
        .init(name: "index", value: .integer(row.target.index)),
        .init(name: "label", value: .string(row.target.label)),
      ]),
      "inputs": .integer(score.inputs),
      "score": .number(score.mean),
      "deviation": .number(score.deviation),
      "scores": .array(score.scores.map(JSON.number)),
      "randomScore": .number(score.randomMean),
      "randomScores": .array(score.randomScores.map(JSON.number)),
      "magnitude": .number(score.magnitude),
      "p": score.probability.map(JSON.number) ?? .null,
      "correctedP": corrected(row).map(JSON.number) ?? .null,
      "accuracy": .number(score.accuracy),
      "keptApart": .integer(score.tested.reduce(0, +)),
      "distinctKeptApart": .integer(score.distinct),
      "isBetterThanChance": .bool(score.isBetterThanChance),
      "verdict": .string(verdict(row).rawValue),
    ]
  }

  /// The table as CSV.
  public var csv: String {
    let header =
      "layer,index,label,inputs,score,deviation,random_score,p,corrected_p,accuracy,verdict\n"
    return rows.reduce(header) { text, row in
      let numbers: [Double?] = [
        row.score.mean, row.score.deviation, row.score.randomMean, row.score.probability,
        corrected(row), row.score.accuracy,
      ]
      let cells =
        [row.layer, "\(row.target.index)", row.target.label, "\(row.score.inputs)"]
        + numbers.map { $0.map { "\($0)" } ?? "" } + [verdict(row).rawValue]
      return text + cells.map(\.commaSeparatedValue).joined(separator: ",") + "\n"
    }
  }
}
