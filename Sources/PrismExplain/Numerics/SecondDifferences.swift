/// How sure the means are of samples that are drawn in series, each from a slice of its own: by how
/// much every sample leaves the line through its two neighbours.
///
/// Of independent errors with the variance σ², `x − 2y + z` has the variance 6 σ², and a slope from
/// slice to slice cancels; what bends more makes the error larger than it is. Definition: Wolter,
/// "Introduction to Variance Estimation", 2nd edition, 2007, chapter 8 (second differences).
struct SecondDifferences {
  private var earlier: [Double]?
  private var last: [Double]?
  private var series: Int?
  private var sums: [Double]
  private var differences = 0.0

  init(area: Int) { sums = [Double](repeating: 0, count: area) }

  /// Adds a sample of a series; neighbours of different series are not compared.
  mutating func add(_ values: [Double], series: Int) {
    if series != self.series { (earlier, last) = (nil, nil) }
    if let earlier, let last {
      differences += 1
      for i in values.indices {
        let bend = earlier[i] - 2 * last[i] + values[i]
        sums[i] += bend * bend
      }
    }
    (earlier, last, self.series) = (last, values, series)
  }

  /// The standard errors of the means of `count` samples; `nil` where no series has three.
  func standardErrors(count: Int) -> [Double]? {
    guard differences > 0 else { return nil }
    return sums.map { ($0 / (6 * differences * Double(count))).squareRoot() }
  }
}
