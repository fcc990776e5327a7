internal import HTTPTypes
internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Reads what clients ask to be explained; nothing in it may name a file of the server.
struct RequestReader {
  private let configuration: ServerConfiguration

  init(_ platform: Platform) { self.init(platform.configuration) }

  init(_ configuration: ServerConfiguration) { self.configuration = configuration }

  private static let known: Set<String> = [
    "model", "methods", "targets", "seed", "batch", "windows", "purpose", "tests", "pictures",
    "sound", "showsRegions",
  ]

  /// Reads a request: an object with `model` and `methods`, and what else is chosen.
  ///
  /// - Throws: ``Problem``.
  func request(_ json: JSON) throws -> ExplanationRequest {
    let members = try json.members(of: "the request")
    return try request(
      model: try json.text("model"), methods: json["methods"] ?? .null,
      members: members.filter { $0.name != "model" && $0.name != "methods" })
  }

  /// Reads a request.
  ///
  /// - Parameters:
  ///   - model: The model's name.
  ///   - methods: Names, or objects with what was chosen.
  ///   - members: What else was chosen.
  /// - Returns: The request, with the server's limits.
  /// - Throws: ``Problem``.
  func request(
    model: String, methods: JSON, members: [JSON.Member]
  ) throws -> ExplanationRequest {
    for member in members where !Self.known.contains(member.name) {
      throw Problem(
        .unprocessableContent,
        "the request has a member \(Text.quoted(member.name)) that is not known; there are "
          + Self.known.sorted().joined(separator: ", "))
    }
    let object = JSON.object(
      [
        .init(name: "model", value: .string(model)),
        .init(name: "methods", value: .array(try self.methods(methods))),
      ] + members.filter { $0.value != .null })
    var request: ExplanationRequest
    do {
      request = try ExplanationRequest(object)
    } catch let error as DecodingError {
      throw Problem(.unprocessableContent, "the request is not understood: \(error.reason)")
    }
    request.limits = configuration.limits
    try check(request)
    return request
  }

  /// Reads methods: names, or objects with what was chosen.
  private func methods(_ json: JSON) throws -> [JSON] {
    guard !json.elements.isEmpty, json.elements.count <= 64 else {
      throw Problem(.unprocessableContent, "methods is no list of 1 to 64 methods")
    }
    return try json.elements.map { element in
      guard let name = element.string else {
        _ = try element.members(of: "a method")
        return element
      }
      return ["name": .string(name)]
    }
  }

  private func check(_ request: ExplanationRequest) throws {
    func refuse(_ text: String) -> Problem { Problem(.unprocessableContent, text) }
    var names: Set<String> = []
    for method in request.methods {
      guard let known = ExplanationMethod(named: method.name) else {
        throw refuse(
          "there is no method called \(Text.quoted(method.name)); GET /v1/methods lists them")
      }
      guard names.insert(known.rawValue).inserted else {
        throw refuse("\(known.rawValue) is asked for twice")
      }
      if let samples = method.samples, !(1...configuration.mostSamples).contains(samples) {
        throw refuse("samples of \(known.rawValue) is not from 1 to \(configuration.mostSamples)")
      }
      if let confidence = method.confidence, !(confidence > 0.5 && confidence < 1) {
        throw refuse("confidence of \(known.rawValue) is not between 0.5 and 1")
      }
      for text in [method.segments, method.mask].compactMap({ $0 }) where !Self.isHarmless(text) {
        throw refuse("\(Text.quoted(text)) of \(known.rawValue) names a file or is too long")
      }
    }
    if let batch = request.batch, !(1...4096).contains(batch) {
      throw refuse("batch is not from 1 to 4096")
    }
  }

  /// Whether a text cannot be the path of a file.
  private static func isHarmless(_ text: String) -> Bool {
    let lower = text.lowercased()
    return text.utf8.count <= 64 && !lower.contains("/") && !lower.hasSuffix(".npy")
      && !lower.hasSuffix(".png")
  }
}

extension DecodingError {
  /// What is wrong, in words.
  var reason: String {
    switch self {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)"
    case .keyNotFound(let key, _): "the member \(key.stringValue) is missing"
    @unknown default: "its members do not have the types that they should have"
    }
  }
}
