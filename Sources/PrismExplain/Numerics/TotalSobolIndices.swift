/// How much of an output's variance is lost where one of its inputs is known no more: total Sobol
/// indices, by Jansen's estimator on a replicated design.
///
/// The design has N points of a cube of twice d dimensions: the first halves make the rows of A,
/// the second those of B, and for every dimension i the rows of Cᵢ are those of A with their i-th
/// number from B. The index of i is `Σ (f(Aⱼ) − f(Cᵢⱼ))² / (2 N V)`, with V the unbiased variance
/// of f(A). B itself is not evaluated, as Jansen's estimator does not ask for it. Definitions:
/// Jansen, "Analysis of Variance Designs for Model Output", Computer Physics Communications 1999;
/// Sobol, "Global Sensitivity Indices for Nonlinear Mathematical Models", 2001.
struct TotalSobolIndices {
  /// The number of inputs.
  let dimensions: Int
  /// The number of points in A.
  let points: Int

  /// The rows of A, and then for every dimension those of C.
  var evaluations: Int { points * (dimensions + 1) }

  /// The rows that are evaluated, each of so many numbers from 0 to 1 as there are dimensions.
  ///
  /// - Throws: ``ExplanationError/parameter(_:_:)`` where there are too many dimensions.
  func rows() throws(ExplanationError) -> [[Float]] {
    var sequence = try SobolSequence(dimensions: 2 * dimensions)
    let both = (0..<points).map { _ in sequence.next() }
    let a = both.map { Array($0.prefix(dimensions)) }
    return a
      + (0..<dimensions).flatMap { i in
        both.indices.map { j in
          var row = a[j]
          row[i] = both[j][dimensions + i]
          return row
        }
      }
  }

  /// The indices and their standard errors by the jackknife over the points; both are zero where
  /// the output does not vary.
  ///
  /// - Parameter outputs: One for each of ``rows()``.
  /// - Returns: One number a dimension each.
  func callAsFunction(_ outputs: [Double]) -> (values: [Double], errors: [Double]) {
    let n = Double(points)
    let a = outputs.prefix(points)
    let sum = a.reduce(0, +)
    // About the mean, so that nothing is lost where all outputs are nearly alike.
    let mean = sum / n
    let centred = a.map { $0 - mean }
    let squares = centred.reduce(0) { $0 + $1 * $1 }
    let none = [Double](repeating: 0, count: dimensions)
    guard points > 1, squares > 0 else { return (none, none) }
    let variance = squares / (n - 1)
    // The variance without one of the points.
    let reduced = centred.map { value in
      points > 2 ? max(squares - value * value * n / (n - 1), 0) / (n - 2) : 0
    }
    var (values, errors) = (none, none)
    for i in 0..<dimensions {
      let terms = (0..<points).map { j in
        let difference = outputs[j] - outputs[(i + 1) * points + j]
        return difference * difference
      }
      let total = terms.reduce(0, +)
      values[i] = total / (2 * n * variance)
      guard reduced.allSatisfy({ $0 > 0 }) else {
        errors[i] = .infinity
        continue
      }
      let without = terms.indices.map { (total - terms[$0]) / (2 * (n - 1) * reduced[$0]) }
      let centre = without.reduce(0, +) / n
      let spread = without.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
      errors[i] = (spread * (n - 1) / n).squareRoot()
    }
    return (values, errors)
  }
}
