internal import PrismTensor

/// A matrix without negative numbers as the product of two thinner ones without: `X ≈ U W`.
///
/// Both factors in turn take a round of coordinate descent on `|X − U W|²`, row by row and factor
/// by factor, until a round changes the gradients by no more than a share of the first one's.
/// Definition: Cichocki and Phan, "Fast Local Algorithms for Large Scale Nonnegative Matrix and
/// Tensor Factorizations", IEICE Transactions 2009; order, beginning and end are those of
/// scikit-learn's `NMF` with the solver `cd`, not shuffled, and the beginning `random`.
public struct NonnegativeFactorization: Sendable, Equatable {
  /// The number of factors.
  public let rank: Int
  /// How much of each factor is in each row, `[rows, rank]`.
  public private(set) var coefficients: [Double]
  /// What each factor is, `[rank, columns]`.
  public private(set) var basis: [Double]
  /// The rounds that were taken.
  public private(set) var rounds = 0

  /// Factors a matrix.
  ///
  /// - Parameters:
  ///   - matrix: `[rows, columns]`, without negative numbers.
  ///   - columns: The number of columns.
  ///   - rank: The number of factors.
  ///   - seed: Selects the beginning: normally distributed numbers, without their signs.
  ///   - rounds: The most rounds.
  ///   - tolerance: The share of the first round's change at which it ends.
  /// - Throws: ``ExplanationError``; `CancellationError` in a cancelled task.
  public init(
    _ matrix: [Double], columns: Int, rank: Int, seed: UInt64 = 0, rounds: Int = 200,
    tolerance: Double = 1e-4
  ) throws {
    let rows = matrix.count / max(columns, 1)
    var random = SeededRandom(seed: seed)
    let mean = matrix.reduce(0, +) / Double(max(matrix.count, 1))
    let scale = (max(mean, 0) / Double(max(rank, 1))).squareRoot()
    let basis = (0..<max(rank * columns, 0)).map { _ in scale * Double(abs(random.normal())) }
    let coefficients = (0..<max(rows * rank, 0)).map { _ in scale * Double(abs(random.normal())) }
    try self.init(
      matrix, columns: columns, rank: rank, coefficients: coefficients, basis: basis,
      rounds: rounds, tolerance: tolerance)
  }

  /// Factors a matrix from a given beginning.
  ///
  /// - Throws: ``ExplanationError``; `CancellationError` in a cancelled task.
  init(
    _ matrix: [Double], columns: Int, rank: Int, coefficients: [Double], basis: [Double],
    rounds: Int = 200, tolerance: Double = 1e-4
  ) throws {
    guard columns >= 1, !matrix.isEmpty, matrix.count.isMultiple(of: columns) else {
      throw ExplanationError.unsuitable("there is nothing to find concepts in")
    }
    guard matrix.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw ExplanationError.unsuitable("a factorisation without negative numbers was given some")
    }
    let rows = matrix.count / columns
    guard (1...min(rows, columns)).contains(rank) else {
      throw ExplanationError.parameter(
        "the number of concepts", "must be from 1 to \(min(rows, columns)) for so few crops")
    }
    self.rank = rank
    self.coefficients = coefficients
    self.basis = basis
    let turned = Self.transposed(matrix, columns: columns)
    var first = 0.0
    for round in 1...max(rounds, 1) {
      try Task.checkCancellation()
      var change = Self.sweep(&self.coefficients, matrix, columns, self.basis, rank)
      var transposed = Self.transposed(self.basis, columns: columns)
      let byFactor = Self.transposed(self.coefficients, columns: rank)
      change += Self.sweep(&transposed, turned, rows, byFactor, rank)
      self.basis = Self.transposed(transposed, columns: rank)
      if round == 1 { first = change }
      self.rounds = round
      if first == 0 || change / first <= tolerance { break }
    }
  }

  /// How much of each factor is in the rows of another matrix, with the factors as they are.
  ///
  /// - Parameter matrix: `[rows, columns]`, without negative numbers.
  /// - Returns: `[rows, rank]`.
  public func coefficients(of matrix: [Double]) -> [Double] {
    let columns = basis.count / rank
    var found = [Double](repeating: 0, count: matrix.count / columns * rank)
    var first = 0.0
    for round in 0..<500 {
      let change = Self.sweep(&found, matrix, columns, basis, rank)
      if round == 0 { first = change }
      if first == 0 || change / first <= 1e-6 { break }
    }
    return found
  }

  /// `|X − U W| / |X|`: the share that the factors leave over.
  ///
  /// - Parameter matrix: The matrix that was factored.
  /// - Returns: From 0 for a product that is exact.
  public func error(of matrix: [Double]) -> Double {
    let columns = basis.count / rank
    var (left, whole) = (0.0, 0.0)
    for i in 0..<matrix.count / columns {
      for j in 0..<columns {
        var value = matrix[i * columns + j]
        whole += value * value
        for k in 0..<rank { value -= coefficients[i * rank + k] * basis[k * columns + j] }
        left += value * value
      }
    }
    return whole > 0 ? (left / whole).squareRoot() : 0
  }

  /// A round over one factor, `[rows, rank]`, for the matrix `[rows, columns]` and the other
  /// factor, `[rank, columns]`: the sum of the projected gradients on the way.
  private static func sweep(
    _ factor: inout [Double], _ matrix: [Double], _ columns: Int, _ other: [Double], _ rank: Int
  ) -> Double {
    let rows = matrix.count / columns
    var products = [Double](repeating: 0, count: rank * rank)
    for a in 0..<rank {
      for b in 0..<rank {
        products[a * rank + b] = product(other, a * columns, other, b * columns, columns)
      }
    }
    var targets = [Double](repeating: 0, count: rows * rank)
    for i in 0..<rows {
      for k in 0..<rank {
        targets[i * rank + k] = product(matrix, i * columns, other, k * columns, columns)
      }
    }
    var change = 0.0
    for k in 0..<rank {
      let curve = products[k * rank + k]
      for i in 0..<rows {
        let place = i * rank + k
        var slope = -targets[place]
        for b in 0..<rank { slope += products[k * rank + b] * factor[i * rank + b] }
        change += abs(factor[place] == 0 ? min(slope, 0) : slope)
        if curve != 0 { factor[place] = max(factor[place] - slope / curve, 0) }
      }
    }
    return change
  }

  private static func product(
    _ a: [Double], _ first: Int, _ b: [Double], _ second: Int, _ count: Int
  ) -> Double {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var (s0, s1) = (0.0, 0.0)
        var i = 0
        while i &+ 2 <= count {
          s0 += a[first &+ i] * b[second &+ i]
          s1 += a[first &+ i &+ 1] * b[second &+ i &+ 1]
          i &+= 2
        }
        if i < count { s0 += a[first &+ i] * b[second &+ i] }
        return s0 + s1
      }
    }
  }

  private static func transposed(_ matrix: [Double], columns: Int) -> [Double] {
    let rows = matrix.count / columns
    var result = [Double](repeating: 0, count: matrix.count)
    for i in 0..<rows { for j in 0..<columns { result[j * rows + i] = matrix[i * columns + j] } }
    return result
  }
}
