/// What is watched on the validation split: it tells the best epoch, and whether there is progress.
public enum Monitor: String, Sendable, CaseIterable, Codable {
  /// The loss, lowest.
  case loss
  /// The area under the ROC curve, highest; the mean over labels where there are several.
  case auc
  /// The average precision, highest; the mean over labels where there are several.
  case averagePrecision = "average-precision"
  /// The share of right decisions, highest.
  case accuracy

  /// What the best epoch has, such as `the lowest loss`.
  var superlative: String {
    switch self {
    case .loss: "the lowest loss"
    case .auc: "the highest AUC"
    case .averagePrecision: "the highest average precision"
    case .accuracy: "the highest accuracy"
    }
  }

  /// What is better when it is lower.
  private func cost(_ record: EpochRecord) -> Double {
    switch self {
    case .loss: record.validationLoss
    case .auc: record.validationAUC.map { -$0 } ?? .infinity
    case .averagePrecision: record.validationAveragePrecision.map { -$0 } ?? .infinity
    case .accuracy: -record.validationAccuracy
    }
  }

  /// The best of some epochs; of equals the one with the lower loss, then the earlier.
  func best(of records: [EpochRecord]) -> EpochRecord? {
    records.min {
      (cost($0), $0.validationLoss, $0.epoch) < (cost($1), $1.validationLoss, $1.epoch)
    }
  }

  /// Refuses to watch what the validation split does not define.
  func check(validation: [DataSet.Sample], _ data: DataSet) throws(TrainingError) {
    guard self == .auc || self == .averagePrecision else { return }
    let isMeasurable = data.labels.indices.contains { label in
      let truths = validation.compactMap { $0.truth.has(label) }
      return truths.contains(true) && truths.contains(false)
    }
    guard isMeasurable else { throw .unmeasurable(monitor: rawValue) }
  }
}
