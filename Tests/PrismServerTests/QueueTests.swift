import HTTPTypes
import Synchronization
import Testing

@testable import PrismServer

@Suite("the queue")
struct QueueTests {
  /// Runs jobs that are queued while the only place is taken.
  ///
  /// - Returns: The order in which they ran.
  private func order(of clients: [String]) async throws -> [String] {
    let queue = JobQueue(capacity: 100, short: 1, long: 1, turnstile: Turnstile())
    let ran = Log()
    let first = try await queue.take(.long, client: "first")
    var tickets: [(String, JobQueue.Ticket)] = []
    for (number, client) in clients.enumerated() {
      tickets.append(("\(client)\(number)", try await queue.take(.long, client: client)))
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (name, ticket) in tickets {
        group.addTask { try await queue.run(ticket) { ran.add(name) } }
      }
      group.addTask { try await queue.run(first) {} }
      try await group.waitForAll()
    }
    return ran.names.withLock { $0 }
  }

  private final class Log: Sendable {
    let names = Mutex<[String]>([])
    func add(_ name: String) { names.withLock { $0.append(name) } }
  }

  @Test("clients take turns, each with its jobs in order")
  func fairness() async throws {
    let order = try await order(of: ["a", "a", "a", "b", "c", "b"])
    #expect(order == ["a0", "b3", "c4", "a1", "b5", "a2"])
  }

  @Test("a full queue refuses at once, and takes again when a place is free")
  func fullness() async throws {
    let queue = JobQueue(capacity: 2, short: 1, long: 1, turnstile: Turnstile())
    let running = try await queue.take(.long, client: "a")
    let waiting = try await queue.take(.long, client: "a")
    _ = try await queue.take(.long, client: "b")
    await #expect(throws: QueueFull.self) { try await queue.take(.long, client: "c") }
    _ = try await queue.take(.short, client: "c")
    await queue.leave(waiting)
    _ = try await queue.take(.long, client: "c")
    #expect(await queue.counts(in: .long).waiting == 2)
    await queue.discard(running)
    #expect(await queue.counts(in: .long).waiting == 1)
  }

  @Test("a job whose task is cancelled gives its place away, waiting or running")
  func cancelling() async throws {
    let queue = JobQueue(capacity: 8, short: 1, long: 1, turnstile: Turnstile())
    let first = try await queue.take(.long, client: "a")
    let second = try await queue.take(.long, client: "a")
    let (started, signal) = AsyncStream<Void>.makeStream()
    let running = Task {
      try await queue.run(first) {
        signal.yield()
        try await Task.sleep(for: .seconds(3600))
      }
    }
    for await _ in started { break }
    let waiting = Task { try await queue.run(second) {} }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    running.cancel()
    await #expect(throws: CancellationError.self) { try await running.value }
    let counts = await queue.counts(in: .long)
    #expect(counts.waiting == 0 && counts.running == 0)
  }

  @Test("a long job waits between batches while short ones are about")
  func overtaking() async throws {
    let turnstile = Turnstile(patience: 3600)
    let queue = JobQueue(capacity: 8, short: 1, long: 1, turnstile: turnstile)
    let short = try await queue.take(.short, client: "a")
    let log = Log()
    let long = Task.detached {
      turnstile.pass()
      log.add("long")
    }
    try await queue.run(short) { log.add("short") }
    await long.value
    #expect(log.names.withLock { $0 } == ["short", "long"])
  }

  @Test("work beyond its time is given up")
  func deadline() async throws {
    await #expect(throws: DeadlineError.self) {
      try await within(seconds: 0) { try await Task.sleep(for: .seconds(3600)) }
    }
    #expect(try await within(seconds: 3600) { 7 } == 7)
  }

  @Test("a full queue is an answer with Retry-After")
  func answer() async throws {
    let server = try TestServer { $0.queue = 1 }
    let queue = server.service.platform.queue
    _ = try await queue.take(.long, client: "x")
    _ = try await queue.take(.long, client: "x")
    let answer = try await server.analyse(Sample.husky)
    #expect(answer.status == .tooManyRequests, "\(answer.text)")
    #expect(answer.headers[.retryAfter] != nil)
    #expect(server.service.platform.store.blobs.digests.isEmpty)
  }
}
