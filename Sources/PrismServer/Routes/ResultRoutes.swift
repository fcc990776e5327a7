internal import HTTPTypes
internal import Hummingbird
internal import Prism
internal import PrismReport

/// What an analysis has found: maps, reports, and its input.
struct ResultRoutes {
  let platform: Platform

  func add(to router: Router<PrismContext>) {
    router.get("v1/analyses/:id/maps/:method/:file", use: map)
    router.get("v1/analyses/:id/report.{format}", use: report)
    router.get("v1/analyses/:id/comparison.{format}") { request, context in
      let record = try await record(context)
      let format = try context.parameter("format")
      guard format == "json" || format == "png" else { throw Self.missing("comparison.\(format)") }
      return try await file("comparison.\(format)", record, request)
    }
    router.get("v1/analyses/:id/input") { request, context in
      let record = try await record(context)
      let bytes = try platform.store.blobs.get(record.inputDigest)
      return Response.bytes(bytes, type: "application/octet-stream").attached(as: record.inputName)
        .tagged(record.inputDigest, for: request, isFixed: true)
    }
    router.get("v1/analyses/:id/input.{format}", use: input)
    router.get("v1/analyses/:id/thumbnail.png", use: thumbnail)
  }

  private static func missing(_ name: String) -> Problem {
    Problem(.notFound, "the analysis has no \(Text.printable(name))")
  }

  private func record(_ context: PrismContext) async throws -> AnalysisRecord {
    let id = try context.parameter("id")
    guard let record = try await platform.store.analysis(id) else {
      throw Problem(.notFound, "there is no analysis \(Text.quoted(id))")
    }
    return record
  }

  private func file(
    _ name: String, _ record: AnalysisRecord, _ request: Request
  ) async throws -> Response {
    guard let file = try await platform.store.file(name, of: record.id) else {
      throw Self.missing(name)
    }
    return Response.bytes(file.bytes, type: Self.type(of: name)).tagged(file.digest, for: request)
  }

  private static func type(of name: String) -> String {
    switch name.split(separator: ".").last {
    case "png": "image/png"
    case "wav": "audio/wav"
    case "json": "application/json"
    case "csv": "text/csv; charset=utf-8"
    case "pdf": "application/pdf"
    case "html": "text/html; charset=utf-8"
    case "zip": "application/zip"
    default: "application/octet-stream"
    }
  }

  // MARK: - Maps

  /// `LABEL.npy`, `LABEL.png`, `LABEL.kept.wav` or `LABEL.removed.wav`; the label by index or name.
  private func map(_ request: Request, _ context: PrismContext) async throws -> Response {
    let (record, method) = (try await record(context), try context.parameter("method"))
    let asked = try context.parameter("file")
    guard
      let end = [".npy", ".png", ".kept.wav", ".removed.wav"].first(where: asked.hasSuffix),
      let document = try await document(of: record)
    else { throw Self.missing("maps/\(method)/\(asked)") }
    let label = String(asked.dropLast(end.count))
    let window = request.uri.queryParameters["window"].flatMap { Double(String($0)) }
    let entry = Self.explanation(of: label, by: method, at: window, in: document)
    guard let entry, let name = Self.name(of: end, in: entry) else {
      throw Self.missing("maps/\(method)/\(asked)")
    }
    return try await file(name, record, request)
  }

  /// The explanation of a label.
  ///
  /// - Parameters:
  ///   - label: An index, or a name where no label of the model has that index: labels may be
  ///     numbers themselves.
  ///   - method: The method.
  ///   - window: Where the window of a sound begins, in seconds; `nil` for the first.
  ///   - document: What the pipeline tells of the input.
  /// - Returns: The entry of the document, or `nil`.
  static func explanation(
    of label: String, by method: String, at window: Double?, in document: JSON
  ) -> JSON? {
    func hasIndex(_ entry: JSON?) -> Bool { entry?["index"].map { "\($0)" } == label }
    let all = document["explanations"]?.elements ?? []
    let isIndex =
      all.contains { hasIndex($0["target"]) }
      || document["predictions"]?.elements.contains { hasIndex($0) } == true
    return all.first { entry in
      guard entry["method"]?.string == method,
        isIndex ? hasIndex(entry["target"]) : entry["target"]?["label"]?.string == label
      else { return false }
      guard let window, let start = entry["window"]?.elements.first?.double else { return true }
      return abs(start - window) < 0.002
    }
  }

