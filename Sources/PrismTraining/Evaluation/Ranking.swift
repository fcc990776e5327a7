/// Scores of one label in descending order, from which curves and areas are computed.
///
/// Samples carry whole weights, so that a bootstrap needs no new sorting. Samples of equal score
/// are one point of a curve, as in scikit-learn.
public struct Ranking: Sendable {
  private let order: [Int]
  private let isPositive: [Bool]
  private let endsGroup: [Bool]

  /// Sorts the scores.
  ///
  /// - Parameters:
  ///   - scores: One a sample; larger means more probably positive.
  ///   - truths: Whether each sample is positive.
  public init(scores: [Double], truths: [Bool]) {
    let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    self.order = order
    isPositive = order.map { truths[$0] }
    endsGroup = order.indices.map {
      $0 == order.count - 1 || scores[order[$0]] != scores[order[$0 + 1]]
    }
  }

  /// The numbers of true and false positives after every group of equal scores, from (0, 0).
  private func counts(_ weights: [Int]?) -> [(true: Double, false: Double)] {
    var result = [(true: 0.0, false: 0.0)]
    var (positives, negatives) = (0, 0)
    for i in order.indices {
      let weight = weights?[order[i]] ?? 1
      if isPositive[i] { positives += weight } else { negatives += weight }
      if endsGroup[i] { result.append((Double(positives), Double(negatives))) }
    }
    return result
  }

  /// The area under the ROC curve; `nil` where all samples are of one kind.
  public func areaUnderROC(weights: [Int]? = nil) -> Double? {
    let counts = counts(weights)
    guard let total = counts.last, total.true > 0, total.false > 0 else { return nil }
    // In whole numbers and halves, hence exact up to 2⁵².
    var area = 0.0
    for (a, b) in zip(counts, counts.dropFirst()) {
      area += (b.false - a.false) * (a.true + b.true) / 2
    }
    return area / (total.true * total.false)
  }

  /// Average precision, `Σ (Rₙ − Rₙ₋₁) Pₙ`, as scikit-learn has it; `nil` without positive samples.
  public func averagePrecision(weights: [Int]? = nil) -> Double? {
    let counts = counts(weights)
    guard let total = counts.last, total.true > 0 else { return nil }
    var sum = 0.0
    for (a, b) in zip(counts, counts.dropFirst()) where b.true + b.false > 0 {
      sum += (b.true - a.true) / total.true * (b.true / (b.true + b.false))
    }
    return sum
  }

  /// The rate at which as many negatives are taken for positive as positives for negative, on the
  /// ROC curve with straight lines between its points; `nil` where all samples are of one kind.
  public func equalErrorRate(weights: [Int]? = nil) -> Double? {
    let curve = rocCurve(weights: weights)
    for (a, b) in zip(curve, curve.dropFirst()) {
      // The false positive rate rises to meet the false negative rate.
      let (before, after) = (
        1 - a.truePositiveRate - a.falsePositiveRate, 1 - b.truePositiveRate - b.falsePositiveRate
      )
      guard before >= 0, after <= 0 else { continue }
      let share = before == after ? 0 : before / (before - after)
      return a.falsePositiveRate + share * (b.falsePositiveRate - a.falsePositiveRate)
    }
    return nil
  }

  /// The points of the ROC curve, from (0, 0) to (1, 1); empty where all samples are of one kind.
  public func rocCurve(
    weights: [Int]? = nil
  ) -> [(falsePositiveRate: Double, truePositiveRate: Double)] {
    let counts = counts(weights)
    guard let total = counts.last, total.true > 0, total.false > 0 else { return [] }
    return counts.map { ($0.false / total.false, $0.true / total.true) }
  }
}
