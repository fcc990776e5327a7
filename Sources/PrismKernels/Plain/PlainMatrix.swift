/// The matrix product `C = α · op(A) · op(B) + β · C` of row-major matrices, by BLAS, or by plain
/// loops where there is none.
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
  if m == 1, !transposeA {
    plainRowProduct(
      n: n, k: k, alpha: alpha, a: a, b: b, leadingB: leadingB, transposeB: transposeB, beta: beta,
      c: c)
    return
  }
  do {
    try OpenBLAS.calling { functions in
      functions.sgemm(
        OpenBLAS.rowMajor, transposeA ? OpenBLAS.transposed : OpenBLAS.asItIs,
        transposeB ? OpenBLAS.transposed : OpenBLAS.asItIs, Int32(m), Int32(n), Int32(k), alpha, a,
        Int32(leadingA), b, Int32(leadingB), beta, c, Int32(leadingC))
    }
  } catch {
    plainRowProducts(
      m: m, n: n, k: k, alpha: alpha, a: a, leadingA: leadingA, transposeA: transposeA, b: b,
      leadingB: leadingB, transposeB: transposeB, beta: beta, c: c, leadingC: leadingC)
  }
}

/// The matrix product row by row, for where there is no BLAS or no memory for it: slower, and no
/// less exact.
func plainRowProducts(
  m: Int, n: Int, k: Int, alpha: Float, a: UnsafePointer<Float>, leadingA: Int, transposeA: Bool,
  b: UnsafePointer<Float>, leadingB: Int, transposeB: Bool, beta: Float,
  c: UnsafeMutablePointer<Float>, leadingC: Int
) {
  let gathered = UnsafeMutablePointer<Float>.allocate(capacity: max(k, 1))
  defer { gathered.deallocate() }
  for row in 0..<m {
    if transposeA {
      for i in 0..<k { gathered[i] = a[i &* leadingA &+ row] }
    }
    plainRowProduct(
      n: n, k: k, alpha: alpha, a: transposeA ? UnsafePointer(gathered) : a + row * leadingA, b: b,
      leadingB: leadingB, transposeB: transposeB, beta: beta, c: c + row * leadingC)
  }
}

/// The product of one row with a matrix.
///
/// Not by BLAS: it gains nothing here, and loading it costs a short process more than its whole
/// computation.
private func plainRowProduct(
  n: Int, k: Int, alpha: Float, a: UnsafePointer<Float>, b: UnsafePointer<Float>, leadingB: Int,
  transposeB: Bool, beta: Float, c: UnsafeMutablePointer<Float>
) {
  for j in 0..<n { c[j] = beta == 0 ? 0 : beta * c[j] }
  if transposeB {
    for j in 0..<n {
      let row = b + j &* leadingB
      var sums = SIMD8<Float>(repeating: 0)
      var i = 0
      while i &+ 8 <= k {
        let x = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Float>.self)
        let y = UnsafeRawPointer(row + i).loadUnaligned(as: SIMD8<Float>.self)
        sums += x * y
        i &+= 8
      }
      var sum = sums.sum()
      while i < k {
        sum += a[i] * row[i]
        i &+= 1
      }
      c[j] += alpha * sum
    }
  } else {
    for i in 0..<k {
      let factor = alpha * a[i]
      // The cotangent of one logit has one number that is not zero, and most rows need not be read.
      if factor == 0 { continue }
      let row = b + i &* leadingB
      for j in 0..<n { c[j] += factor * row[j] }
    }
  }
}
