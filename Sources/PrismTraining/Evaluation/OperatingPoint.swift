/// A label's threshold, chosen for a sensitivity, with what it does to the samples that it was
/// chosen on.
public struct OperatingPoint: Sendable, Equatable, Codable {
  /// The label.
  public let label: String
  /// The probability from which the label counts.
  public let threshold: Double
  /// The share of positive samples that are found.
  public let sensitivity: Rate
  /// The share of negative samples that are left alone.
  public let specificity: Rate
  /// Whether the threshold is the usual one for want of positive samples.
  public let isFallback: Bool

  /// Chooses the highest threshold that finds a share of the positive samples.
  ///
  /// It lies halfway between the lowest score that must be found and the next lower one, so that it
  /// does not hang on the last bit of either.
  ///
  /// - Parameters:
  ///   - label: The label.
  ///   - scores: Its probability for every sample.
  ///   - truths: Whether the samples have it.
  ///   - sensitivity: The share to find, above 0 and up to 1.
  ///   - fallback: The threshold where no sample is positive.
  public init(
    label: String, scores: [Double], truths: [Bool], sensitivity: Double,
    otherwise fallback: Double
  ) {
    self.label = label
    let positives = zip(scores, truths).filter { $1 }.map(\.0).sorted(by: >)
    isFallback = positives.isEmpty
    var threshold = fallback
    if !positives.isEmpty {
      // A share such as 0.9 of 10 is 9, whatever the last bit says.
      let needed = (sensitivity * Double(positives.count) - 1e-9).rounded(.up)
      let last = positives[min(max(Int(needed), 1), positives.count) - 1]
      let below = scores.filter { $0 < last }.max() ?? 0
      threshold = min(max(below + (last - below) / 2, 1e-12), 1 - 1e-12)
    }
    self.threshold = threshold
    let found = zip(scores, truths).map { (isFound: $0 >= threshold, isPositive: $1) }
    self.sensitivity = Rate(
      found.count { $0.isPositive && $0.isFound }, of: found.count { $0.isPositive })
    specificity = Rate(
      found.count { !$0.isPositive && !$0.isFound }, of: found.count { !$0.isPositive })
  }
}
