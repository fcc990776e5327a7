internal import PrismTensor

/// How well a model's probabilities agree with the truth, with 95 % intervals by bootstrap.
public struct Evaluation: Sendable {
  /// A measure with its interval.
  public struct Measure: Sendable, Equatable {
    /// The measure's name, such as `auc`.
    public let name: String
    /// The measure over all samples; `nil` where it is not defined, as an AUC without positive samples.
    public let value: Double?
    /// The 2.5 and 97.5 percentiles over resamples, or `nil` where the measure is not defined.
    public let interval: ClosedRange<Double>?
  }

  /// What is measured of one label.
  public struct LabelMeasures: Sendable, Equatable {
    /// The label.
    public let label: String
    /// The samples of which the label is known.
    public let samples: Int
    /// The samples that have it.
    public let positives: Int
    /// AUC, average precision and F1.
    public let measures: [Measure]
  }

  /// One bin of a reliability diagram.
  public struct CalibrationBin: Sendable, Equatable {
    /// The samples in the bin.
    public let count: Int
    /// Their mean confidence.
    public let confidence: Double
    /// The share of them that are right.
    public let accuracy: Double
  }

  /// The task.
  public let task: Objective.Task
  /// The labels.
  public let labels: [String]
  /// The number of samples.
  public let samples: Int
  /// The probability from which a label counts, for binary and multi-label tasks.
  public let threshold: Double?
  /// The measures over all labels.
  public let measures: [Measure]
  /// The measures of each label.
  public let perLabel: [LabelMeasures]
  /// Rows of true labels, columns of predicted ones; empty for a multi-label task.
  public let confusion: [[Int]]
  /// Ten bins of equal width of the confidence.
  public let calibration: [CalibrationBin]
  /// The points of each label's ROC curve.
  public let curves: [[(falsePositiveRate: Double, truePositiveRate: Double)]]
  /// The number of resamples behind the intervals.
  public let resamples: Int

  /// The measure with a name.
  public func measure(_ name: String) -> Measure? { measures.first { $0.name == name } }

  /// The bins of the calibration error.
  static let binCount = 10

  /// Measures probabilities.
  ///
  /// - Parameters:
  ///   - probabilities: One row a sample, one column a label.
  ///   - truths: What is true of the samples.
  ///   - task: The task.
  ///   - labels: The names of the labels.
  ///   - threshold: The probability from which a label counts, for binary and multi-label tasks.
  ///   - resamples: The resamples behind the intervals; 0 for none.
  ///   - seed: Selects them.
  public init(
    probabilities: [[Double]], truths: [DataSet.Truth], task: Objective.Task, labels: [String],
    threshold: Double = 0.5, resamples: Int = 1000, seed: UInt64 = 0
  ) {
    self.task = task
    self.labels = labels
    samples = truths.count
    self.threshold = task == .multiclass ? nil : threshold
    self.resamples = resamples
    let scored = ScoredSamples(
      probabilities: probabilities, truths: truths, task: task, labelCount: labels.count,
      threshold: threshold)
    let whole = scored.measured(weights: nil)

    var draws: [ScoredSamples.Values] = []
    draws.reserveCapacity(resamples)
    var random = SeededRandom(seed: seed)
    for _ in 0..<resamples {
      var weights = [Int](repeating: 0, count: truths.count)
      for _ in truths.indices { weights[Int.random(in: truths.indices, using: &random)] += 1 }
      draws.append(scored.measured(weights: weights))
    }
    func measure(_ name: String, _ value: (ScoredSamples.Values) -> Double?) -> Measure {
      let found = draws.compactMap(value).sorted()
      let isDefined = value(whole) != nil && !found.isEmpty
      return Measure(
        name: name, value: value(whole),
        interval: isDefined ? percentile(found, 0.025)...percentile(found, 0.975) : nil)
    }
    var measures = [
      measure("accuracy") { $0.accuracy }, measure("balanced_accuracy") { $0.balancedAccuracy },
      measure(task == .binary ? "auc" : "macro_auc") { $0.macro(\.auc) },
      measure(task == .binary ? "average_precision" : "macro_average_precision") {
        $0.macro(\.averagePrecision)
      },
      measure(task == .binary ? "f1" : "macro_f1") { $0.macro(\.f1) },
    ]
    if task == .binary { measures.append(measure("eer") { $0.equalErrorRate }) }
    measures.append(measure("ece") { $0.calibrationError })
    self.measures = measures

    let rows = scored.measuredLabels
    perLabel = rows.enumerated().map { position, label in
      LabelMeasures(
        label: labels[label], samples: scored.known[label].count,
        positives: scored.known[label].count { scored.isPositive[label][$0] },
        measures: [
          measure("auc") { $0.labels[position].auc },
          measure("average_precision") { $0.labels[position].averagePrecision },
          measure("f1") { $0.labels[position].f1 },
        ])
    }
    confusion = scored.confusion
    calibration = scored.bins(weights: nil).map {
      CalibrationBin(
        count: Int($0.count), confidence: $0.count > 0 ? $0.confidence / $0.count : 0,
        accuracy: $0.count > 0 ? $0.right / $0.count : 0)
    }
    curves = rows.map { scored.rankings[$0].rocCurve() }
  }
}

