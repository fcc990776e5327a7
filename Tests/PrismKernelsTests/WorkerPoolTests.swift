import PrismKernels
import Synchronization
import Testing

@Suite("worker pool")
struct WorkerPoolTests {
  @Test("runs every task once", arguments: [1, 2, 4, 7])
  func everyTask(workers: Int) {
    let pool = WorkerPool(workerCount: workers)
    #expect(pool.workerCount == workers)
    for tasks in [0, 1, 2, 3, 100, 1000] {
      let counts = (0..<max(tasks, 1)).map { _ in Counter() }
      pool.run(tasks: tasks) { task, worker in
        counts[task].add()
        if worker < 0 || worker >= workers { counts[task].add() }
      }
      #expect(counts.prefix(tasks).allSatisfy { $0.value == 1 })
    }
  }

  @Test("no two tasks on one worker at once")
  func exclusiveWorkers() {
    let pool = WorkerPool(workerCount: 4)
    let inside = (0..<4).map { _ in Counter() }
    let clashes = Counter()
    for _ in 0..<200 {
      pool.run(tasks: 16) { _, worker in
        if inside[worker].add() != 1 { clashes.add() }
        inside[worker].subtract()
      }
    }
    #expect(clashes.value == 0)
  }

  @Test("nested regions run on their caller")
  func nesting() {
    let pool = WorkerPool(workerCount: 3)
    let total = Counter()
    pool.run(tasks: 10) { _, _ in
      pool.run(tasks: 10) { _, _ in
        pool.run(tasks: 3) { _, _ in total.add() }
      }
    }
    #expect(total.value == 300)
  }

  @Test("several threads hammer one pool")
  func hammering() async {
    let pool = WorkerPool(workerCount: 3)
    let total = Counter()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<6 {
        group.addTask {
          for round in 0..<500 { pool.run(tasks: round % 7) { _, _ in total.add() } }
        }
      }
    }
    let expected = 6 * (0..<500).reduce(0) { $0 + $1 % 7 }
    #expect(total.value == expected)
  }

  @Test("where as many work beside each other as there are workers, each works alone")
  func besides() {
    let pool = WorkerPool(workerCount: 2)
    let others = Counter()
    let total = Counter()
    pool.beside {
      pool.beside {
        for _ in 0..<100 {
          pool.run(tasks: 20) { _, worker in
            total.add()
            if worker != 0 { others.add() }
          }
        }
      }
      // One of them is helped again: its two tasks are at work at the same time.
      let inside = Counter()
      pool.run(tasks: 2) { _, _ in
        inside.add()
        while inside.value < 2 {}
      }
      total.add()
    }
    #expect(total.value == 2001 && others.value == 0)
  }

  @Test("wakes again after sleeping")
  func sleeping() async throws {
    let pool = WorkerPool(workerCount: 2)
    let total = Counter()
    for _ in 0..<20 {
      try await Task.sleep(for: .milliseconds(1))
      pool.run(tasks: 4) { _, _ in total.add() }
    }
    #expect(total.value == 80)
  }

  @Test("pools come and go")
  func lifetimes() {
    let total = Counter()
    for _ in 0..<50 {
      WorkerPool(workerCount: 4).run(tasks: 8) { _, _ in total.add() }
    }
    #expect(total.value == 400)
  }

  @Test("the default is at least one")
  func defaultCount() { #expect(WorkerPool.defaultWorkerCount() >= 1) }

  @Test("a bad instruction set is an error value")
  func instructionSets() {
    #expect(InstructionSet.select(named: "sse9") == .failure(.unknown("sse9")))
    #expect(InstructionSet.select(named: "baseline") == .success(.baseline))
    #expect(InstructionSet.available.contains(.baseline))
    for set in InstructionSet.allCases {
      let available = InstructionSet.available.contains(set)
      #expect(
        InstructionSet.select(named: set.rawValue)
          == (available ? .success(set) : .failure(.unsupported(set))))
    }
  }
}

/// A counter that threads share.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  @discardableResult
  func add() -> Int { count.add(1, ordering: .relaxed).newValue }
  func subtract() { count.subtract(1, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}
