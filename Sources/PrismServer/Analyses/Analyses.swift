internal import HTTPTypes
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
  private struct Running {
    let task: Task<Void, Never>
    let log: EventLog
  }

  private let platform: Platform
  private var running: [String: Running] = [:]
  private var isClosing = false

  init(_ platform: Platform) { self.platform = platform }

  /// Waits until the server ends, and then marks what still runs as interrupted.
  func run() async throws {
    try? await gracefulShutdown()
    await close()
  }

  /// Ends everything that runs; what was finished stays, and the rest can be resumed.
  func close() async {
    isClosing = true
    let tasks = running.values.map(\.task)
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }

  /// The events of an analysis that runs, or `nil`.
  func log(of id: String) -> EventLog? { running[id]?.log }

  /// Begins or goes on with an analysis that is kept and has the state `queued`.
  ///
  /// - Throws: ``QueueFull``; ``Problem`` while the server ends.
  func start(_ record: AnalysisRecord, ticket: JobQueue.Ticket) throws {
    guard !isClosing else {
      throw Problem(
        .serviceUnavailable, "the server is ending", headers: [.retryAfter: "5"])
    }
    let log = EventLog()
    let task = Task {
      await self.work(on: record, ticket, log)
      self.forget(record.id, log)
    }
    running[record.id] = Running(task: task, log: log)
  }

  /// Forgets work that has ended, unless the analysis runs again already.
  private func forget(_ id: String, _ log: EventLog) {
    if running[id]?.log === log { running[id] = nil }
  }

  /// Ends the work on an analysis within a batch, and waits until it has ended.
  func cancel(_ id: String) async {
    guard let entry = running[id] else { return }
    entry.task.cancel()
    await entry.task.value
  }

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
    let closing = wasCancelled ? await isClosing : false
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
