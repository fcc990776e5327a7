internal import HTTPTypes
internal import Hummingbird
internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What a client sends to begin an analysis: a file, what is asked about it, and how it is to be
/// called.
struct NewAnalysis {
  /// The file.
  let input: [UInt8]
  /// The file's name.
  let inputName: String
  /// What is asked.
  let request: JSON
  /// The analysis's name.
  let name: String
  /// Its tags.
  let tags: [String]

  /// Reads a request: JSON with the file in Base64, a form, or the file alone with the rest in the
  /// address.
  ///
  /// - Throws: ``Problem``, `JSONError`.
  init(
    _ request: Request, _ platform: Platform, _ context: PrismContext
  ) async throws {
    switch request.contentType {
    case "application/json":
      let body = try await request.json(platform, context)
      let fileName = Self.plain(body["file_name"]?.string ?? "file")
      self.init(
        input: try body.base64("file_b64"), inputName: fileName,
        request: body["request"] ?? .null, name: body["name"]?.string ?? fileName,
        tags: try Self.tags(body["tags"]))
    case "multipart/form-data":
      let form = try await request.form(platform, context)
      guard let file = form["file"], let asked = form["request"] else {
        throw Problem(.unprocessableContent, "the form lacks the part file or the part request")
      }
      let fileName = Self.plain(file.fileName ?? "file")
      self.init(
        input: file.contents, inputName: fileName, request: try JSON(utf8: asked.contents),
        name: form["name"].map { String(decoding: $0.contents, as: UTF8.self) } ?? fileName,
        tags: [])
    default:
      let query = request.uri.queryParameters
      func value(_ name: String) -> String? { query[Substring(name)].map(String.init) }
      let fileName = Self.plain(value("name") ?? "file")
      let header = HTTPField.Name("Prism-Request").flatMap { request.headers[$0] }
      let asked = try header.map { try JSONReader.parse($0) } ?? Self.request(value)
      self.init(
        input: try await request.bytes(platform), inputName: fileName, request: asked,
        name: fileName, tags: [])
    }
    guard !input.isEmpty else { throw Problem(.unprocessableContent, "the file is empty") }
    try Self.check(name: name)
  }

  private init(
    input: [UInt8], inputName: String, request: JSON, name: String, tags: [String]
  ) {
    self.input = input
    self.inputName = inputName
    self.request = request
    self.name = name
    self.tags = tags
  }

  /// A request of the parameters of an address, such as `?model=dogs&methods=gradcam,lime`.
  private static func request(_ value: (String) -> String?) -> JSON {
    var members: [JSON.Member] = []
    if let model = value("model") { members.append(.init(name: "model", value: .string(model))) }
    let methods = (value("methods") ?? "gradcam").split(separator: ",").map {
      JSON.string(String($0))
    }
    members.append(.init(name: "methods", value: .array(methods)))
    for name in ["targets", "windows", "purpose"] {
      if let text = value(name) { members.append(.init(name: name, value: .string(text))) }
    }
    if let seed = value("seed") {
      members.append(.init(name: "seed", value: Int(seed).map(JSON.integer) ?? .string(seed)))
    }
    return .object(members)
  }

  /// The last part of a file's name, without what is not shown.
  static func plain(_ name: String) -> String {
    let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
    let shown = String(
      String.UnicodeScalarView(
        last.unicodeScalars.filter { !$0.properties.generalCategory.isControl }))
    return shown.isEmpty ? "file" : FileStem.cut(shown, to: 200)
  }

  /// Refuses a name that is too long.
  static func check(name: String) throws {
    guard !name.isEmpty, name.utf8.count <= 1000 else {
      throw Problem(.unprocessableContent, "the name is empty or longer than 1000 bytes")
    }
    guard Text.hasFewMarks(name) else {
      throw Problem(
        .unprocessableContent,
        "the name has more than \(Text.mostMarks) combining marks in a row")
    }
  }

  /// Refuses notes that are too long.
  static func check(notes: String) throws {
    guard notes.utf8.count <= 65_536 else {
      throw Problem(.unprocessableContent, "the notes are longer than 65536 bytes")
    }
  }

  /// Reads tags.
  ///
  /// - Throws: ``Problem`` for what is no short list of texts.
  static func tags(_ json: JSON?) throws -> [String] {
    guard let json, json != .null else { return [] }
    let tags = json.elements.compactMap(\.string)
    guard case .array(let all) = json, tags.count == all.count, tags.count <= 64,
      tags.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 200 })
    else {
      throw Problem(.unprocessableContent, "tags is no list of at most 64 texts of 1 to 200 bytes")
    }
    return tags
  }

  /// What two equal requests have in common.
  var digest: String {
    let all: JSON = [
      "input": .string(SHA256.hexadecimalDigest(of: input)), "inputName": .string(inputName),
      "request": request, "name": .string(name), "tags": .array(tags.map(JSON.string)),
    ]
    return SHA256.hexadecimalDigest(of: Array(all.description.utf8))
  }
}

extension Unicode.GeneralCategory {
  /// Whether characters of this kind are not shown and may hide others.
  fileprivate var isControl: Bool { self == .control || self == .format || self == .surrogate }
}
