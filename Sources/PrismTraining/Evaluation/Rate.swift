/// A share of counted things, with its 95 % interval by Wilson's score.
///
/// The interval is within 0 and 1 and has a width where all or none were counted: Wilson, "Probable
/// Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).
public struct Rate: Sendable, Equatable, Codable {
  /// How many were counted.
  public let successes: Int
  /// Of how many.
  public let trials: Int

  /// The 97.5 % quantile of the normal distribution.
  static let quantile = 1.959963984540054

  /// Makes a rate.
  public init(_ successes: Int, of trials: Int) {
    self.successes = successes
    self.trials = trials
  }

  /// The share; `nil` of nothing.
  public var value: Double? { trials > 0 ? Double(successes) / Double(trials) : nil }

  /// The 95 % interval; `nil` of nothing.
  public var interval: ClosedRange<Double>? {
    guard let value else { return nil }
    let (n, z2) = (Double(trials), Self.quantile * Self.quantile)
    let center = (value + z2 / (2 * n)) / (1 + z2 / n)
    let half =
      Self.quantile / (1 + z2 / n) * (value * (1 - value) / n + z2 / (4 * n * n)).squareRoot()
    // At the ends rounding must not leave the value out.
    let low = successes == 0 ? 0 : max(0, center - half)
    let high = successes == trials ? 1 : min(1, center + half)
    return low...high
  }
}