  private static func name(of end: String, in entry: JSON) -> String? {
    let evidence = entry["evidence"]?["files"] ?? entry["evidence"]
    switch end {
    case ".npy": return entry["files"]?["npy"]?.string
    case ".png": return entry["files"]?["png"]?.string
    case ".kept.wav": return fileName(evidence?["kept"])
    default: return fileName(evidence?["removed"])
    }
  }

  private static func fileName(_ value: JSON?) -> String? {
    value?.string ?? value?["file"]?.string
  }

  private func document(of record: AnalysisRecord) async throws -> JSON? {
    try await platform.store.file("\(AnalysisRun.stem).json", of: record.id).map {
      try JSON(utf8: $0.bytes)
    }
  }

  // MARK: - Reports

  private func report(_ request: Request, _ context: PrismContext) async throws -> Response {
    let (record, format) = (try await record(context), try context.parameter("format"))
    let name = "report.\(format)"
    switch format {
    case "json": return try await file("\(AnalysisRun.stem).json", record, request)
    case "html", "pdf", "csv", "zip": break
    default: throw Self.missing(name)
    }
    guard record.state == .done else {
      throw Problem(.conflict, "the analysis is \(record.state.rawValue) and has no report yet")
    }
    if try await platform.store.file(name, of: record.id) == nil {
      try await make(name, of: record, context)
    }
    return try await file(name, record, request)
      .attached(as: FileStem.readable(FileStem.stem(of: record.name)) + ".\(format)")
  }

  /// Makes a file that holds all methods and keeps it.
  private func make(
    _ name: String, of record: AnalysisRecord, _ context: PrismContext
  ) async throws {
    let (platform, store) = (platform, platform.store)
    if name == "report.zip" {
      let files = try await store.files(of: record.id)
      try await platform.answer(context) {
        let zip = try ZIPArchive.bytes(of: KeptAnalysis.archive(of: record, files, in: store.blobs))
        try store.keep([.init(name: name, contents: zip)], of: record.id)
      }
      return
    }
    let format = ResultFormat(rawValue: String(name.dropFirst(Store.sharedPrefix.count)))
    try await platform.answer(context) {
      let run = AnalysisRun(record, platform: platform, log: EventLog())
      let (input, pipeline) = try run.opened(formats: format.map { [$0] })
      let results = try pipeline(input, named: AnalysisRun.stem, archive: store.archive)
      // A sound has a page a window; the first is the strongest.
      guard
        let made = results.files.first(where: { $0.name.hasSuffix(".\(format?.rawValue ?? "")") })
      else { throw Self.missing(name) }
      try store.keep([.init(name: name, contents: made.contents)], of: record.id)
    }
  }

  // MARK: - Input

  /// The picture as PNG or its samples, or of a sound the samples as WAV and the spectrogram of a
  /// window.
  private func input(_ request: Request, _ context: PrismContext) async throws -> Response {
    let (record, format) = (try await record(context), try context.parameter("format"))
    let isSound = record.kind == "audio"
    guard (isSound ? ["wav", "png"] : ["png", "npy"]).contains(format) else {
      throw Self.missing("input.\(format)")
    }
    let window = request.uri.queryParameters["window"].flatMap { Double(String($0)) } ?? 0
    let store = platform.store
    let run = AnalysisRun(record, platform: platform, log: EventLog())
    let bytes = try await platform.answer(context) {
      let bytes = try store.blobs.get(record.inputDigest)
      switch (format, isSound) {
      case ("wav", _): return try Sound(decoding: bytes, name: record.inputName).wavData()
      case ("npy", _): return ArrayFile.data(try run.samples(bytes))
      case (_, true): return try run.spectrogram(bytes, from: window).pngData()
      default: return try run.picture(bytes).pngData()
      }
    }
    return Response.bytes(bytes, type: Self.type(of: "input.\(format)"))
      .tagged("\(record.inputDigest).\(window).\(format)", for: request, isFixed: true)
  }

  /// The longest side of a small picture.
  private static let thumbnailSide = 240

  /// The input as a small picture.
  private func thumbnail(_ request: Request, _ context: PrismContext) async throws -> Response {
    let record = try await record(context)
    let store = platform.store
    let run = AnalysisRun(record, platform: platform, log: EventLog())
    let bytes = try await platform.answer(context) {
      let bytes = try store.blobs.get(record.inputDigest)
      guard record.kind != "audio" else { return try run.spectrogram(bytes, from: 0).pngData() }
      return try run.picture(bytes).reduced(to: Self.thumbnailSide).pngData()
    }
    return Response.bytes(bytes, type: "image/png")
      .tagged("\(record.inputDigest).thumbnail", for: request, isFixed: true)
  }
}
