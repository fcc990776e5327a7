internal import Prism
internal import PrismReport
internal import ServiceLifecycle

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The analyses that run, and how they begin and end.
actor Analyses: Service {
  private let platform: Platform
  private let running = RunningWork()

  init(_ platform: Platform) { self.platform = platform }

  /// Waits until the server ends, and then marks what still runs as interrupted.
  func run() async throws {
    try? await gracefulShutdown()
    await close()
  }

  /// Ends everything that runs; what was finished stays, and the rest can be resumed.
  func close() async { await running.close() }

  /// The events of an analysis that runs, or `nil`.
  func log(of id: String) -> EventLog? { running.log(of: id) }

  /// Begins or goes on with an analysis that is kept and has the state `queued`.
  ///
  /// - Throws: ``Problem`` while the server ends.
  func start(_ record: AnalysisRecord, ticket: JobQueue.Ticket) throws {
    try running.start(record.id) { log in await self.work(on: record, ticket, log) }
  }

  /// Ends the work on an analysis within a batch, and waits until it has ended.
  func cancel(_ id: String) async { await running.cancel(id) }

  private nonisolated func work(
    on record: AnalysisRecord, _ ticket: JobQueue.Ticket, _ log: EventLog
  ) async {
    let platform = platform
    do {
      let limit = platform.configuration.limits[.time]
      try await within(seconds: limit) {
        try await platform.queue.run(ticket) {
          try await AnalysisRun(record, platform: platform, log: log)()
        }
      }
    } catch {
      await platform.queue.discard(ticket)
      // This task may be cancelled, and what is left to do must not be.
      await Task { await end(record.id, with: error) }.value
    }
    let last = await Task { try? await platform.store.analysis(record.id) }.value
    let state = last?.state ?? .cancelled
    platform.metrics.count(analysis: state.rawValue)
    log.end([
      "state": .string(state.rawValue), "error": last?.error.map(JSON.string) ?? .null,
      "cached": .bool(last?.isCached ?? false),
    ])
  }

  private nonisolated func end(_ id: String, with error: any Error) async {
    let wasCancelled = error is CancellationError
    let closing = wasCancelled && running.isClosing
    let text = Problem(error)?.detail ?? "the server failed"
    _ = try? await platform.store.update(id) { record in
      if wasCancelled {
        record.state = closing ? .interrupted : .cancelled
        record.error = closing ? "the server ended while it ran" : nil
      } else {
        record.state = .failed
        record.error = text
      }
    }
  }
}
