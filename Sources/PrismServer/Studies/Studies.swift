internal import HTTPTypes
internal import Prism
internal import PrismReport
internal import ServiceLifecycle

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The studies that are kept, run or have failed, and how they begin and end.
actor Studies: Service {
  /// How far a study is.
  struct Note: Sendable {
    let kind, model: String
    let request: JSON
    let created: Double
    var state = AnalysisRecord.State.queued
    var error: String?
    /// What was found, where it is done.
    var findings: JSON?
    /// Whether nothing had to be computed.
    var isCached = false
  }

  /// The most studies without results that are remembered.
  private static let mostNotes = 256

  private let platform: Platform
  private let shelf: StudyShelf
  private let running = RunningWork()
  private var notes: [(id: String, note: Note)] = []

  /// - Throws: `FileError` where the data folder cannot be used.
  init(_ platform: Platform) throws {
    self.platform = platform
    shelf = try StudyShelf(folder: "\(platform.configuration.data)/studies")
  }

  /// Waits until the server ends, and then ends what still runs.
  func run() async throws {
    try? await gracefulShutdown()
    await running.close()
  }

  /// A study, or `nil` where nobody has asked for one of the name.
  func note(_ id: String) -> Note? {
    notes.first { $0.id == id }?.note ?? shelf.study(id).flatMap(Self.kept)
  }

  private static func kept(_ json: JSON) -> Note? {
    guard let kind = json["kind"]?.string, let model = json["model"]?.string else { return nil }
    return Note(
      kind: kind, model: model, request: json["request"] ?? .null,
      created: json["created"]?.double ?? 0, state: .done, findings: json)
  }

  /// The events of a study that runs, or `nil`.
  func log(of id: String) -> EventLog? { running.log(of: id) }

  /// A file of a study that is done, or `nil`.
  func file(_ name: String, of id: String) -> [UInt8]? { shelf.file(name, of: id) }

  /// Begins a study, unless it runs or is known already.
  ///
  /// - Parameters:
  ///   - study: The study.
  ///   - client: Who asks.
  /// - Returns: How far it is.
  /// - Throws: ``QueueFull``; ``Problem`` while the server ends.
  func begin(_ study: Study, client: String) async throws -> Note {
    if let known = known(study.id) { return known }
    let ticket = try await platform.queue.take(.long, client: client)
    if let known = known(study.id) {
      await platform.queue.discard(ticket)
      return known
    }
    let note = Note(
      kind: study.request.kind, model: study.request.model, request: study.request.json,
      created: Date().timeIntervalSince1970)
    do {
      try running.start(study.id) { log in await self.work(on: study, ticket, log) }
    } catch {
      await platform.queue.discard(ticket)
      throw error
    }
    remember(note, of: study.id)
    return note
  }

  /// A study that runs or is done.
  private func known(_ id: String) -> Note? {
    if let note = notes.first(where: { $0.id == id })?.note, note.state.isOpen { return note }
    var note = shelf.study(id).flatMap(Self.kept)
    note?.isCached = true
    return note
  }

  private func remember(_ note: Note?, of id: String) {
    notes.removeAll { $0.id == id }
    if let note { notes.append((id, note)) }
    while notes.count > Self.mostNotes,
      let oldest = notes.firstIndex(where: { !$0.note.state.isOpen })
    {
      notes.remove(at: oldest)
    }
  }

  /// Ends a study within a batch, and forgets it with all that it has found.
  ///
  /// - Returns: Whether there was one.
  func remove(_ id: String) async -> Bool {
    let wasThere = note(id) != nil
    await running.cancel(id)
    remember(nil, of: id)
    return shelf.remove(id) || wasThere
  }

  private nonisolated func work(
    on study: Study, _ ticket: JobQueue.Ticket, _ log: EventLog
  ) async {
    let platform = platform
    var state = AnalysisRecord.State.done
    var reason: String?
    do {
      let findings = try await within(seconds: platform.configuration.limits[.time]) {
        try await platform.queue.run(ticket) {
          await self.change(study.id, .running)
          return try await WorkThreads.run {
            try StudyRun(study, platform: platform, log: log)()
          }
        }
      }
      try await keep(findings, of: study)
    } catch {
      await platform.queue.discard(ticket)
      state = error is CancellationError ? (running.isClosing ? .interrupted : .cancelled) : .failed
      reason = state == .failed ? Problem(error)?.detail ?? "the server failed" : nil
    }
    await change(study.id, state, reason)
    log.end([
      "state": .string(state.rawValue), "error": reason.map(JSON.string) ?? .null,
      "cached": .bool(false),
    ])
  }

  private func change(
    _ id: String, _ state: AnalysisRecord.State, _ error: String? = nil
  ) {
    guard let index = notes.firstIndex(where: { $0.id == id }) else { return }
    // What is done is on the shelf.
    guard state != .done else {
      notes.remove(at: index)
      return
    }
    notes[index].note.state = state
    notes[index].note.error = error
  }

  private func keep(_ findings: StudyRun.Findings, of study: Study) throws {
    guard let note = notes.first(where: { $0.id == study.id })?.note else { return }
    try shelf.keep(
      findings.files,
      [
        "kind": .string(note.kind), "model": .string(note.model), "request": note.request,
        "created": .number(note.created), "document": findings.document,
        "pictures": .array(findings.pictures.map(JSON.string)),
      ], of: study.id)
  }
}
