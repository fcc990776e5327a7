#if canImport(Glibc)
  import Glibc
#endif

/// Numbers too small for a normal mantissa, with which processors of the x86 family compute a
/// hundred times slower.
///
/// They appear where sigmoids saturate, and carry nothing: the smallest normal number is 1.2e-38.
package enum SubnormalNumbers {
  #if canImport(Glibc) && arch(x86_64)
    /// The mode of a thread's arithmetic.
    package typealias Mode = UInt32

    /// The bits "flush to zero" and "denormals are zero" of the control register.
    private static let bits: UInt32 = 0x8040

    /// Takes subnormal numbers as zero and gives zero for them, in this thread from now on.
    ///
    /// - Returns: The mode before.
    @discardableResult
    package static func flush() -> Mode {
      var environment = fenv_t()
      fegetenv(&environment)
      let before = environment.__mxcsr
      if before & bits != bits {
        environment.__mxcsr = before | bits
        fesetenv(&environment)
      }
      return before
    }

    /// Goes back to a mode.
    package static func restore(_ mode: Mode) {
      guard mode & bits != bits else { return }
      var environment = fenv_t()
      fegetenv(&environment)
      environment.__mxcsr = mode
      fesetenv(&environment)
    }
  #else
    /// The mode of a thread's arithmetic.
    package typealias Mode = Void

    /// Other processors compute with subnormal numbers at full speed.
    package static func flush() {}

    /// Does nothing.
    package static func restore(_ mode: Mode) {}
  #endif

  /// Runs work with subnormal numbers taken and given as zero in this thread.
  ///
  /// - Parameter body: The work.
  /// - Returns: What `body` returns.
  package static func flushing<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = flush()
    defer { restore(before) }
    return try body()
  }
}
