import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Prism
import ServiceLifecycle
import Synchronization
import Testing

@testable import PrismServer

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A server that listens at a free port as long as a closure runs.
private func withLiveServer(
  _ change: (inout ServerConfiguration) -> Void = { _ in },
  _ body: @escaping @Sendable (_ server: TestServer, _ port: Int) async throws -> Void
) async throws {
  let server = try TestServer {
    $0.port = 0
    change(&$0)
  }
  let (ports, signal) = AsyncStream<Int>.makeStream()
  let application = server.service.application { signal.yield($0) }
  let group = ServiceGroup(
    configuration: .init(services: [application], logger: Logger(label: "test")))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    for await port in ports {
      try await body(server, port)
      break
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}

/// Sends text over a connection of its own and reads until the end, or until a text has come.
private func exchange(
  _ port: Int, _ text: String, until end: String? = nil
) async throws -> String {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .connect(host: "127.0.0.1", port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  return try await channel.executeThenClose { inbound, outbound in
    try await outbound.write(ByteBuffer(string: text))
    var received = ""
    for try await part in inbound {
      received += String(buffer: part)
      if let end, received.contains(end) { break }
    }
    return received
  }
}

private func request(_ line: String, _ body: String = "", _ headers: String = "") -> String {
  "\(line) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    + "Content-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
}

@Suite("a server that listens")
struct LiveTests {
  @Test("answers come over a socket, and HTTP that is none is refused")
  func answers() async throws {
    try await withLiveServer { _, port in
      let models = try await exchange(port, request("GET /v1/models"))
      #expect(models.hasPrefix("HTTP/1.1 200") && models.contains("softmax"))
      let wrong = try await exchange(port, "this is no HTTP\r\n\r\n")
      #expect(wrong.hasPrefix("HTTP/1.1 400"))
      let host = try await exchange(
        port, "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
      #expect(host.hasPrefix("HTTP/1.1 421"))
    }
  }

  @Test("bodies that stand still, or are no HTTP, are given up")
  func stalledBodies() async throws {
    try await withLiveServer {
      $0.uploadPatience = 1
    } _: { _, port in
      for announced in [
        "Content-Length: 5000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      ] {
        let stalled = try await exchange(
          port, "POST /v1/preview HTTP/1.1\r\nHost: localhost\r\n\(announced)", until: "}")
        #expect(stalled.hasPrefix("HTTP/1.1 408") && stalled.contains("1 seconds"), "\(stalled)")
      }
    }
    try await withLiveServer { _, port in
      let chunk = try await exchange(
        port,
        "POST /v1/preview HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "3\r\nabc\r\nzz\r\n")
      #expect(chunk.hasPrefix("HTTP/1.1 400"), "\(chunk)")
    }
  }

  @Test("what uploads announce takes no room from others before it comes")
  func announcedUploads() async throws {
    try await withLiveServer { server, port in
      let uploads = server.service.platform.uploads
      let slow = (0..<6).map { _ in
        Task {
          try await exchange(
            port,
            "POST /v1/preview HTTP/1.1\r\nHost: localhost\r\nContent-Length: 67108864\r\n\r\nabc")
        }
      }
      while uploads.used < 6 * 3 { await Task.yield() }
      let answer = try await exchange(port, request("POST /v1/preview", "no picture"))
      #expect(answer.hasPrefix("HTTP/1.1 422"), "\(answer)")
      for slow in slow {
        slow.cancel()
        _ = try? await slow.value
      }
      while uploads.used > 0 { await Task.yield() }
    }
  }

  @Test("a client that goes away ends its work, and nothing is left in the queue")
  func leaving() async throws {
    try await withLiveServer { server, port in
      let body = JSON.object([
        .init(
          name: "instances", value: .array([["b64": .string(Base64.encode(Sample.husky))]])),
        .init(
          name: "parameters",
          value: ["methods": .array([Sample.endless])]),
      ]).description
      let queue = server.service.platform.queue
      let client = Task {
        try await exchange(port, request("POST /v1/models/softmax:explain", body))
      }
      while await queue.counts(in: .long).running == 0 { await Task.yield() }
      client.cancel()
      _ = try? await client.value
      while await queue.counts(in: .long).running > 0 { await Task.yield() }
      let text = server.service.platform.metrics.text(lanes: [], models: [])
      let evaluations = text.split(separator: "\n").first {
        $0.hasPrefix("prism_evaluations_total")
      }
      #expect(evaluations.flatMap { Int($0.split(separator: " ")[1]) } ?? 0 < Sample.most)
    }
  }

  @Test("places that clients leave, waiting or running, go to others")
  func places() async throws {
    try await withLiveServer {
      $0.queue = 1
    } _: { server, port in
      let queue = server.service.platform.queue
      func ask(_ method: JSON) -> Task<String, any Error> {
        let body = JSON.object([
          .init(
            name: "instances", value: .array([["b64": .string(Base64.encode(Sample.husky))]])),
          .init(
            name: "parameters",
            value: ["methods": .array([method])]),
        ]).description
        return Task { try await exchange(port, request("POST /v1/models/softmax:explain", body)) }
      }
      let short = Sample.rise(samples: 10)
      let running = ask(Sample.endless)
      while await queue.counts(in: .long).running == 0 { await Task.yield() }
      let waiting = ask(Sample.rise(samples: 99))
      while await queue.counts(in: .long).waiting == 0 { await Task.yield() }
      let refused = try await ask(short).value
      #expect(refused.hasPrefix("HTTP/1.1 429") && refused.contains("Retry-After"))
      waiting.cancel()
      _ = try? await waiting.value
      while await queue.counts(in: .long).waiting > 0 { await Task.yield() }
      let next = ask(short)
      while await queue.counts(in: .long).waiting == 0 { await Task.yield() }
      running.cancel()
      _ = try? await running.value
      #expect(try await next.value.hasPrefix("HTTP/1.1 200"))
      let counts = await queue.counts(in: .long)
      #expect(counts == (0, 0))
    }
  }

  @Test("events come while the work runs, and a server that ends marks it as interrupted")
  func events() async throws {
    let folder = Mutex("")
    let id = Mutex("")
    let kept = Mutex<TestServer?>(nil)
    try await withLiveServer { server, port in
      folder.withLock { $0 = server.folder }
      kept.withLock { $0 = server }
      let begun = try await server.post(
        "/v1/analyses",
        [
          "file_b64": .string(Base64.encode(Sample.husky)),
          "request": [
            "model": .string("softmax"),
            "methods": .array([.string("gradcam"), Sample.endless]),
          ],
        ])
      let name = begun.json["id"]?.string ?? ""
      id.withLock { $0 = name }
      let events = try await exchange(
        port, request("GET /v1/analyses/\(name)/events"), until: "event: method")
      #expect(events.contains("text/event-stream") && events.contains("maps/gradcam"))
    }
    let server = try #require(kept.withLock { $0 })
    let analysis = try await server(.get, "/v1/analyses/\(id.withLock { $0 })").json
    #expect(analysis["state"] == .string("interrupted"))
    let map = try await server(.get, "/v1/analyses/\(id.withLock { $0 })/report.json")
    #expect(map.status == .ok && map.text.contains("gradcam"))
  }
}
