internal import PrismTensor

/// Samples with what a model says of them, sorted once for any number of resamples.
struct ScoredSamples {
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
    probabilities: [[Double]], truths: [DataSet.Truth], task: Objective.Task,
    thresholds: [Double]
  ) {
    self.task = task
    let labelCount = thresholds.count
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
        let predicted = task == .binary ? (row[1] >= thresholds[1] ? 1 : 0) : top
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
          isPredicted[k][i] = row[k] >= thresholds[k]
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

  /// All labels.
  var labels: Range<Int> { 0..<labelCount }

  /// The samples that have a label.
  func positives(_ label: Int) -> Int { known[label].count { isPositive[label][$0] } }

  /// The right decisions of all, where labels exclude each other.
  var rightDecisions: Rate {
    Rate(zip(trueLabels, predictedLabels).count { $0 == $1 }, of: trueLabels.count)
  }

  /// How samples and decisions of one label fall together.
  struct Counts {
    var truePositives = 0
    var falsePositives = 0
    var falseNegatives = 0
    var trueNegatives = 0

    var sensitivity: Rate { Rate(truePositives, of: truePositives + falseNegatives) }
    var specificity: Rate { Rate(trueNegatives, of: trueNegatives + falsePositives) }
  }

  func counts(_ label: Int) -> Counts {
    var counts = Counts()
    for i in known[label] {
      switch (isPositive[label][i], isPredicted[label][i]) {
      case (true, true): counts.truePositives += 1
      case (false, true): counts.falsePositives += 1
      case (true, false): counts.falseNegatives += 1
      case (false, false): counts.trueNegatives += 1
      }
    }
    return counts
  }

  /// The measures of resamples, drawn with replacement.
  func draws(
    _ resamples: Int, samples: Int, seed: UInt64, check: () throws -> Void
  ) rethrows -> [Values] {
    var draws: [Values] = []
    draws.reserveCapacity(resamples)
    var random = SeededRandom(seed: seed)
    for _ in 0..<(samples > 0 ? resamples : 0) {
      var weights = [Int](repeating: 0, count: samples)
      for _ in 0..<samples { weights[Int.random(in: 0..<samples, using: &random)] += 1 }
      draws.append(measured(weights: weights))
      try check()
    }
    return draws
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
