internal import HTTPTypes
internal import Hummingbird
internal import Prism
internal import PrismReport

/// Studies of models and data: examples, tests of concepts, and concepts that are found.
struct StudyRoutes {
  let platform: Platform
  let studies: Studies

  /// The most parts of a form.
  private static let mostParts = 1024

  func add(to router: Router<PrismContext>) {
    router.post("v1/studies", use: create)
    router.get("v1/studies/:id") { request, context in
      let (id, note) = try await note(context)
      let json = StudyText.json(id, note)
      return Response.json(json).tagged(
        SHA256.hexadecimalDigest(of: Array(json.description.utf8)), for: request)
    }
    router.delete("v1/studies/:id") { _, context in
      let id = try context.parameter("id")
      guard await studies.remove(id) else { throw Self.unknown(id) }
      return Response.nothing
    }
    router.get("v1/studies/:id/events", use: events)
    router.get("v1/studies/:id/report.{format}", use: report)
    router.get("v1/studies/:id/pictures/:name") { request, context in
      let (id, name) = (try context.parameter("id"), try context.parameter("name"))
      guard name.hasSuffix(".png"), let bytes = await studies.file(name, of: id) else {
        throw Problem(.notFound, "the study has no picture \(Text.quoted(name))")
      }
      return Response.bytes(bytes, type: "image/png")
        .tagged("\(id).\(name)", for: request, isFixed: true)
    }
  }

  private static func unknown(_ id: String) -> Problem {
    Problem(.notFound, "there is no study \(Text.quoted(id))")
  }

  private func note(_ context: PrismContext) async throws -> (id: String, note: Studies.Note) {
    let id = try context.parameter("id")
    guard let note = await studies.note(id) else { throw Self.unknown(id) }
    return (id, note)
  }

  // MARK: - Beginning

  private func create(_ request: Request, _ context: PrismContext) async throws -> Response {
    var uploads: [StudyRequest.Role: [ExampleFile]] = [:]
    let asked: JSON
    if request.contentType == "multipart/form-data" {
      let form = try await request.form(platform, context, most: Self.mostParts)
      guard let part = form["request"] else {
        throw Problem(.unprocessableContent, "the form lacks the part request")
      }
      asked = try JSON(utf8: part.contents)
      uploads = try files(of: form)
    } else {
      asked = try await request.json(platform, context)
    }
    let reader = StudyReader(platform.configuration)
    let question = try reader.request(asked, uploaded: Set(uploads.keys))
    var analysis: AnalysisRecord?
    if case .analysis(let id)? = question.sources[.inputs] {
      analysis = try await platform.store.analysis(id)
    }
    let (platform, files, record) = (platform, uploads, analysis)
    let study = try await platform.answer(context) {
      try Study(question, uploads: files, analysis: record, platform)
    }
    let note = try await studies.begin(study, client: context.address)
    var response = Response.json(
      StudyText.json(study.id, note), status: note.state == .done ? .ok : .accepted)
    response.headers[.location] = "/v1/studies/\(study.id)"
    return response
  }

  /// The files of a form, by what they are for.
  private func files(of form: Multipart) throws -> [StudyRequest.Role: [ExampleFile]] {
    var files: [StudyRequest.Role: [ExampleFile]] = [:]
    for part in form.parts where part.name != "request" {
      guard let role = StudyRequest.Role(rawValue: part.name) else {
        throw Problem(
          .unprocessableContent,
          "the form has a part \(Text.quoted(part.name)); it takes request, inputs, positive and "
            + "random")
      }
      let number = files[role]?.count ?? 0
      guard number < platform.configuration.mostStudied else {
        throw Problem(
          .unprocessableContent,
          "\(role.rawValue) has more than \(platform.configuration.mostStudied) files")
      }
      let name = NewAnalysis.plain(part.fileName ?? "\(role.rawValue) \(number + 1)")
      files[role, default: []].append(ExampleFile(part.contents, name: name))
    }
    return files
  }

  // MARK: - Watching and results

  private func events(_ request: Request, _ context: PrismContext) async throws -> Response {
    let (id, _) = try await note(context)
    let log: EventLog
    if let running = await studies.log(of: id) {
      log = running
    } else {
      log = EventLog()
      let (_, note) = try await note(context)
      log.end([
        "state": .string(note.state.rawValue), "error": note.error.map(JSON.string) ?? .null,
        "cached": .bool(note.isCached),
      ])
    }
    return log.response(to: request)
  }

  private func report(_ request: Request, _ context: PrismContext) async throws -> Response {
    let (id, note) = try await note(context)
    let format = try context.parameter("format")
    guard ["json", "html", "csv"].contains(format) else {
      throw Problem(.notFound, "the study has no report.\(format)")
    }
    guard let document = note.findings?["document"] else {
      throw Problem(.conflict, "the study is \(note.state.rawValue) and has no report yet")
    }
    if format == "json" {
      return Response.json(document).tagged("\(id).json", for: request, isFixed: true)
    }
    guard let bytes = await studies.file("report.\(format)", of: id) else {
      throw Problem(.notFound, "the study has no report.\(format)")
    }
    return Response.bytes(
      bytes, type: format == "html" ? "text/html; charset=utf-8" : "text/csv; charset=utf-8"
    ).attached(as: "\(note.kind).\(format)").tagged("\(id).\(format)", for: request, isFixed: true)
  }
}