/// A percentile of sorted numbers, with straight lines between them as NumPy has it.
func percentile(_ sorted: [Double], _ share: Double) -> Double {
  let position = share * Double(sorted.count - 1)
  let low = Int(position)
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
}

/// Samples with what a model says of them, sorted once for any number of resamples.
private struct ScoredSamples {
  /// The measures of one resample.
  struct Values {
    struct Label {
      var auc, averagePrecision, f1: Double?
    }
    var labels: [Label]
    var accuracy, balancedAccuracy, equalErrorRate, calibrationError: Double?

    /// The mean over labels, where every label has the measure that any has.
    func macro(_ path: KeyPath<Label, Double?>) -> Double? {
      let values = labels.compactMap { $0[keyPath: path] }
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
  }

  let task: Objective.Task
  /// The labels of which there are measures: the positive one of a binary task, else all.
  let measuredLabels: [Int]
  let rankings: [Ranking]
  /// For every label the samples of which it is known, and by sample whether they have it.
  let known: [[Int]]
  let isPositive: [[Bool]]
  /// By label and sample whether the model says so.
  private let isPredicted: [[Bool]]
  /// By sample the true and the predicted label, where labels exclude each other.
  private let trueLabels, predictedLabels: [Int]
  /// The bin, confidence and rightness of every decision.
  private let decisions: [(sample: Int, bin: Int, confidence: Double, isRight: Bool)]
  private let labelCount: Int

