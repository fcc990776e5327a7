import Testing

@testable import PrismKernels

@Suite("threads for long work, and what the system refuses")
struct WorkThreadsTests {
  @Test("every job is done, whatever the number of threads", arguments: [1, 3, 64])
  func jobs(limit: Int) async throws {
    let threads = WorkThreads(limit: limit)
    let sum = await withTaskGroup(of: Int.self) { group in
      for number in 0..<200 {
        group.addTask(executorPreference: threads) {
          await Task.yield()
          return number
        }
      }
      return await group.reduce(0, +)
    }
    #expect(sum == 19_900)
  }

  @Test("a thread is there for the next job, and one is enough")
  func prepared() async {
    let threads = WorkThreads(limit: 2)
    #expect(threads.prepare() && threads.prepare() && threads.prepare())
    let answer = await Task(executorPreference: threads) { 7 }.value
    #expect(answer == 7)
  }

  @Test("work that is begun has the values of the task")
  func values() async {
    let budget = MemoryBudget(limit: 1)
    let (found, end) = AsyncStream<Bool>.makeStream()
    MemoryBudget.$current.withValue(budget) {
      WorkThreads.begin {
        end.yield(MemoryBudget.current === budget)
        end.finish()
      }
    }
    for await isSame in found { #expect(isSame) }
  }

  @Test("what no machine has is refused, and nothing is taken for it")
  func refusal() {
    #expect(AddressSpace.hasRoom(for: 1 << 20) && !AddressSpace.hasRoom(for: 1 << 60))
    #expect(throws: OutOfMemoryError(bytes: 1 << 60)) { try Memory.expecting(1 << 60) {} }
    #expect(throws: OutOfMemoryError.self) { try Memory.expecting(floats: .max) {} }
  }

  @Test("within a limit as much is had as is allowed, and no more")
  func limit() throws {
    Memory.bounded(by: 1 << 20) {
      #expect(throws: Never.self) { try Memory.expecting(1 << 20) {} }
      let error = #expect(throws: OutOfMemoryError.self) { try Memory.expecting(1 << 21) {} }
      #expect(error?.limit == 1 << 20)
      // What is bounded already is not bounded anew.
      #expect(throws: OutOfMemoryError.self) {
        try Memory.bounded(by: 1 << 30) { try Memory.expecting(1 << 21) {} }
      }
    }
  }
}
