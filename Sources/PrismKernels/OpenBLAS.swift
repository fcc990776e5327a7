#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The functions of BLAS and LAPACK that Prism calls, from OpenBLAS.
///
/// The library is loaded when the first of them is needed, not linked: it maps tens of megabytes and starts threads as
/// soon as it is loaded, which would cost every short command more than its own work, and a prediction needs no BLAS.
/// It computes on one thread: how it divides a product among several would change the last bits.
package enum OpenBLAS {
  /// `cblas_sgemm` (CBLAS): order, transposition of A and of B, m, n, k, α, A, its leading dimension, B, its leading
  /// dimension, β, C, its leading dimension.
  package typealias SGEMM =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32,
      UnsafePointer<Float>, Int32, Float, UnsafeMutablePointer<Float>, Int32
    ) -> Void
  /// `dpotrf` (LAPACK): part, n, A, its leading dimension, info, the length of the part's text.
  package typealias DPOTRF =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafeMutablePointer<Double>,
      UnsafePointer<Int32>, UnsafeMutablePointer<Int32>, Int
    ) -> Void
  /// `dpotrs` (LAPACK): part, n, right-hand sides, A, its leading dimension, B, its leading dimension, info, the length
  /// of the part's text.
  package typealias DPOTRS =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafePointer<Double>,
      UnsafePointer<Int32>, UnsafeMutablePointer<Double>, UnsafePointer<Int32>,
      UnsafeMutablePointer<Int32>, Int
    ) -> Void
  /// `dsyev` (LAPACK): job, part, n, A, its leading dimension, eigenvalues, workspace, its length, info, the lengths of
  /// the two texts.
  package typealias DSYEV =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<Int32>,
      UnsafeMutablePointer<Double>, UnsafePointer<Int32>, UnsafeMutablePointer<Double>,
      UnsafeMutablePointer<Double>, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>, Int, Int
    ) -> Void

  /// CBLAS' codes: rows one after the other, and whether a matrix is transposed.
  package static let rowMajor: Int32 = 101
  package static let asItIs: Int32 = 111
  package static let transposed: Int32 = 112

  package static let sgemm = function("cblas_sgemm", as: SGEMM.self)
  package static let dpotrf = function("dpotrf_", as: DPOTRF.self)
  package static let dpotrs = function("dpotrs_", as: DPOTRS.self)
  package static let dsyev = function("dsyev_", as: DSYEV.self)

  private typealias Handle = UnsafeMutableRawPointer

  private nonisolated(unsafe) static let library: Handle = {
    for name in ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"] {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      typealias SetThreads = @convention(c) (Int32) -> Void
      symbol("openblas_set_num_threads", of: handle, as: SetThreads.self)(1)
      return handle
    }
    stop("the library OpenBLAS is missing")
  }()

  /// Ends the program as the dynamic linker does where a library is missing: one line, and its exit status.
  private static func stop(_ reason: String) -> Never {
    let line = "prism: \(reason); install the package libopenblas0\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    exit(127)
  }

  private static func function<Function>(_ name: String, as type: Function.Type) -> Function {
    symbol(name, of: library, as: type)
  }

  private static func symbol<Function>(
    _ name: String, of handle: Handle, as type: Function.Type
  ) -> Function {
    guard let address = dlsym(handle, name) else {
      stop("the library OpenBLAS has no function \(name)")
    }
    return unsafeBitCast(address, to: type)
  }
}
