internal import CBlas

/// BLAS on one thread: how it divides a product among several would change the last bits.
private let singleThread: Void = openblas_set_num_threads(1)

/// The matrix product `C = α · op(A) · op(B) + β · C` of row-major matrices, by BLAS.
///
/// - Parameters:
///   - m: The rows of `op(A)` and of C.
///   - n: The columns of `op(B)` and of C.
///   - k: The columns of `op(A)` and the rows of `op(B)`.
///   - alpha: The factor α.
///   - a: The first element of A.
///   - leadingA: The distance between rows of A.
///   - transposeA: Whether A is stored as `[k, m]` instead of `[m, k]`.
///   - b: The first element of B.
///   - leadingB: The distance between rows of B.
///   - transposeB: Whether B is stored as `[n, k]` instead of `[k, n]`.
///   - beta: The factor β; where it is 0, C need not hold numbers.
///   - c: The first element of C.
///   - leadingC: The distance between rows of C.
public func plainMatrixProduct(
  m: Int, n: Int, k: Int, alpha: Float = 1,
  a: UnsafePointer<Float>, leadingA: Int, transposeA: Bool = false,
  b: UnsafePointer<Float>, leadingB: Int, transposeB: Bool = false,
  beta: Float = 0, c: UnsafeMutablePointer<Float>, leadingC: Int
) {
  singleThread
  cblas_sgemm(
    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
    blasint(m), blasint(n), blasint(k), alpha, a, blasint(leadingA), b, blasint(leadingB), beta, c,
    blasint(leadingC))
}
