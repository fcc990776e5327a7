internal import PrismTensor

/// How probable Student's t is at least as far from zero, to either side.
///
/// By the incomplete beta function `I(ν / (ν + t²); ν/2, 1/2)`, as a continued fraction.
///
/// - Parameters:
///   - t: The statistic.
///   - freedom: The degrees of freedom, above 0.
/// - Returns: A probability.
package func twoSidedStudentT(_ t: Double, freedom: Double) -> Double {
  guard t.isFinite else { return t.isNaN ? .nan : 0 }
  let x = freedom / (freedom + t * t)
  return incompleteBeta(x, freedom / 2, 0.5)
}

/// The regularised incomplete beta function.
func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  if x <= 0 { return 0 }
  if x >= 1 { return 1 }
  let front = exponential(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * logarithm(x) + b * logarithm(onePlus: -x))
  // The fraction converges fast on this side.
  if x > (a + 1) / (a + b + 2) { return 1 - incompleteBetaTail(front, 1 - x, b, a) }
  return incompleteBetaTail(front, x, a, b)
}

/// Lentz's way through the continued fraction.
private func incompleteBetaTail(_ front: Double, _ x: Double, _ a: Double, _ b: Double) -> Double {
  let least = 1e-300
  func bounded(_ value: Double) -> Double { abs(value) < least ? least : value }
  var c = 1.0
  var d = 1 / bounded(1 - (a + b) * x / (a + 1))
  var fraction = d
  for m in 1...500 {
    let m = Double(m)
    for term in [
      m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
      -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
    ] {
      d = 1 / bounded(1 + term * d)
      c = bounded(1 + term / c)
      fraction *= d * c
    }
    if abs(d * c - 1) < 1e-15 { break }
  }
  return front * fraction / a
}

/// Welch's test of whether two samples have the same mean, where their deviations may differ.
///
/// - Returns: The two-sided probability of means so far apart, or `nil` where a sample has fewer
///   than two numbers or neither sample varies.
func welchTest(_ first: [Double], _ second: [Double]) -> Double? {
  guard first.count > 1, second.count > 1 else { return nil }
  func moments(_ values: [Double]) -> (mean: Double, error: Double) {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, squares / (n - 1) / n)
  }
  let (a, b) = (moments(first), moments(second))
  let error = a.error + b.error
  guard error > 0 else { return nil }
  let freedom =
    error * error
    / (a.error * a.error / Double(first.count - 1) + b.error * b.error / Double(second.count - 1))
  return twoSidedStudentT((a.mean - b.mean) / error.squareRoot(), freedom: freedom)
}
