import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

@Suite("memory in which plans compute")
struct WorkspaceMemoryTests {
  @Test("plans that are used in turn allocate nothing after the first turn")
  func turns() throws {
    let memory = WorkspaceMemory(limit: 64 << 20)
    let plans = try NetworkCase.all.prefix(3).map { try Self.plan($0, memory) }
    let images = NetworkCase.all.prefix(3).map { $0.images(2) }
    for (plan, images) in zip(plans, images) { _ = try plan(images) }
    let first = memory.allocationCount
    for _ in 0..<5 {
      for (plan, images) in zip(plans, images) { _ = try plan(images) }
    }
    #expect(first > 0 && memory.allocationCount == first)
    #expect(memory.idleByteCount <= 64 << 20)
    plans[0].releaseMemory()
    #expect(memory.idleByteCount == 0)
  }

  @Test("beyond the limit nothing is kept but what the last call used")
  func limit() throws {
    let memory = WorkspaceMemory(limit: 1)
    let plans = try NetworkCase.all.prefix(2).map { try Self.plan($0, memory) }
    for (plan, network) in zip(plans, NetworkCase.all) {
      _ = try plan(network.images(1))
      let kept = memory.idleByteCount
      // A block is at most four times as large as needed, and not smaller than 64 KiB.
      let needed = plan.workspaceSize(images: 1, threads: Workers.count)
      #expect(kept > 0 && kept <= 4 * (needed + 4 * (64 << 10)))
      let allocations = memory.allocationCount
      _ = try plan(network.images(1))
      #expect(memory.allocationCount == allocations)
    }
  }

  @Test("a block in use is nobody else's, and idle memory stays within the limit")
  func bound() throws {
    let memory = WorkspaceMemory(limit: 1 << 20)
    let taken = try (0..<6).map { _ in try memory.take([64 << 10]) }
    #expect(Set(taken.map { $0[0].pointer }).count == 6)
    for blocks in taken { memory.give(blocks) }
    #expect(memory.idleByteCount == 1 << 20)
    // The smallest that is large enough, but not a far larger one.
    #expect(try memory.take([60 << 10])[0].count == 64 << 10)
    #expect(try memory.take([1 << 10])[0].count == 64 << 10)
    #expect(try memory.take([100])[0].count == 64 << 10)
    #expect(try memory.take([65 << 10])[0].count == 65 << 10)
  }

  @Test("within a limit blocks count as they were asked for, however large those are that lie idle")
  func askedSizes() throws {
    let network = NetworkCase.all[0]
    let images = network.images(1)
    let memory = WorkspaceMemory(limit: 1 << 30)
    let plan = try Self.plan(network, memory)
    let expected = try plan(images)
    let needed = plan.workspaceSize(images: 1, threads: Workers.count)
    // What lies idle is that of four images.
    memory.release()
    _ = try plan(network.images(4))
    let room = needed + (64 << 10)
    #expect(memory.idleByteCount > room)
    let found = try MemoryBudget.$current.withValue(MemoryBudget(limit: room)) { try plan(images) }
    #expect(found == expected)
  }

  @Test("where a limit has room for fewer images at a time, fewer are computed, with the same bits")
  func fewer() throws {
    let network = NetworkCase.all[0]
    let images = network.images(Plan.chunk)
    let plan = try Self.plan(network, WorkspaceMemory(limit: 1 << 30))
    let expected = try plan(images)
    for count in 1...Plan.chunk {
      let room = plan.workspaceSize(images: count, threads: Workers.count) + 4 * (64 << 10)
      let budget = MemoryBudget(limit: room)
      #expect(try MemoryBudget.$current.withValue(budget) { try plan(images) } == expected)
    }
    let budget = MemoryBudget(limit: plan.workspaceSize(images: 1, threads: Workers.count) / 2)
    #expect(throws: OutOfMemoryError.self) {
      try MemoryBudget.$current.withValue(budget) { try plan(images) }
    }
  }

  private static func plan(_ network: NetworkCase, _ memory: WorkspaceMemory) throws -> Plan {
    let recording = try network.recording()
    return try Plan(
      recording, wanted: recording.outputs, precision: .standard, weights: PackedWeights(),
      kernels: Kernels(InstructionSet.available[0]), memory: memory)
  }
}

@Suite("memory that plans are refused")
struct RefusedMemoryTests {
  @Test(
    "a call whose n-th request of memory is refused is an error, and the next gives the same bits")
  func plan() throws {
    let network = NetworkCase.all[0]
    let recording = try network.recording()
    let images = network.images(3)
    let expected = try Plan(recording)(images)
    var refused = 0
    for request in 1...100 {
      let plan = try Plan(
        recording, wanted: recording.outputs, precision: .standard, weights: PackedWeights(),
        kernels: Kernels(InstructionSet.available[0]), memory: WorkspaceMemory(limit: 64 << 20))
      let budget = MemoryBudget(refusing: request, least: MemoryBudget.usualLeast)
      let result = MemoryBudget.$current.withValue(budget) { Result { try plan(images) } }
      if budget.isWaiting {
        #expect(try result.get()[0].shape == expected[0].shape)
        break
      }
      #expect(throws: OutOfMemoryError.self, "request \(request)") { try result.get() }
      refused += 1
      let again = try plan(images)
      #expect(again[0].isFinite)
      #expect(try plan(images) == again)
    }
    // The arenas of threads, their scratch, those of images, and what batched steps share.
    #expect(refused == 4)
  }

  @Test("a size beyond all memory is refused by the system itself")
  func huge() {
    let error = #expect(throws: OutOfMemoryError.self) {
      try WorkspaceMemory(limit: 1 << 20).take([100, 1 << 58])
    }
    #expect(error?.description.contains("not enough memory") == true)
  }
}
