internal import HTTPTypes
internal import Hummingbird
internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Analyses: beginning, finding, changing and removing them.
struct AnalysisRoutes {
  let platform: Platform
  let analyses: Analyses

  func add(to router: Router<PrismContext>) {
    router.post("v1/analyses", use: create)
    router.get("v1/analyses", use: list)
    router.get("v1/analyses/:id") { request, context in
      let json = AnalysisText.json(try await record(context))
      return Response.json(json).tagged(
        SHA256.hexadecimalDigest(of: Array(json.description.utf8)), for: request)
    }
    router.patch("v1/analyses/:id", use: change)
    router.delete("v1/analyses/:id") { _, context in
      let id = try await record(context).id
      await analyses.cancel(id)
      guard try await platform.store.remove(id) else { throw Self.unknown(id) }
      return Response.nothing
    }
    router.post("v1/analyses/import", use: bringIn)
    router.post("v1/analyses/:id/methods", use: addMethods)
    router.post("v1/analyses/:id/cancel") { _, context in
      let record = try await record(context)
      await analyses.cancel(record.id)
      return Response.json(AnalysisText.json(try await self.record(context)))
    }
    router.post("v1/analyses/:id/resume") { _, context in
      let record = try await record(context)
      guard !record.state.isOpen else {
        throw Problem(.conflict, "the analysis is \(record.state.rawValue)")
      }
      guard record.state != .done else { return Response.json(AnalysisText.json(record)) }
      return try await restart(record.id, context) { _ in }
    }
  }

  private static func unknown(_ id: String) -> Problem {
    Problem(.notFound, "there is no analysis \(Text.quoted(id))")
  }

  /// The analysis that the address names.
  private func record(_ context: PrismContext) async throws -> AnalysisRecord {
    let id = try context.parameter("id")
    guard let record = try await platform.store.analysis(id) else { throw Self.unknown(id) }
    return record
  }

  // MARK: - Beginning

  private func create(_ request: Request, _ context: PrismContext) async throws -> Response {
    let asked = try await NewAnalysis(request, platform, context)
    let key = HTTPField.Name("Idempotency-Key").flatMap { request.headers[$0] }
    if let key, let known = try await platform.store.repeated(key, digest: asked.digest) {
      return accepted(known)
    }
    let explained = try RequestReader(platform).request(asked.request)
    let model = try platform.shelf.model(explained.model)
    try check(explained, model, asked)
    let ticket = try await platform.queue.take(.long, client: context.address)
    do {
      let now = Date().timeIntervalSince1970
      let record = AnalysisRecord(
        id: UUID().uuidString.lowercased(), name: asked.name,
        tags: JSON.array(asked.tags.map(JSON.string)).description, notes: "",
        model: explained.model, kind: ModelText.kind(of: model), inputName: asked.inputName,
        inputDigest: SHA256.hexadecimalDigest(of: asked.input),
        request: try explained.keptText(), state: .queued, isCached: false, created: now,
        updated: now)
      let kept = try await platform.store.insert(
        record, input: asked.input, repeatKey: key.map { ($0, asked.digest) })
      if kept.id == record.id {
        try await analyses.start(kept, ticket: ticket)
      } else {
        await platform.queue.discard(ticket)
      }
      return accepted(kept)
    } catch {
      await platform.queue.discard(ticket)
      throw error
    }
  }

  /// Refuses what does not fit before anything is kept.
  private func check(
    _ request: ExplanationRequest, _ model: Model, _ asked: NewAnalysis
  ) throws {
    let kind = MediaFormat(beginning: Array(asked.input.prefix(512)))?.kind
    let wanted: MediaFormat.Kind = model.card.input.audio == nil ? .picture : .sound
    if let kind, kind != wanted {
      throw Problem(
        .unprocessableContent,
        "\(Text.printable(asked.inputName)) is a \(kind.rawValue) and the model \(request.model) "
          + "takes a \(wanted.rawValue)")
    }
    _ = try ExplanationPipeline(request, model: model)
    try Explaining.checkObstacles(request, model)
    try check(targets: request.targets, of: model)
  }

  /// Refuses labels that the model does not have; which are probable is known later.
  private func check(targets: String?, of model: Model) throws {
    guard let targets else { return }
    let none = try model.prediction(ofLogits: [Float](repeating: 0, count: model.labels.count))
    do {
      _ = try Target.entries(targets, of: none)
    } catch TargetError.nothingAbove {}
  }

  /// Keeps an analysis that `report.zip` of this or another server has.
  private func bringIn(_ request: Request, _ context: PrismContext) async throws -> Response {
    let (bytes, platform) = (try await request.bytes(platform), platform)
    let kept = try await platform.answer(context) {
      try KeptAnalysis(
        ZIPReader(bytes, most: platform.configuration.limits[.bytes] * 2), RequestReader(platform))
    }
    let record = try await platform.store.insert(kept.record, input: kept.input, files: kept.files)
    var response = Response.json(AnalysisText.json(record), status: .created)
    response.headers[.location] = "/v1/analyses/\(record.id)"
    return response
  }

  private func accepted(_ record: AnalysisRecord) -> Response {
    var response = Response.json(AnalysisText.json(record), status: .accepted)
    response.headers[.location] = "/v1/analyses/\(record.id)"
    return response
  }

  // MARK: - Going on

