public import Prism

extension Prediction {
  /// The five most probable labels, one line each.
  public var summary: [String] {
    TextTable.lines(
      ranked.prefix(5).map { entry in
        [NumberText.percent(entry.probability, isAligned: true), entry.label]
          + (threshold.map { entry.probability >= $0 ? ["above threshold"] : [] } ?? [])
      })
  }
}
