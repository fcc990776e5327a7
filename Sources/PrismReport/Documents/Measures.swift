internal import Prism

/// The measures of faithfulness as they are shown: their names, what they mean, and how they are
/// read.
enum Measures {
  /// A measure of a map.
  struct Measure: Sendable {
    /// The name in tables of numbers.
    let name: String
    /// The name in figures, with the direction that is good.
    let title: String
    /// What it means, in one line.
    let meaning: String
    /// The number, where there is one.
    let value: @Sendable (Comparison.Judgement) -> Double?
    /// Whether the number is a yes or no.
    var isFlag = false
  }

  private static let usual = [
    Measure(
      name: "deletion", title: "deletion ↓",
      meaning:
        "mean probability while pixels are taken away, the most important first; small is good",
      value: { $0.deletion }),
    Measure(
      name: "insertion", title: "insertion ↑",
      meaning:
        "mean probability while pixels are brought in, the most important first; large is good",
      value: { $0.insertion }),
    Measure(
      name: "infidelity", title: "infidelity ↓",
      meaning: "how wrongly the map predicts what removing squares does; 0 is perfect, 1 worthless",
      value: { $0.infidelity }),
    Measure(
      name: "sparseness", title: "sparseness",
      meaning: "how few pixels hold the map; 0 all alike, 1 a single one",
      value: { $0.sparseness }),
  ]

  private static let tested = [
    Measure(
      name: "sensitivity", title: "sensitivity ↓",
      meaning: "how much the map changes with slight noise in the input; small is good",
      value: { $0.sensitivity }),
    Measure(
      name: "stability", title: "stability ↑",
      meaning: "how much maps of other seeds rank alike; 1 is the same ranking",
      value: { $0.stability }),
  ]

  private static let localized = [
    Measure(
      name: "massInside", title: "inside ↑",
      meaning: "the share of the positive attribution in the region that is known to be right",
      value: { $0.localization?.massInside }),
    Measure(
      name: "isHit", title: "hit", meaning: "whether the largest value lies in that region",
      value: { $0.localization.map { $0.isHit ? 1 : 0 } }, isFlag: true),
  ]

  /// The measures that judgements have, in their order.
  static func columns(of judgements: [Comparison.Judgement]) -> [Measure] {
    guard !judgements.isEmpty else { return [] }
    let extra = (tested + localized).filter { measure in
      judgements.contains { measure.value($0) != nil }
    }
    return usual + extra
  }

  /// The measures of a label's maps, a row a method.
  static func table(of comparison: Comparison, target t: Int) -> ComparisonFigure.Table {
    let columns = columns(of: Array(comparison.judgements.joined()))
    return ComparisonFigure.Table(
      title: "Faithfulness for \(comparison.targets[t].label)",
      header: ["method"] + columns.map(\.title) + ["gap", "R²"],
      rows: comparison.explanations.indices.map { m in
        let attribution = comparison.explanations[m][t].attribution
        return [comparison.explanations[m][t].title]
          + columns.map { column in
            let value = column.value(comparison.judgements[m][t])
            guard column.isFlag else { return NumberText.measure(value) }
            return value.map { $0 > 0 ? "yes" : "no" } ?? "–"
          }
          + [
            attribution.completenessGap.map(NumberText.gap) ?? "–",
            NumberText.measure(attribution.score),
          ]
      }, notes: t == 0 ? legend(of: columns) : [])
  }

  /// What the measures mean, a line each.
  private static func legend(of columns: [Measure]) -> [String] {
    columns.map { "\($0.title): \($0.meaning)" } + [
      "gap: what is missing when base value and map are added up, of methods that promise the sum",
      "R²: how well the simple model that the method fits explains the network near the input",
    ]
  }
}
