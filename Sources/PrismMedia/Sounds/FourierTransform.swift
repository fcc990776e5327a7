internal import CFFTW
internal import Synchronization

/// A discrete Fourier transform of real numbers of one length, through FFTW in double precision.
///
/// Plans are made one at a time, since FFTW's planner is not safe to call from several threads, and
/// kept for the process; running one is safe from any number of threads. They are estimated, not
/// measured, so that the same numbers give the same bits in every run.
struct FourierTransform: Sendable {
  /// The number of real numbers.
  let count: Int
  /// The number of complex numbers.
  var bins: Int { count / 2 + 1 }
  private let plan: Plan

  // A plan is never changed once it is made.
  private struct Plan: @unchecked Sendable {
    let forward: fftw_plan
    let inverse: fftw_plan
  }

  private static let plans = Mutex<[Int: Plan]>([:])

  /// - Returns: `nil` where memory is short.
  init?(count: Int) {
    let plan = Self.plans.withLock { plans -> Plan? in
      if let plan = plans[count] { return plan }
      guard let real = fftw_alloc_real(count), let complex = fftw_alloc_complex(count / 2 + 1)
      else { return nil }
      defer {
        fftw_free(real)
        fftw_free(complex)
      }
      let flags = UInt32(FFTW_ESTIMATE)
      guard let forward = fftw_plan_dft_r2c_1d(CInt(count), real, complex, flags),
        let inverse = fftw_plan_dft_c2r_1d(CInt(count), complex, real, flags)
      else { return nil }
      let plan = Plan(forward: forward, inverse: inverse)
      plans[count] = plan
      return plan
    }
    guard let plan else { return nil }
    self.count = count
    self.plan = plan
  }

  /// Memory for one transform, aligned as plans need it; one a thread.
  final class Workspace {
    /// `count` real numbers.
    let real: UnsafeMutableBufferPointer<Double>
    /// `bins` pairs of a real and an imaginary part.
    let complex: UnsafeMutableBufferPointer<SIMD2<Double>>
    private let pointer: UnsafeMutablePointer<fftw_complex>
    private let transform: FourierTransform

    init?(_ transform: FourierTransform) {
      guard let real = fftw_alloc_real(transform.count) else { return nil }
      guard let complex = fftw_alloc_complex(transform.bins) else {
        fftw_free(real)
        return nil
      }
      self.transform = transform
      pointer = complex
      self.real = UnsafeMutableBufferPointer(start: real, count: transform.count)
      self.complex = UnsafeMutableBufferPointer(
        start: UnsafeMutableRawPointer(complex).assumingMemoryBound(to: SIMD2<Double>.self),
        count: transform.bins)
    }

    deinit {
      fftw_free(real.baseAddress)
      fftw_free(pointer)
    }

    /// From ``real`` to ``complex``.
    func forward() { fftw_execute_dft_r2c(transform.plan.forward, real.baseAddress, pointer) }

    /// From ``complex``, which is overwritten, to ``real``, divided by the count.
    func inverse() {
      fftw_execute_dft_c2r(transform.plan.inverse, pointer, real.baseAddress)
      let factor = 1 / Double(transform.count)
      for i in 0..<real.count { real[i] *= factor }
    }
  }
}