  init(
    probabilities: [[Double]], truths: [DataSet.Truth], task: Objective.Task, labelCount: Int,
    threshold: Double
  ) {
    self.task = task
    self.labelCount = labelCount
    measuredLabels = task == .binary ? [1] : Array(0..<labelCount)
    var known = [[Int]](repeating: [], count: labelCount)
    var isPositive = [[Bool]](
      repeating: [Bool](repeating: false, count: truths.count), count: labelCount)
    var isPredicted = isPositive
    var (trueLabels, predictedLabels): ([Int], [Int]) = ([], [])
    var decisions: [(sample: Int, bin: Int, confidence: Double, isRight: Bool)] = []
    func decide(_ sample: Int, _ confidence: Double, _ isRight: Bool) {
      // Bins are open below and closed above (Guo et al., ICML 2017).
      let bins = Double(Evaluation.binCount)
      let bin = min(max(Int((confidence * bins).rounded(.up)) - 1, 0), Evaluation.binCount - 1)
      decisions.append((sample, bin, confidence, isRight))
    }
    for (i, truth) in truths.enumerated() {
      let row = probabilities[i]
      switch truth {
      case .label(let label):
        let top = row.indices.max { (row[$0], $1) < (row[$1], $0) } ?? 0
        let predicted = task == .binary ? (row[1] >= threshold ? 1 : 0) : top
        trueLabels.append(label)
        predictedLabels.append(predicted)
        for k in 0..<labelCount {
          known[k].append(i)
          isPositive[k][i] = k == label
          isPredicted[k][i] = k == predicted
        }
        decide(i, row[top], top == label)
      case .labels(let values):
        for (k, value) in values.enumerated() where !value.isNaN {
          known[k].append(i)
          isPositive[k][i] = value == 1
          isPredicted[k][i] = row[k] >= threshold
          let isLikely = row[k] >= 0.5
          decide(i, isLikely ? row[k] : 1 - row[k], isLikely == (value == 1))
        }
      }
    }
    rankings = (0..<labelCount).map { k in
      Ranking(
        scores: known[k].map { probabilities[$0][k] }, truths: known[k].map { isPositive[k][$0] })
    }
    self.known = known
    self.isPositive = isPositive
    self.isPredicted = isPredicted
    self.trueLabels = trueLabels
    self.predictedLabels = predictedLabels
    self.decisions = decisions
  }

  var confusion: [[Int]] {
    guard task != .multilabel else { return [] }
    var matrix = [[Int]](
      repeating: [Int](repeating: 0, count: labelCount), count: labelCount)
    for (truth, predicted) in zip(trueLabels, predictedLabels) { matrix[truth][predicted] += 1 }
    return matrix
  }

  func bins(weights: [Int]?) -> [(count: Double, confidence: Double, right: Double)] {
    var bins = [(count: Double, confidence: Double, right: Double)](
      repeating: (0, 0, 0), count: Evaluation.binCount)
    for decision in decisions {
      let weight = Double(weights?[decision.sample] ?? 1)
      bins[decision.bin].count += weight
      bins[decision.bin].confidence += weight * decision.confidence
      if decision.isRight { bins[decision.bin].right += weight }
    }
    return bins
  }

  func measured(weights: [Int]?) -> Values {
    var values = Values(labels: [])
    var (right, decided) = (0.0, 0.0)
    var recalls: [Double] = []
    for k in 0..<labelCount {
      // Of true positives, false positives, false negatives and true negatives.
      var (tp, fp, fn, tn) = (0.0, 0.0, 0.0, 0.0)
      for i in known[k] {
        let weight = Double(weights?[i] ?? 1)
        switch (isPositive[k][i], isPredicted[k][i]) {
        case (true, true): tp += weight
        case (false, true): fp += weight
        case (true, false): fn += weight
        case (false, false): tn += weight
        }
      }
      if task == .multilabel {
        right += tp + tn
        decided += tp + fp + fn + tn
        if tp + fn > 0, fp + tn > 0 { recalls.append((tp / (tp + fn) + tn / (fp + tn)) / 2) }
      } else {
        right += tp
        decided += tp + fn
        if tp + fn > 0 { recalls.append(tp / (tp + fn)) }
      }
      guard measuredLabels.contains(k) else { continue }
      let subset = weights.map { weights in known[k].map { weights[$0] } }
      values.labels.append(
        Values.Label(
          auc: rankings[k].areaUnderROC(weights: subset),
          averagePrecision: rankings[k].averagePrecision(weights: subset),
          f1: 2 * tp + fp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : nil))
      if task == .binary { values.equalErrorRate = rankings[k].equalErrorRate(weights: subset) }
    }
    values.accuracy = decided > 0 ? right / decided : nil
    values.balancedAccuracy =
      recalls.isEmpty ? nil : recalls.reduce(0, +) / Double(recalls.count)
    let bins = bins(weights: weights)
    let total = bins.reduce(0) { $0 + $1.count }
    values.calibrationError =
      total > 0 ? bins.reduce(0) { $0 + abs($1.right - $1.confidence) } / total : nil
    return values
  }
}
