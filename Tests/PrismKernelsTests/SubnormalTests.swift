import PrismKernels
import Synchronization
import Testing

@Suite("subnormal numbers")
struct SubnormalTests {
  #if arch(x86_64) && canImport(Glibc)
    /// A subnormal product that the compiler cannot compute beforehand.
    private func product() -> Float {
      Float(CommandLine.arguments.count) * 1e-30 * Float(sign: .plus, exponent: -33, significand: 1)
    }

    @Test("are zero on every worker of a pool, and what they were outside of it")
    func pool() {
      let zeros = Atomic<Int>(0)
      let pool = WorkerPool(workerCount: 3)
      pool.run(tasks: 50) { _, _ in
        if product().bitPattern == 0 { zeros.add(1, ordering: .relaxed) }
      }
      #expect(zeros.load(ordering: .relaxed) == 50)
      #expect(product().bitPattern != 0)
    }
  #endif
}
