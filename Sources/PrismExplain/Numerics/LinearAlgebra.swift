internal import PrismKernels

// Dense linear algebra in Double, through LAPACK. Symmetric matrices are stored in full, so that
// LAPACK's order of columns and the usual order of rows are the same.

/// The Cholesky factor of a symmetric positive definite matrix: one factorisation serves any number
/// of right-hand sides.
struct Cholesky {
  private let factor: [Double]
  /// The number of rows.
  let size: Int

  /// Factors a matrix of `size` rows; `nil` where it is not positive definite.
  ///
  /// - Throws: `ExplanationError` where LAPACK cannot be used.
  init?(_ matrix: [Double], size: Int) throws(ExplanationError) {
    var a = matrix
    var n = Int32(size)
    var lead = Int32(max(size, 1))
    var info: Int32 = 0
    var part = CChar(bitPattern: UInt8(ascii: "L"))
    try callingLAPACK { $0.dpotrf(&part, &n, &a, &lead, &info, 1) }
    guard info == 0, a.allSatisfy(\.isFinite) else { return nil }
    // A pivot that has lost all its digits means a matrix that is singular but for rounding.
    for i in 0..<size {
      let pivot = a[i * size + i]
      guard pivot * pivot > 1e-13 * matrix[i * size + i] else { return nil }
    }
    factor = a
    self.size = size
  }

  /// The solutions for right-hand sides that lie one after the other.
  ///
  /// - Throws: `ExplanationError` where LAPACK cannot be used.
  func solve(_ right: [Double]) throws(ExplanationError) -> [Double] {
    var b = right
    var n = Int32(size)
    var count = Int32(right.count / max(size, 1))
    var lead = Int32(max(size, 1))
    var info: Int32 = 0
    var part = CChar(bitPattern: UInt8(ascii: "L"))
    try callingLAPACK { $0.dpotrs(&part, &n, &count, factor, &lead, &b, &lead, &info, 1) }
    return b
  }

  /// The inverse of the matrix.
  ///
  /// - Throws: `ExplanationError` where LAPACK cannot be used.
  func inverse() throws(ExplanationError) -> [Double] {
    var identity = [Double](repeating: 0, count: size * size)
    for i in 0..<size { identity[i * size + i] = 1 }
    return try solve(identity)
  }
}

/// Makes sure that LAPACK can be used, before there is anything to lose.
///
/// - Throws: `ExplanationError` where it cannot.
func checkLAPACK() throws(ExplanationError) { try callingLAPACK { _ in } }

/// The largest eigenvalue of a symmetric matrix and its eigenvector; `nil` where LAPACK finds none.
///
/// - Throws: `ExplanationError` where LAPACK cannot be used.
func largestEigenpair(
  of matrix: [Double], size: Int
) throws(ExplanationError) -> (value: Double, vector: [Double])? {
  guard let (values, vectors) = try eigenpairs(of: matrix, size: size), let value = values.last
  else { return nil }
  return (value, Array(vectors[(size - 1) * size..<size * size]))
}

/// The eigenvalues of a symmetric matrix in ascending order, and the eigenvectors one after the
/// other; `nil` where LAPACK finds none.
///
/// - Throws: `ExplanationError` where LAPACK cannot be used.
func eigenpairs(
  of matrix: [Double], size: Int
) throws(ExplanationError) -> (values: [Double], vectors: [Double])? {
  guard size > 0 else { return nil }
  var a = matrix
  var n = Int32(size)
  var values = [Double](repeating: 0, count: size)
  var lead = Int32(size)
  var length = Int32(64 * size)
  var work = [Double](repeating: 0, count: Int(length))
  var info: Int32 = 0
  var job = CChar(bitPattern: UInt8(ascii: "V"))
  var part = CChar(bitPattern: UInt8(ascii: "L"))
  try callingLAPACK {
    $0.dsyev(&job, &part, &n, &a, &lead, &values, &work, &length, &info, 1, 1)
  }
  return info == 0 ? (values, a) : nil
}

/// Calls a function of LAPACK.
private func callingLAPACK(_ body: (OpenBLAS.Functions) -> Void) throws(ExplanationError) {
  do { try OpenBLAS.calling(body) } catch { throw .unsuitable(error.description) }
}
