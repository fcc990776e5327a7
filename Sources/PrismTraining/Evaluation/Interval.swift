/// 95 % intervals that say something also where every resample gives the same.
package enum Interval {
  /// The 2.5 and 97.5 percentiles of resamples; `nil` where they are all the same, which says
  /// nothing.
  package static func bootstrap(_ draws: [Double]) -> ClosedRange<Double>? {
    let sorted = draws.sorted()
    guard let first = sorted.first, let last = sorted.last, first < last else { return nil }
    return percentile(sorted, 0.025)...percentile(sorted, 0.975)
  }

  /// The area under an ROC curve by the score of Mann and Whitney's statistic: those areas θ from
  /// which the one that was found is not further than 1.96 standard deviations *of θ*.
  ///
  /// Newcombe, "Confidence intervals for an effect size measure based on the Mann–Whitney
  /// statistic. Part 2: asymptotic methods and evaluation", Statistics in Medicine 25 (2006),
  /// method 5. It has a width at 0 and 1, where the bootstrap and DeLong's variance have none.
  static func area(_ area: Double, positives: Int, negatives: Int) -> ClosedRange<Double>? {
    guard positives > 0, negatives > 0 else { return nil }
    let (m, n) = (Double(positives), Double(negatives))
    let star = (m + n) / 2 - 1
    func excess(_ theta: Double) -> Double {
      let variance =
        theta * (1 - theta) / (m * n)
        * (1 + star * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
      return abs(area - theta) - Rate.quantile * variance.squareRoot()
    }
    /// Where the excess, positive at `outside` and negative just within `area`, is zero.
    func root(from outside: Double) -> Double {
      var (inner, outer) = (area, outside)
      guard excess(outer) > 0 else { return outer }
      for _ in 0..<200 {
        let middle = (inner + outer) / 2
        if excess(middle) > 0 { outer = middle } else { inner = middle }
      }
      return (inner + outer) / 2
    }
    return root(from: 0)...root(from: 1)
  }

  /// The mean of independent rates, from their own intervals (Zou and Donner's method of variance
  /// estimates recovery, Statistics in Medicine 27, 2008).
  static func mean(_ rates: [Rate]) -> ClosedRange<Double>? {
    let known = rates.compactMap { rate in
      rate.value.flatMap { value in rate.interval.map { (value, $0) } }
    }
    guard !known.isEmpty else { return nil }
    let count = Double(known.count)
    let mean = known.reduce(0) { $0 + $1.0 } / count
    let below = known.reduce(0) { $0 + ($1.0 - $1.1.lowerBound) * ($1.0 - $1.1.lowerBound) }
    let above = known.reduce(0) { $0 + ($1.1.upperBound - $1.0) * ($1.1.upperBound - $1.0) }
    return max(0, mean - below.squareRoot() / count)...min(1, mean + above.squareRoot() / count)
  }

  /// F1, which rises with the share of true positives in all that are positive or taken for it: `2p
  /// / (1 + p)`.
  static func f1(truePositives: Int, of union: Int) -> ClosedRange<Double>? {
    Rate(truePositives, of: union).interval.map { p in
      2 * p.lowerBound / (1 + p.lowerBound)...2 * p.upperBound / (1 + p.upperBound)
    }
  }
}

/// A percentile of sorted numbers, with straight lines between them as NumPy has it.
func percentile(_ sorted: [Double], _ share: Double) -> Double {
  let position = share * Double(sorted.count - 1)
  let low = Int(position)
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
}
