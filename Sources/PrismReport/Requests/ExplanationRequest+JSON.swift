public import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension ExplanationRequest {
  /// Reads a request from text that nobody vouches for, in a time that grows with its length alone.
  ///
  /// `JSONDecoder` compares and hashes whatever it is given, which takes time with the square of a
  /// row of combining marks; what is no request anyway is refused before.
  ///
  /// - Parameter text: A JSON object.
  /// - Throws: `JSONError`, `LimitError` for a text longer than a name may be, `DecodingError`.
  public init(json text: String) throws {
    try self.init(try JSONReader.parse(text))
  }

  /// Reads a request from JSON that has been read already.
  ///
  /// - Parameter json: An object.
  /// - Throws: `LimitError` for a text longer than a name may be, `DecodingError`.
  public init(_ json: JSON) throws {
    try Self.check(json, Limits.current)
    self = try JSONDecoder().decode(Self.self, from: Data(json.description.utf8))
  }

  /// Refuses texts that are longer than a name may be.
  private static func check(_ json: JSON, _ limits: Limits) throws(LimitError) {
    switch json {
    case .string(let text): try limits.check(text.utf8.count, .name, of: "a text of the request")
    case .array(let elements): for element in elements { try check(element, limits) }
    case .object(let members):
      for member in members {
        try limits.check(member.name.utf8.count, .name, of: "a member of the request")
        try check(member.value, limits)
      }
    default: break
    }
  }
}
