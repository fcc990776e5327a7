internal import PrismTensor

/// A plane between two sets of vectors: logistic regression with a ridge penalty, by the vectors'
/// products with each other alone.
///
/// Weights w and intercept b minimise `mean log(1 + exp(−y (w·x + b))) + α/2 |w|²`, where y is 1 or
/// −1 and the intercept is free; the minimum is the only one, and Newton's steps find it without
/// any random draw. The weights are a sum of the vectors, `w = Σ βᵢ xᵢ`, so that vectors may be much
/// longer than there are of them.
struct LinearSeparator {
  /// What each vector has in the weights.
  let shares: [Double]
  /// The intercept.
  let intercept: Double
  /// The length of the weights.
  let length: Double

  /// Finds the plane.
  ///
  /// - Parameters:
  ///   - products: Of each vector with each, row by row.
  ///   - isPositive: On which side each vector belongs; both sides have one.
  ///   - penalty: α, above 0.
  /// - Throws: `ExplanationError` where the vectors are not finite or LAPACK cannot be used.
  init(products: [Double], isPositive: [Bool], penalty: Double) throws(ExplanationError) {
    let n = isPositive.count
    let signs = isPositive.map { $0 ? 1.0 : -1.0 }
    // In the scale in which the penalty is |w|²/2.
    let cost = 1 / (penalty * Double(n))
    func scores(_ shares: [Double], _ intercept: Double) -> [Double] {
      (0..<n).map { i in
        (0..<n).reduce(intercept) { $0 + products[i * n + $1] * shares[$1] }
      }
    }
    func objective(_ shares: [Double], _ scores: [Double], _ intercept: Double) -> Double {
      let ridge = (0..<n).reduce(0) { $0 + shares[$1] * (scores[$1] - intercept) } / 2
      return (0..<n).reduce(ridge) { sum, i in
        let margin = signs[i] * scores[i]
        // log(1 + exp(−m)), whatever the sign of m.
        return sum + cost * (max(-margin, 0) + logarithm(onePlus: exponential(-abs(margin))))
      }
    }
    var (shares, intercept) = ([Double](repeating: 0, count: n), 0.0)
    var current = scores(shares, intercept)
    var value = objective(shares, current, intercept)
    for _ in 0..<Self.stepLimit {
      guard value.isFinite else { throw .notFinite(layer: "the concept's layer") }
      let slopes = (0..<n).map { cost * signs[$0] * sigmoid(-signs[$0] * current[$0]) }
      let curves = current.map { max(cost * sigmoid($0) * sigmoid(-$0), 1e-12 * cost) }
      let (next, offset) = try Self.step(products, slopes, curves, current)
      var size = 1.0
      var isDone = true
      // Newton's step is too long only far from the minimum.
      for _ in 0..<Self.halvings {
        let trial = zip(shares, next).map { $0 + size * ($1 - $0) }
        let trialIntercept = intercept + size * (offset - intercept)
        let found = scores(trial, trialIntercept)
        let better = objective(trial, found, trialIntercept)
        if better < value {
          isDone = value - better <= 1e-15 * abs(value)
          (shares, intercept, current, value) = (trial, trialIntercept, found, better)
          break
        }
        size /= 2
      }
      if isDone { break }
    }
    self.shares = shares
    self.intercept = intercept
    length = max(zip(shares, current).reduce(0) { $0 + $1.0 * ($1.1 - intercept) }, 0).squareRoot()
  }

  private static let stepLimit = 200
  private static let halvings = 40

  /// The minimum of the quadratic that touches the objective: shares `β = p − b q` with
  /// `(I + W K) p = g + W f` and `(I + W K) q = W 1`, and b such that they add up to zero.
  private static func step(
    _ products: [Double], _ slopes: [Double], _ curves: [Double], _ scores: [Double]
  ) throws(ExplanationError) -> (shares: [Double], intercept: Double) {
    let n = scores.count
    let roots = curves.map { $0.squareRoot() }
    var matrix = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<n {
        matrix[i * n + j] = roots[i] * products[i * n + j] * roots[j] + (i == j ? 1 : 0)
      }
    }
    guard let factor = try Cholesky(matrix, size: n) else {
      throw .unsuitable("the concept's activations are too far apart to be separated in numbers")
    }
    let right = (0..<n).map { slopes[$0] + curves[$0] * scores[$0] }
    let seen = (0..<n).map { i in
      roots[i] * (0..<n).reduce(0) { $0 + products[i * n + $1] * right[$1] }
    }
    let solved = try factor.solve(seen + roots)
    let p = (0..<n).map { right[$0] - roots[$0] * solved[$0] }
    let q = (0..<n).map { roots[$0] * solved[n + $0] }
    let total = q.reduce(0, +)
    let intercept = total > 0 ? p.reduce(0, +) / total : 0
    return (zip(p, q).map { $0 - intercept * $1 }, intercept)
  }
}
