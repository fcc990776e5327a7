internal import Foundation
internal import Prism

/// The parameters of a header, such as `form-data; name="file"; filename="a;b.png"`: tokens, texts in
/// quotes, and texts in UTF-8 as RFC 8187 has them (`filename*=UTF-8''na%C3%AFve.png`).
struct HeaderParameters {
  private var texts: [String: String] = [:]

  /// - Parameter header: The header's value, or its whole line; what stands before the first
  ///   semicolon is no parameter.
  init(_ header: String) {
    var rest = Array(header.utf8)[...]
    rest = rest.drop { $0 != Self.semicolon }.dropFirst()
    while !rest.isEmpty {
      let end = rest.firstIndex { $0 == Self.semicolon || $0 == Self.equals } ?? rest.endIndex
      let name = String(decoding: rest[..<end], as: UTF8.self).trimmed.lowercased()
      let hasText = end < rest.endIndex && rest[end] == Self.equals
      rest = rest[end...].dropFirst()
      guard hasText else { continue }
      let text = Self.text(&rest)
      // The first of a name counts.
      if texts[name] == nil { texts[name] = text }
    }
  }

  /// The text of a parameter, that in UTF-8 where there are both; `nil` where there is none.
  subscript(name: String) -> String? {
    texts["\(name)*"].flatMap(Self.decoded) ?? texts[name]
  }

  private static let (semicolon, equals) = (UInt8(ascii: ";"), UInt8(ascii: "="))
  private static let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))

  /// Takes a text, and what follows it up to the next parameter.
  private static func text(_ rest: inout ArraySlice<UInt8>) -> String {
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let text = rest.first == quote ? quoted(&rest) : nil
    let end = rest.firstIndex(of: semicolon) ?? rest.endIndex
    let token = rest[..<end]
    rest = rest[end...].dropFirst()
    return text ?? String(decoding: token, as: UTF8.self).trimmed
  }

  /// Takes a text in quotes; `nil`, and nothing is taken, where the second quote is missing.
  private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
    var text: [UInt8] = []
    var place = rest.startIndex + 1
    while place < rest.endIndex, rest[place] != quote {
      // Some browsers write a path's backslashes as they are.
      if rest[place] == backslash, place + 1 < rest.endIndex,
        rest[place + 1] == quote || rest[place + 1] == backslash
      {
        place += 1
      }
      text.append(rest[place])
      place += 1
    }
    guard place < rest.endIndex else { return nil }
    rest = rest[(place + 1)...]
    return String(decoding: text, as: UTF8.self)
  }

  /// A text such as `UTF-8'de'Gr%C3%B6%C3%9Fe.png`; `nil` for what is none.
  private static func decoded(_ text: String) -> String? {
    let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
    return String(parts[2]).removingPercentEncoding
  }
}
