// Compiled once per instruction set: here for every processor, and through symbolic links in
// `Benchmarks/peak` for AVX2 and AVX-512. Only loops on vectors belong here: code of the standard
// library that the links would compile for a newer processor could be chosen by the linker for
// everybody.

#if PRISM_AVX512
  private typealias Vector = SIMD16<Float>
#elseif PRISM_AVX2
  private typealias Vector = SIMD8<Float>
#else
  private typealias Vector = SIMD4<Float>
#endif

/// The loop that does nothing but multiply and add.
package enum PeakLoop {
  /// The floating-point operations of one iteration.
  package static var flops: Int { 12 * 2 * Vector.scalarCount }

  /// Runs the loop: twelve independent sums, enough to hide the latency of an addition.
  ///
  /// - Returns: The sum of all sums, so that the loop cannot be left out.
  @inline(never)
  package static func run(_ iterations: Int, _ factor: Float, _ increment: Float) -> Float {
    let x = Vector(repeating: factor)
    let y = Vector(repeating: increment)
    var sums = InlineArray<12, Vector>(repeating: y)
    var i = 0
    while i < iterations {
      for j in 0..<12 { sums[j] = multiplyAdd(y, sums[j], x) }
      i &+= 1
    }
    var total = Vector(repeating: 0)
    for j in 0..<12 { total += sums[j] }
    return total.sum()
  }

  /// `a + b · c`, in one instruction where the processor has it.
  @inline(always)
  private static func multiplyAdd(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
    #if PRISM_AVX512 || PRISM_AVX2 || arch(arm64)
      return a.addingProduct(b, c)
    #else
      return a + b * c
    #endif
  }
}
