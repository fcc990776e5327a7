/// Running sums over samples, one for every pixel, in Double and in the order of the samples.
struct PixelMoments {
  private var powers: [[Double]]
  private var count = 0.0

  init(area: Int, order: Int) {
    powers = (0..<order).map { _ in [Double](repeating: 0, count: area) }
  }

  mutating func add(_ values: [Double]) {
    count += 1
    for order in powers.indices {
      for i in values.indices {
        var power = values[i]
        for _ in 0..<order { power *= values[i] }
        powers[order][i] += power
      }
    }
  }

  var means: [Double] { powers[0].map { $0 / count } }

  /// The variance of the samples, with the divisor n.
  var variances: [Double] {
    powers[0].indices.map { i in
      let mean = powers[0][i] / count
      return max(powers[1][i] / count - mean * mean, 0)
    }
  }

  /// The standard error of the means; infinite for fewer than two samples.
  var standardErrors: [Double] {
    variances.map { count > 1 ? ($0 / (count - 1)).squareRoot() : .infinity }
  }

  /// The standard error of the variances, by the fourth central moment.
  var standardErrorsOfVariances: [Double] {
    powers[0].indices.map { i in
      let (m1, m2) = (powers[0][i] / count, powers[1][i] / count)
      let (m3, m4) = (powers[2][i] / count, powers[3][i] / count)
      let fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1 * m1 * m1 * m1
      let variance = m2 - m1 * m1
      return (max(fourth - variance * variance, 0) / count).squareRoot()
    }
  }
}
