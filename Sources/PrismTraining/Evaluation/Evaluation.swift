public import PrismRuntime

/// How well a model's probabilities agree with the truth, with 95 % intervals.
///
/// Rates have Wilson's intervals, everything else those of a bootstrap over samples; where all
/// resamples give the same, an area has that of its score, and other measures have none.
public struct Evaluation: Sendable, Equatable, Codable {
  /// A measure with its interval.
  public struct Measure: Sendable, Equatable, Codable {
    /// How an interval is made.
    public enum Method: String, Sendable, Codable {
      /// The percentiles over resamples.
      case bootstrap
      /// Wilson's score, for rates; the mean of rates from those of each.
      case wilson
      /// The score of Mann and Whitney's statistic, for areas of which resamples say nothing.
      case score
    }

    /// The measure's name, such as `auc`.
    public let name: String
    /// The measure over all samples; `nil` where it is not defined, as an AUC without positive
    /// samples.
    public let value: Double?
    /// The 95 % interval; `nil` where the measure is not defined or nothing can be said of it.
    public let interval: ClosedRange<Double>?
    /// How the interval is made; `nil` where there is none.
    public let method: Method?

    init(_ name: String, _ value: Double?, _ interval: ClosedRange<Double>?, _ method: Method) {
      self.name = name
      self.value = value
      self.interval = value == nil ? nil : interval
      self.method = self.interval == nil ? nil : method
    }
  }

  /// A point of an ROC curve.
  public struct CurvePoint: Sendable, Equatable, Codable {
    /// The share of negative samples that are taken for positive.
    public let falsePositiveRate: Double
    /// The share of positive samples that are found.
    public let truePositiveRate: Double
  }

  /// What is measured of one label.
  public struct LabelMeasures: Sendable, Equatable, Codable {
    /// The label.
    public let label: String
    /// The samples of which the label is known.
    public let samples: Int
    /// The samples that have it.
    public let positives: Int
    /// The probability from which the label counts, or `nil` where labels exclude each other.
    public let threshold: Double?
    /// AUC, average precision, F1, sensitivity and specificity.
    public let measures: [Measure]

    /// The measure with a name.
    public func measure(_ name: String) -> Measure? { measures.first { $0.name == name } }

    /// The samples that do not have it.
    public var negatives: Int { samples - positives }

    /// What to think of measures of few samples, or `nil`.
    public var note: String? {
      let least = Evaluation.fewest
      if positives == 0 { return "no positive samples: not measured" }
      if negatives == 0 { return "no negative samples: not measured" }
      if positives < least { return "only \(positives) positive: too few to measure well" }
      return negatives < least ? "only \(negatives) negative: too few to measure well" : nil
    }
  }

  /// One bin of a reliability diagram.
  public struct CalibrationBin: Sendable, Equatable, Codable {
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
  /// The probability from which a label counts, for binary and multi-label tasks; `nil` too where
  /// labels have thresholds of their own, which ``LabelMeasures/threshold`` says.
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
  public let curves: [[CurvePoint]]
  /// The number of resamples behind the intervals.
  public let resamples: Int

  /// The measure with a name.
  public func measure(_ name: String) -> Measure? { measures.first { $0.name == name } }

  /// The bins of the calibration error.
  static let binCount = 10
  /// The fewest positive or negative samples of which a label is measured well.
  public static let fewest = 10

  /// What a reader should know of labels with few samples.
  public var notes: [String] {
    perLabel.compactMap { label in label.note.map { "\(label.label): \($0)" } }
  }

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
    let thresholds = [Double](repeating: threshold, count: labels.count)
    let scored = ScoredSamples(
      probabilities: probabilities, truths: truths, task: task, thresholds: thresholds)
    self.init(
      scored, samples: truths.count, labels: labels, thresholds: thresholds,
      draws: scored.draws(resamples, samples: truths.count, seed: seed) {})
  }

  /// Measures probabilities with a threshold for every label.
  ///
  /// - Parameters:
  ///   - probabilities: One row a sample, one column a label.
  ///   - truths: What is true of the samples.
  ///   - task: The task.
  ///   - labels: The names of the labels.
  ///   - thresholds: The probability from which each label counts.
  ///   - resamples: The resamples behind the intervals; 0 for none.
  ///   - seed: Selects them.
  ///   - work: Is told of resamples; ends where its task is cancelled.
  /// - Throws: `CancellationError`.
  public init(
    probabilities: [[Double]], truths: [DataSet.Truth], task: Objective.Task, labels: [String],
    thresholds: [Double], resamples: Int = 1000, seed: UInt64 = 0, work: Work
  ) throws {
    let scored = ScoredSamples(
      probabilities: probabilities, truths: truths, task: task, thresholds: thresholds)
    work.plan(resamples)
    self.init(
      scored, samples: truths.count, labels: labels, thresholds: thresholds,
      draws: try scored.draws(resamples, samples: truths.count, seed: seed) { try work.did(1) })
  }

  private init(
    _ scored: ScoredSamples, samples: Int, labels: [String], thresholds: [Double],
    draws: [ScoredSamples.Values]
  ) {
    task = scored.task
    self.labels = labels
    self.samples = samples
    let isEven = Set(thresholds).count == 1
    threshold = scored.task == .multiclass || !isEven ? nil : thresholds.first
    resamples = draws.count
    let measuring = Measuring(scored: scored, whole: scored.measured(weights: nil), draws: draws)
    measures = measuring.overall
    perLabel = scored.measuredLabels.enumerated().map { position, label in
      LabelMeasures(
        label: labels[label], samples: scored.known[label].count,
        positives: scored.positives(label),
        threshold: scored.task == .multiclass ? nil : thresholds[label],
        measures: measuring.ofLabel(at: position))
    }
    confusion = scored.confusion
    calibration = scored.bins(weights: nil).map {
      CalibrationBin(
        count: Int($0.count), confidence: $0.count > 0 ? $0.confidence / $0.count : 0,
        accuracy: $0.count > 0 ? $0.right / $0.count : 0)
    }
    curves = scored.measuredLabels.map { label in
      scored.rankings[label].rocCurve().map {
        CurvePoint(falsePositiveRate: $0.falsePositiveRate, truePositiveRate: $0.truePositiveRate)
      }
    }
  }
}
