internal import PrismTensor

/// A rule for integrals from 0 to 1: where to look, and how much each look counts.
public enum Quadrature: String, Sendable, CaseIterable {
  /// The Gauss-Legendre rule: exact for polynomials of a degree below twice the number of points.
  case gaussLegendre
  /// The left end of every step.
  case left
  /// The right end of every step.
  case right
  /// The middle of every step.
  case middle
  /// The mean of both ends of every step: one point more than steps, the outer ones at half weight.
  case trapezoid

  /// The points and weights of a rule with so many steps; the weights add up to 1.
  ///
  /// captum's trapezoid spreads n points over the interval and gives all but the outer ones the
  /// weight 1 / n, which adds up to (n − 1) / n; this one does not.
  ///
  /// - Parameter steps: At least 1.
  /// - Returns: As many points as steps, for the trapezoid one more.
  public func points(_ steps: Int) -> [(position: Double, weight: Double)] {
    let n = Double(steps)
    func even(_ shift: Double) -> [(position: Double, weight: Double)] {
      (0..<steps).map { ((Double($0) + shift) / n, 1 / n) }
    }
    switch self {
    case .left: return even(0)
    case .right: return even(1)
    case .middle: return even(0.5)
    case .trapezoid:
      return (0...steps).map { (Double($0) / n, $0 == 0 || $0 == steps ? 0.5 / n : 1 / n) }
    case .gaussLegendre: return Self.legendre(steps)
    }
  }

  /// The roots of the Legendre polynomial of degree n by Newton's method, mapped from −1…1 to 0…1.
  private static func legendre(_ n: Int) -> [(position: Double, weight: Double)] {
    (0..<n).map { i in
      var x = cosine(.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
      var slope = 1.0
      for _ in 0..<100 {
        var (previous, value) = (1.0, x)
        for k in 1..<max(n, 1) {
          let k = Double(k)
          (previous, value) = (value, ((2 * k + 1) * x * value - k * previous) / (k + 1))
        }
        slope = Double(n) * (x * value - previous) / (x * x - 1)
        let step = value / slope
        x -= step
        if abs(step) < 1e-16 { break }
      }
      // The interval has half the length: half the weight.
      return ((1 - x) / 2, 1 / ((1 - x * x) * slope * slope))
    }
  }
}
