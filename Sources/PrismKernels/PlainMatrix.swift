internal import CBlas

/// The matrix product `C = α · op(A) · op(B) + β · C` of row-major matrices, by BLAS.
///
/// - Parameters:
///   - m: The rows of `op(A)` and of C.
///   - n: The columns of `op(B)` and of C.
///   - k: The columns of `op(A)` and the rows of `op(B)`.
///   - transposeA: Whether A is stored as `[k, m]` instead of `[m, k]`.
///   - transposeB: Whether B is stored as `[n, k]` instead of `[k, n]`.
public func plainMatrixProduct(
  m: Int, n: Int, k: Int, alpha: Float = 1,
  a: UnsafePointer<Float>, leadingA: Int, transposeA: Bool = false,
  b: UnsafePointer<Float>, leadingB: Int, transposeB: Bool = false,
  beta: Float = 0, c: UnsafeMutablePointer<Float>, leadingC: Int
) {
  cblas_sgemm(
    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
    blasint(m), blasint(n), blasint(k), alpha, a, blasint(leadingA), b, blasint(leadingB), beta, c,
    blasint(leadingC))
}
