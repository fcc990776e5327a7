#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif
internal import Synchronization

/// The functions of BLAS and LAPACK that Prism calls, from OpenBLAS.
///
/// The library is loaded when the first of them is needed, not linked: it maps tens of megabytes
/// and starts threads as soon as it is loaded, which would cost every short command more than its
/// own work, and a prediction needs no BLAS. It computes on one thread: how it divides a product
/// among several would change the last bits.
package enum OpenBLAS {
  /// `cblas_sgemm` (CBLAS): order, transposition of A and of B, m, n, k, α, A, its leading
  /// dimension, B, its leading dimension, β, C, its leading dimension.
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
  /// `dpotrs` (LAPACK): part, n, right-hand sides, A, its leading dimension, B, its leading
  /// dimension, info, the length of the part's text.
  package typealias DPOTRS =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafePointer<Int32>, UnsafePointer<Double>,
      UnsafePointer<Int32>, UnsafeMutablePointer<Double>, UnsafePointer<Int32>,
      UnsafeMutablePointer<Int32>, Int
    ) -> Void
  /// `dsyev` (LAPACK): job, part, n, A, its leading dimension, eigenvalues, workspace, its length,
  /// info, the lengths of the two texts.
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

  /// The functions of the library.
  package struct Functions: Sendable {
    package let sgemm: SGEMM
    package let dpotrf: DPOTRF
    package let dpotrs: DPOTRS
    package let dsyev: DSYEV
  }

  /// Computes with the functions of the library.
  ///
  /// OpenBLAS tries for ever to map its memory where the system does not give it. So it is only
  /// called once it has been seen that it would get it.
  ///
  /// - Parameter body: Calls functions, one at a time.
  /// - Returns: What `body` returns.
  /// - Throws: ``OpenBLASError`` where the library is missing, or there is no memory for it.
  package static func calling<Result>(
    _ body: (Functions) -> Result
  ) throws(OpenBLASError) -> Result {
    try buffers.take()
    defer { buffers.give() }
    return body(try loaded.get())
  }

  /// The memory that one call of the library computes in: the size that its packages for Linux are
  /// built with.
  private static let bufferSize = 128 << 20

  private static let buffers = BufferCount(size: bufferSize)

  private static let loaded: Result<Functions, OpenBLASError> = {
    // Before the library is there, which starts its threads at once: each of them would map a
    // buffer.
    setenv("OPENBLAS_NUM_THREADS", "1", 1)
    return Result { () throws(OpenBLASError) in
      for name in ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"] {
        guard let library = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
        typealias SetThreads = @convention(c) (Int32) -> Void
        try function("openblas_set_num_threads", of: library, as: SetThreads.self)(1)
        return Functions(
          sgemm: try function("cblas_sgemm", of: library, as: SGEMM.self),
          dpotrf: try function("dpotrf_", of: library, as: DPOTRF.self),
          dpotrs: try function("dpotrs_", of: library, as: DPOTRS.self),
          dsyev: try function("dsyev_", of: library, as: DSYEV.self))
      }
      throw OpenBLASError.missing
    }
  }()

  private static func function<Function>(
    _ name: String, of library: UnsafeMutableRawPointer, as type: Function.Type
  ) throws(OpenBLASError) -> Function {
    guard let address = dlsym(library, name) else { throw .missingFunction(name) }
    return unsafeBitCast(address, to: type)
  }
}

/// The buffers that calls at the same time make OpenBLAS map; it keeps them, and uses them again.
final class BufferCount: Sendable {
  private let size: Int
  private let counts = Mutex((used: 0, mapped: 0))

  /// Makes a count for buffers of a number of bytes.
  init(size: Int) { self.size = size }

  /// Takes a buffer for a call.
  ///
  /// - Throws: ``OpenBLASError/outOfMemory(byteCount:)`` where one more would have to be mapped and
  ///   cannot.
  func take() throws(OpenBLASError) {
    let isThere = counts.withLock { counts in
      if counts.used == counts.mapped {
        guard canMap() else { return false }
        counts.mapped += 1
      }
      counts.used += 1
      return true
    }
    if !isThere { throw .outOfMemory(byteCount: size) }
  }

  /// Gives the buffer of a call back.
  func give() { counts.withLock { $0.used -= 1 } }

  /// Whether the system gives the memory of a buffer, and a little for the library itself.
  private func canMap() -> Bool {
    let length = size + size / 2
    let memory = mmap(
      nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | Int32(MAP_ANONYMOUS), -1, 0)
    guard let memory, memory != MAP_FAILED else { return false }
    munmap(memory, length)
    return true
  }
}
