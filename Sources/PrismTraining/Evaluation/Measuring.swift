/// Makes measures of scored samples and their resamples.
struct Measuring {
  let scored: ScoredSamples
  let whole: ScoredSamples.Values
  let draws: [ScoredSamples.Values]

  private typealias Measure = Evaluation.Measure

  /// The measures over all labels.
  var overall: [Evaluation.Measure] {
    let isBinary = scored.task == .binary
    let prefix = isBinary ? "" : "macro_"
    var measures = [accuracy, balancedAccuracy, area(prefix + "auc")]
    measures.append(resampled(prefix + "average_precision") { $0.macro(\.averagePrecision) })
    measures.append(
      isBinary
        ? f1(at: 0) { $0.macro(\.f1) } : resampled(prefix + "f1") { $0.macro(\.f1) })
    if isBinary { measures.append(resampled("eer") { $0.equalErrorRate }) }
    measures.append(resampled("ece") { $0.calibrationError })
    return measures
  }

  /// The measures of one label, by its place among those that are measured.
  func ofLabel(at position: Int) -> [Evaluation.Measure] {
    let counts = scored.counts(scored.measuredLabels[position])
    return [
      area(at: position), resampled("average_precision") { $0.labels[position].averagePrecision },
      f1(at: position) { $0.labels[position].f1 },
      rate("sensitivity", counts.sensitivity), rate("specificity", counts.specificity),
    ]
  }

  private func resampled(
    _ name: String, _ value: (ScoredSamples.Values) -> Double?
  ) -> Measure {
    Measure(name, value(whole), Interval.bootstrap(draws.compactMap(value)), .bootstrap)
  }

  private func rate(_ name: String, _ rate: Rate) -> Measure {
    Measure(name, rate.value, rate.interval, .wilson)
  }

  // Decisions on the labels of one sample hang together, so that their share is no rate of
  // independent trials.
  private var accuracy: Measure {
    guard scored.task != .multilabel else { return resampled("accuracy") { $0.accuracy } }
    return rate("accuracy", scored.rightDecisions)
  }

  private var balancedAccuracy: Measure {
    guard scored.task != .multilabel else {
      return resampled("balanced_accuracy") { $0.balancedAccuracy }
    }
    let rates = scored.labels.map { scored.counts($0).sensitivity }
    return Measure("balanced_accuracy", whole.balancedAccuracy, Interval.mean(rates), .wilson)
  }

  private func area(at position: Int) -> Measure {
    let usual = resampled("auc") { $0.labels[position].auc }
    guard let value = usual.value else { return usual }
    let label = scored.measuredLabels[position]
    let positives = scored.positives(label)
    let negatives = scored.known[label].count - positives
    let areFew = min(positives, negatives) < Evaluation.fewest
    guard usual.interval == nil || areFew else { return usual }
    return Measure(
      "auc", value, Interval.area(value, positives: positives, negatives: negatives), .score)
  }

  /// The mean of areas; where resamples say nothing, between the means of the ends of each.
  private func area(_ name: String) -> Measure {
    let areas = scored.measuredLabels.indices.map { area(at: $0) }.filter { $0.value != nil }
    let usual = resampled(name) { $0.macro(\.auc) }
    guard usual.interval == nil || scored.task == .binary, usual.value != nil else { return usual }
    let known = areas.compactMap { area in area.interval.map { ($0, area.method) } }
    guard known.count == areas.count, !known.isEmpty else { return usual }
    let count = Double(known.count)
    let low = known.reduce(0) { $0 + $1.0.lowerBound } / count
    let high = known.reduce(0) { $0 + $1.0.upperBound } / count
    return Measure(name, usual.value, low...high, known[0].1 ?? .score)
  }

  private func f1(
    at position: Int, _ value: (ScoredSamples.Values) -> Double?
  ) -> Measure {
    let usual = resampled("f1", value)
    guard usual.interval == nil else { return usual }
    let counts = scored.counts(scored.measuredLabels[position])
    return Measure(
      "f1", usual.value,
      Interval.f1(
        truePositives: counts.truePositives,
        of: counts.truePositives + counts.falsePositives + counts.falseNegatives), .wilson)
  }
}
