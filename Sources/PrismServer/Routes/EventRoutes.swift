internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Prism

/// What happens in an analysis, as server-sent events.
struct EventRoutes {
  let platform: Platform
  let analyses: Analyses

  func add(to router: Router<PrismContext>) {
    router.get("v1/analyses/:id/events", use: events)
  }

  private func events(_ request: Request, _ context: PrismContext) async throws -> Response {
    let id = try context.parameter("id")
    guard let record = try await platform.store.analysis(id) else {
      throw Problem(.notFound, "there is no analysis \(Text.quoted(id))")
    }
    return try await log(of: record).response(to: request)
  }

  /// The events of an analysis, of which one that is kept as open runs in a moment.
  private func log(of record: AnalysisRecord) async throws -> EventLog {
    for _ in 0..<50 {
      if let log = await analyses.log(of: record.id) { return log }
      let latest = try await platform.store.analysis(record.id)
      guard latest?.state.isOpen ?? false else { break }
      try await Task.sleep(for: .milliseconds(20))
    }
    return try await finishedLog(record)
  }

  /// The events of an analysis that does not run, from what is kept of it.
  private func finishedLog(_ record: AnalysisRecord) async throws -> EventLog {
    let log = EventLog()
    if let file = try await platform.store.file("\(AnalysisRun.stem).json", of: record.id),
      let document = try? JSON(utf8: file.bytes)
    {
      log.report(
        methods: AnalysisText.maps(of: document, record.id).map {
          ["method": .string($0.method), "maps": .array($0.maps)]
        })
    }
    let latest = try await platform.store.analysis(record.id) ?? record
    log.end([
      "state": .string(latest.state.rawValue), "error": latest.error.map(JSON.string) ?? .null,
      "cached": .bool(latest.isCached),
    ])
    return log
  }
}

extension EventLog {
  /// The events as an answer that goes on until the last.
  ///
  /// - Parameter request: May say after which event to go on.
  /// - Returns: The answer.
  func response(to request: Request) -> Response {
    let last = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
    let place = Place(after: last)
    return Response(
      status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: ResponseBody { writer in
        try await self.write(from: place, to: &writer)
        try await writer.finish(nil)
      })
  }

  /// Writes events as they come until the last; now and then a comment, so that a client that is
  /// gone is noticed.
  private func write(
    from start: Place, to writer: inout any ResponseBodyWriter
  ) async throws {
    var place = start
    let (stream, wake, number) = watch()
    let pulse = Task {
      while !Task.isCancelled {
        try await Task.sleep(for: .seconds(15))
        wake.yield()
      }
    }
    defer {
      pulse.cancel()
      unwatch(number)
    }
    for await _ in stream {
      let events = news(after: &place)
      let text = events.isEmpty ? ": still there\n\n" : events.map(\.text).joined()
      try await writer.write(ByteBuffer(string: text))
      if place.hasEnd { return }
    }
  }
}
