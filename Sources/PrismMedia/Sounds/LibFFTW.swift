internal import CFFTW

/// The functions of FFTW that are called, in double precision, loaded when the first sound is
/// transformed.
struct LibFFTW: @unchecked Sendable {
  /// Pairs of a real and an imaginary part.
  typealias Complex = UnsafeMutableRawPointer

  let allocateReal: @convention(c) (Int) -> UnsafeMutablePointer<Double>?
  let allocateComplex: @convention(c) (Int) -> Complex?
  let free: @convention(c) (UnsafeMutableRawPointer?) -> Void
  /// Of so many real numbers; the flags come last.
  let planForward:
    @convention(c) (CInt, UnsafeMutablePointer<Double>, Complex, UInt32) -> fftw_plan?
  let planInverse:
    @convention(c) (CInt, Complex, UnsafeMutablePointer<Double>, UInt32) -> fftw_plan?
  let forward: @convention(c) (fftw_plan, UnsafeMutablePointer<Double>?, Complex) -> Void
  let inverse: @convention(c) (fftw_plan, Complex, UnsafeMutablePointer<Double>?) -> Void

  /// The library; `nil` where the system has none.
  static let loaded: LibFFTW? = {
    guard let library = SharedLibrary("libfftw3.so.3", "libfftw3.so", "libfftw3.dylib") else {
      return nil
    }
    return try? LibFFTW(library)
  }()

  private init(_ library: SharedLibrary) throws(SharedLibrary.Missing) {
    allocateReal = try library.function("fftw_alloc_real")
    allocateComplex = try library.function("fftw_alloc_complex")
    free = try library.function("fftw_free")
    planForward = try library.function("fftw_plan_dft_r2c_1d")
    planInverse = try library.function("fftw_plan_dft_c2r_1d")
    forward = try library.function("fftw_execute_dft_r2c")
    inverse = try library.function("fftw_execute_dft_c2r")
  }
}
