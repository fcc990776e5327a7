import PrismKernels
import Synchronization
import Testing

@Suite("subnormal numbers")
struct SubnormalTests {
  #if arch(x86_64) && canImport(Glibc)
    /// The product of two numbers that is subnormal.
    @inline(never)
    private func product(_ a: Float, _ b: Float) -> Float { a * b }

    @Test("are zero on every worker of a pool, and what they were outside of it")
    func pool() {
      let zeros = Atomic<Int>(0)
      let pool = WorkerPool(workerCount: 3)
      pool.run(tasks: 50) { _, _ in
        if product(1e-30, 1e-10) == 0 { zeros.add(1, ordering: .relaxed) }
      }
      #expect(zeros.load(ordering: .relaxed) == 50)
      #expect(product(1e-30, 1e-10) > 0)
    }
  #endif
}
