internal import HTTPTypes
internal import Prism

/// The parts of a body of `multipart/form-data` (RFC 7578).
struct Multipart {
  /// A part.
  struct Part {
    let name: String
    let fileName: String?
    let contents: [UInt8]
  }

  let parts: [Part]

  /// The longest header of a part, in bytes.
  private static let longestHeader = 16 << 10

  /// - Parameters:
  ///   - bytes: The body.
  ///   - type: The header `Content-Type`, which names the boundary.
  ///   - most: The most parts.
  /// - Throws: ``Problem`` for what is none.
  init(_ bytes: [UInt8], type: String, most: Int = 63) throws {
    guard let boundary = Self.parameter("boundary", of: type),
      (1...70).contains(boundary.utf8.count)
    else { throw Problem(.badRequest, "the multipart body has no boundary") }
    let mark = Array("--\(boundary)".utf8)
    var parts: [Part] = []
    var places: [Int] = []
    var place = 0
    while let found = Self.find(mark, in: bytes, from: place) {
      if found == 0 || bytes[found - 1] == 0x0A { places.append(found) }
      place = found + mark.count
      guard places.count <= most + 1 else { throw Problem(.badRequest, "too many parts") }
    }
    guard places.count > 1 else { throw Problem(.badRequest, "the multipart body is not whole") }
    for (start, end) in zip(places, places.dropFirst()) {
      parts.append(try Self.part(bytes[(start + mark.count)..<end]))
    }
    self.parts = parts
  }

  /// The first part of a name.
  subscript(name: String) -> Part? { parts.first { $0.name == name } }

  private static func part(_ bytes: ArraySlice<UInt8>) throws -> Part {
    let gap: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]
    let all = Array(bytes)
    guard let end = find(gap, in: all, from: 0) else {
      throw Problem(.badRequest, "a part of the multipart body has no header")
    }
    guard end <= Self.longestHeader else {
      throw Problem(.badRequest, "the header of a part has more than \(Self.longestHeader) bytes")
    }
    let header = String(decoding: all[..<end], as: UTF8.self)
    guard Text.hasFewMarks(header) else {
      throw Problem(
        .badRequest, "a part's header has more than \(Text.mostMarks) combining marks in a row")
    }
    let line =
      header.split(whereSeparator: \.isNewline).first {
        $0.lowercased().hasPrefix("content-disposition:")
      } ?? ""
    guard let name = parameter("name", of: String(line)) else {
      throw Problem(.badRequest, "a part of the multipart body has no name")
    }
    var contents = Array(all[(end + gap.count)...])
    if contents.suffix(2) == [0x0D, 0x0A] { contents.removeLast(2) }
    return Part(name: name, fileName: parameter("filename", of: String(line)), contents: contents)
  }

  /// A parameter of a header, with or without quotes.
  private static func parameter(_ name: String, of header: String) -> String? {
    for field in header.split(separator: ";").dropFirst() {
      let sides = field.split(separator: "=", maxSplits: 1).map(\.trimmed)
      guard sides.count == 2, sides[0].lowercased() == name else { continue }
      let text = sides[1]
      return text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1
        ? String(text.dropFirst().dropLast()) : text
    }
    return nil
  }

  private static func find(_ mark: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard let first = mark.first, bytes.count >= mark.count else { return nil }
    var place = start
    while place <= bytes.count - mark.count {
      guard let next = bytes[place...].firstIndex(of: first), next <= bytes.count - mark.count
      else { return nil }
      if bytes[next..<next + mark.count].elementsEqual(mark) { return next }
      place = next + 1
    }
    return nil
  }
}
