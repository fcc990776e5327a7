import PrismTestSupport
import Testing

@testable import PrismKernels

@Suite("OpenBLAS")
struct OpenBLASTests {
  @Test("memory that the system does not give is an error, before the library is called")
  func memory() throws {
    // More than any processor can address.
    let most = BufferCount(size: 1 << 60)
    for _ in 0..<2 {
      #expect(throws: OpenBLASError.outOfMemory(byteCount: 1 << 60)) { try most.take() }
    }
    let few = BufferCount(size: 1 << 20)
    for _ in 0..<3 {
      try few.take()
      try few.take()
      few.give()
      few.give()
    }
  }

  @Test("the errors say what to do")
  func errors() {
    #expect(OpenBLASError.missing.description.contains("install the package libopenblas0"))
    #expect(OpenBLASError.outOfMemory(byteCount: 128 << 20).description.contains("128 MB"))
  }

  @Test(
    "products without BLAS are those of the definition", arguments: [false, true], [false, true])
  func rowProducts(transposeA: Bool, transposeB: Bool) {
    let (m, n, k) = (5, 7, 19)
    let a = (0..<m * k).map { Float(($0 * 37 % 23) - 11) / 8 }
    let b = (0..<k * n).map { Float(($0 * 29 % 31) - 15) / 16 }
    let start = (0..<m * n).map { Float($0 % 5) }
    for (alpha, beta) in [(Float(1), Float(0)), (0.5, 1), (2, -0.25)] {
      var c = start
      c.withUnsafeMutableBufferPointer { c in
        guard let c = c.baseAddress else { return }
        plainRowProducts(
          m: m, n: n, k: k, alpha: alpha, a: a, leadingA: transposeA ? m : k,
          transposeA: transposeA, b: b, leadingB: transposeB ? k : n, transposeB: transposeB,
          beta: beta, c: c, leadingC: n)
      }
      for i in 0..<m {
        for j in 0..<n {
          let sum = (0..<k).reduce(0.0) { sum, t in
            let x = Double(transposeA ? a[t * m + i] : a[i * k + t])
            return sum + x * Double(transposeB ? b[j * k + t] : b[t * n + j])
          }
          // All numbers are small multiples of 1/128: every sum is exact.
          #expect(Double(c[i * n + j]) == Double(alpha) * sum + Double(beta * start[i * n + j]))
        }
      }
    }
  }
}
