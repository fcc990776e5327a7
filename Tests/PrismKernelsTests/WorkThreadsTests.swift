import Synchronization
import Testing

@testable import PrismKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

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

  @Test("jobs beyond the limit wait for their turn", arguments: [1, 2])
  func turns(limit: Int) async {
    let threads = WorkThreads(limit: limit)
    let turns = Turns()
    let tasks = (0..<50).map { number in
      Task(executorPreference: threads) { turns.take(number) }
    }
    for task in tasks { await task.value }
    threads.retire()
    let (order, _, most) = turns.state.withLock { $0 }
    #expect(most <= limit && order.sorted() == Array(tasks.indices))
    // Of two threads one may take a job and be slower than the other with the next.
    if limit == 1 { #expect(order == Array(tasks.indices)) }
    // Work that comes after all is done, by a thread that ends then.
    #expect(await Task(executorPreference: threads) { 7 }.value == 7)
  }

  private final class Turns: Sendable {
    let state = Mutex<(order: [Int], now: Int, most: Int)>(([], 0, 0))

    func take(_ number: Int) {
      state.withLock { state in
        state.order.append(number)
        state.now += 1
        state.most = max(state.most, state.now)
      }
      for _ in 0..<100 { sched_yield() }
      state.withLock { $0.now -= 1 }
    }
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
