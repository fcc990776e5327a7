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
    let library: LibFFTW
    let forward: fftw_plan
    let inverse: fftw_plan
  }

  private static let plans = Mutex<[Int: Plan]>([:])

  /// - Throws: `SpectrogramError.noTransform`, `.noMemory`.
  init(count: Int) throws(SpectrogramError) {
    guard let library = LibFFTW.loaded else { throw .noTransform }
    let plan = Self.plans.withLock { plans -> Plan? in
      if let plan = plans[count] { return plan }
      guard let plan = Self.plan(count: count, library) else { return nil }
      plans[count] = plan
      return plan
    }
    guard let plan else { throw .noMemory }
    self.count = count
    self.plan = plan
  }

  private static func plan(count: Int, _ library: LibFFTW) -> Plan? {
    let real = library.allocateReal(count)
    let complex = library.allocateComplex(count / 2 + 1)
    defer {
      library.free(real)
      library.free(complex)
    }
    let flags = UInt32(FFTW_ESTIMATE)
    guard let real, let complex,
      let forward = library.planForward(CInt(count), real, complex, flags),
      let inverse = library.planInverse(CInt(count), complex, real, flags)
    else { return nil }
    return Plan(library: library, forward: forward, inverse: inverse)
  }

  /// Memory for one transform, aligned as plans need it; one a thread.
  final class Workspace {
    /// `count` real numbers.
    let real: UnsafeMutableBufferPointer<Double>
    /// `bins` pairs of a real and an imaginary part.
    let complex: UnsafeMutableBufferPointer<SIMD2<Double>>
    private let pointer: LibFFTW.Complex
    private let transform: FourierTransform

    /// - Throws: `SpectrogramError.noMemory`.
    init(_ transform: FourierTransform) throws(SpectrogramError) {
      let library = transform.plan.library
      guard let real = library.allocateReal(transform.count) else { throw .noMemory }
      guard let complex = library.allocateComplex(transform.bins) else {
        library.free(real)
        throw .noMemory
      }
      self.transform = transform
      pointer = complex
      self.real = UnsafeMutableBufferPointer(start: real, count: transform.count)
      self.complex = UnsafeMutableBufferPointer(
        start: complex.assumingMemoryBound(to: SIMD2<Double>.self),
        count: transform.bins)
    }

    deinit {
      transform.plan.library.free(real.baseAddress)
      transform.plan.library.free(pointer)
    }

    /// From ``real`` to ``complex``.
    func forward() {
      transform.plan.library.forward(transform.plan.forward, real.baseAddress, pointer)
    }

    /// From ``complex``, which is overwritten, to ``real``, divided by the count.
    func inverse() {
      transform.plan.library.inverse(transform.plan.inverse, pointer, real.baseAddress)
      let factor = 1 / Double(transform.count)
      for i in 0..<real.count { real[i] *= factor }
    }
  }
}