  private func addMethods(_ request: Request, _ context: PrismContext) async throws -> Response {
    let record = try await record(context)
    let body = try await request.json(platform, context)
    guard !record.state.isOpen else {
      throw Problem(.conflict, "the analysis is \(record.state.rawValue); wait until it ends")
    }
    var old = try ExplanationRequest(json: record.request)
    let isMore = try await extend(&old, by: body, of: record)
    if body["methods"] != nil || !isMore {
      let added = try RequestReader(platform).request(
        model: record.model, methods: body["methods"] ?? .null, members: [])
      for method in added.methods {
        old.methods.removeAll {
          ExplanationMethod(named: $0.name) == ExplanationMethod(named: method.name)
        }
        old.methods.append(method)
      }
    }
    guard old.methods.count <= 64 else {
      throw Problem(.unprocessableContent, "the analysis would have more than 64 methods")
    }
    let model = try platform.shelf.model(record.model)
    _ = try ExplanationPipeline(old, model: model)
    try Explaining.checkObstacles(old, model)
    let text = try old.keptText()
    return try await restart(record.id, context) { $0.request = text }
  }

  /// Takes other labels, windows or another purpose, where they are asked for.
  ///
  /// - Returns: Whether there was one of them.
  private func extend(
    _ request: inout ExplanationRequest, by body: JSON, of record: AnalysisRecord
  ) async throws -> Bool {
    let names = ["targets", "windows", "purpose"]
    let members = try body.members(of: "the request").filter { names.contains($0.name) }
    guard !members.isEmpty else { return false }
    let asked = try RequestReader(platform).request(
      model: record.model, methods: .array([.string(request.methods.first?.name ?? "")]),
      members: members)
    if let targets = asked.targets {
      try check(targets: targets, of: platform.shelf.model(record.model))
      request.targets = targets
    }
    if body["purpose"] != nil { request.purpose = asked.purpose }
    if let windows = asked.windows {
      try await check(windows: WindowChoice(windows), of: record)
      request.windows = windows
    }
    return true
  }

  /// Refuses windows that the sound does not have, before an analysis that is done is asked again.
  private func check(windows: WindowChoice, of record: AnalysisRecord) async throws {
    guard record.kind == "audio" else {
      throw Problem(.unprocessableContent, "a picture has no windows")
    }
    guard case .starts(let times) = windows,
      let document = try await platform.store.file("\(AnalysisRun.stem).json", of: record.id),
      let sound = try JSON(utf8: document.bytes)["sound"]
    else { return }
    let known = sound["windows"]?.elements ?? []
    for time in times {
      func distance(_ window: JSON) -> Double {
        abs((window["seconds"]?.elements.first?.double ?? 0) - time)
      }
      let nearest = known.min { distance($0) < distance($1) }
      guard time < sound["seconds"]?.double ?? 0, nearest?["isSilent"] == .bool(false) else {
        throw Problem(
          .unprocessableContent, "at \(time) s the sound has no window that can be explained")
      }
    }
  }

  /// Puts an analysis into the queue again; what is known of it is not computed again.
  private func restart(
    _ id: String, _ context: PrismContext,
    _ change: @escaping @Sendable (inout AnalysisRecord) -> Void
  ) async throws -> Response {
    let ticket = try await platform.queue.take(.long, client: context.address)
    do {
      let record = try await platform.store.update(id) { record in
        guard !record.state.isOpen else { throw Problem(.conflict, "the analysis runs already") }
        change(&record)
        record.state = .queued
        record.error = nil
      }
      guard let record else { throw Self.unknown(id) }
      try await analyses.start(record, ticket: ticket)
      return accepted(record)
    } catch {
      await platform.queue.discard(ticket)
      throw error
    }
  }

  // MARK: - Changing and finding

  private func change(_ request: Request, _ context: PrismContext) async throws -> Response {
    let id = try await record(context).id
    let body = try await request.json(platform, context)
    for member in try body.members(of: "the change")
    where !["name", "tags", "notes"].contains(member.name) {
      throw Problem(
        .unprocessableContent,
        "\(Text.quoted(member.name)) cannot be changed; name, tags and notes can")
    }
    let name = body["name"] == nil ? nil : try body.text("name")
    if let name { try NewAnalysis.check(name: name) }
    let tags = body["tags"] == nil ? nil : try NewAnalysis.tags(body["tags"])
    let notes = body["notes"] == nil ? nil : try body.text("notes")
    try NewAnalysis.check(notes: notes ?? "")
    let record = try await platform.store.update(id) { record in
      if let name { record.name = name }
      if let tags { record.tags = JSON.array(tags.map(JSON.string)).description }
      if let notes { record.notes = notes }
    }
    guard let record else { throw Self.unknown(id) }
    return .json(AnalysisText.json(record))
  }

  private func list(_ request: Request, _ context: PrismContext) async throws -> Response {
    let query = request.uri.queryParameters
    func value(_ name: String) -> String? { query[Substring(name)].map(String.init) }
    var search = Store.Search()
    search.query = value("query") ?? ""
    search.tag = value("tag")
    search.model = value("model")
    if let cursor = value("cursor") {
      guard let before = Int64(cursor) else {
        throw Problem(.badRequest, "the cursor is not one that was given")
      }
      search.before = before
    }
    if let limit = value("limit") {
      guard let count = Int(limit), (1...500).contains(count) else {
        throw Problem(.badRequest, "limit is not from 1 to 500")
      }
      search.count = count
    }
    guard search.query.utf8.count <= 1000 else {
      throw Problem(.badRequest, "the query is longer than 1000 bytes")
    }
    let records = try await platform.store.analyses(search)
    let hasMore = records.count == search.count
    return .json([
      "analyses": .array(records.map(AnalysisText.json)),
      "cursor": hasMore ? records.last?.number.map { .string("\($0)") } ?? .null : .null,
    ])
  }
}
