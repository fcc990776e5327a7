public import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Reads what clients of a server or a worker ask to be explained; nothing in it may name a file.
public struct RequestReader: Sendable {
  private let limits: Limits
  private let mostSamples: Int
  private let listing: String

  /// Makes a reader.
  ///
  /// - Parameters:
  ///   - limits: What every request may take; requests themselves say nothing about it.
  ///   - mostSamples: The most evaluations that one method may ask for.
  ///   - listing: Where a client learns which methods there are, in words.
  public init(limits: Limits, mostSamples: Int, listing: String) {
    self.limits = limits
    self.mostSamples = mostSamples
    self.listing = listing
  }

  private static let known: Set<String> = [
    "model", "methods", "targets", "seed", "batch", "windows", "purpose", "tests", "pictures",
    "sound", "showsRegions",
  ]

  /// Reads a request: an object with `model` and `methods`, and what else is chosen.
  ///
  /// - Parameters:
  ///   - json: The object.
  ///   - model: The model's name where the request names none; `nil` where it has to.
  /// - Returns: The request, with the reader's limits.
  /// - Throws: ``RequestError``, `LimitError`.
  public func request(_ json: JSON, model: String? = nil) throws -> ExplanationRequest {
    let members = try json.members(of: "the request")
    let named = json["model"] == nil ? model : nil
    return try request(
      model: try named ?? json.text("model"), methods: json["methods"] ?? .null,
      members: members.filter { $0.name != "model" && $0.name != "methods" })
  }

  /// Reads a request.
  ///
  /// - Parameters:
  ///   - model: The model's name.
  ///   - methods: Names, or objects with what was chosen.
  ///   - members: What else was chosen.
  /// - Returns: The request, with the reader's limits.
  /// - Throws: ``RequestError``, `LimitError`.
  public func request(
    model: String, methods: JSON, members: [JSON.Member]
  ) throws -> ExplanationRequest {
    for member in members where !Self.known.contains(member.name) {
      throw RequestError.unreadable(
        "the request has a member \(Text.quoted(member.name)) that is not known; there are "
          + Self.known.sorted().joined(separator: ", "))
    }
    if let seed = members.last(where: { $0.name == "seed" })?.value, seed != .null {
      guard let number = seed.double, number >= 0, number == number.rounded() else {
        throw RequestError.unreadable("seed is no whole number from 0")
      }
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
      throw RequestError.unreadable("the request is not understood: \(error.reason)")
    }
    request.limits = limits
    try check(request)
    return request
  }

  /// Reads methods: names, or objects with what was chosen.
  private func methods(_ json: JSON) throws -> [JSON] {
    guard !json.elements.isEmpty, json.elements.count <= 64 else {
      throw RequestError.unreadable("methods is no list of 1 to 64 methods")
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
    func refuse(_ text: String) -> RequestError { .unreadable(text) }
    var names: Set<String> = []
    for method in request.methods {
      guard let known = ExplanationMethod(named: method.name) else {
        throw refuse(
          "there is no method called \(Text.quoted(method.name)); \(listing) lists them")
      }
      guard names.insert(known.rawValue).inserted else {
        throw refuse("\(known.rawValue) is asked for twice")
      }
      if let samples = method.samples, !(1...mostSamples).contains(samples) {
        throw refuse("samples of \(known.rawValue) is not from 1 to \(mostSamples)")
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

extension JSON {
  /// The members of an object.
  ///
  /// - Parameter subject: What errors call the value.
  /// - Returns: The members in their order.
  /// - Throws: ``RequestError`` where the value is no object.
  package func members(of subject: String) throws(RequestError) -> [Member] {
    guard case .object(let members) = self else {
      throw .unreadable("\(subject) is no JSON object")
    }
    return members
  }

  /// A text that has to be there.
  ///
  /// - Parameter name: The member's name.
  /// - Returns: The text.
  /// - Throws: ``RequestError`` where it is not there.
  package func text(_ name: String) throws(RequestError) -> String {
    guard let text = self[name]?.string else {
      throw .unreadable("the member \(name) is missing or no text")
    }
    return text
  }
}

extension DecodingError {
  /// What is wrong, in words.
  var reason: String {
    switch self {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      (context.codingPath.isEmpty
        ? "" : context.codingPath.map(\.stringValue).joined(separator: ".") + ": ")
        + context.debugDescription
    case .keyNotFound(let key, _): "the member \(key.stringValue) is missing"
    @unknown default: "its members do not have the types that they should have"
    }
  }
}
