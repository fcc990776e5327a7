internal import HTTPTypes
internal import Prism

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The parts of a body of `multipart/form-data` (RFC 7578).
struct Multipart: Sendable {
  /// A part.
  struct Part: Sendable {
    let name: String
    let fileName: String?
    let contents: [UInt8]
  }

  let parts: [Part]

  /// The longest header of a part, in bytes.
  private static let longestHeader = 16 << 10
  /// What ends a line.
  private static let (feed, ending): (UInt8, [UInt8]) = (0x0A, [0x0D, 0x0A])

  /// - Parameters:
  ///   - bytes: The body.
  ///   - type: The header `Content-Type`, which names the boundary.
  ///   - most: The most parts.
  /// - Throws: ``Problem`` for what is none.
  init(_ bytes: [UInt8], type: String, most: Int = 63) throws {
    guard let boundary = HeaderParameters(type)["boundary"],
      (1...70).contains(boundary.utf8.count), !boundary.utf8.contains(Self.feed)
    else { throw Problem(.badRequest, "the multipart body has no boundary") }
    let mark = Array("--\(boundary)".utf8)
    let places = try Self.places(of: mark, in: bytes, most: most + 1)
    guard places.count > 1 else { throw Problem(.badRequest, "the multipart body is not whole") }
    parts = try zip(places, places.dropFirst()).map { start, end in
      try Self.part(bytes[(start + mark.count)..<end])
    }
  }

  /// The first part of a name.
  subscript(name: String) -> Part? { parts.first { $0.name == name } }

  /// Where lines are the boundary, up to the one that ends the body.
  ///
  /// A boundary has no end of a line in it. So what is compared at the beginning of a line ends
  /// before the next line, and every byte is looked at twice at the most.
  private static func places(
    of mark: [UInt8], in bytes: [UInt8], most: Int
  ) throws -> [Int] {
    var places: [Int] = []
    var line: Int? = 0
    while let start = line {
      if has(mark, in: bytes, at: start) {
        let rest = bytes[(start + mark.count)...].prefix(2)
        let isLast = rest.elementsEqual([UInt8(ascii: "-"), UInt8(ascii: "-")])
        let isWhole = rest.first.map { [0x0D, feed, 0x20, 0x09].contains($0) } ?? true
        if isLast || isWhole { places.append(start) }
        guard places.count <= most else { throw Problem(.badRequest, "too many parts") }
        if isLast { break }
      }
      line = lineEnd(in: bytes, from: start).map { $0 + 1 }
    }
    return places
  }

  /// Whether a mark stands at a place.
  private static func has(_ mark: [UInt8], in bytes: [UInt8], at start: Int) -> Bool {
    unsafe bytes.withUnsafeBytes { all in
      guard let base = all.baseAddress, start + mark.count <= all.count else { return false }
      return unsafe memcmp(base + start, mark, mark.count) == 0
    }
  }

  /// Where the next line feed is.
  private static func lineEnd(in bytes: [UInt8], from start: Int) -> Int? {
    unsafe bytes.withUnsafeBytes { all in
      guard let base = all.baseAddress, start < all.count,
        let found = unsafe memchr(base + start, CInt(feed), all.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }

  private static func part(_ bytes: ArraySlice<UInt8>) throws -> Part {
    guard let end = headerEnd(of: bytes.prefix(longestHeader + 2 * ending.count)) else {
      throw Problem(
        .badRequest,
        bytes.count > longestHeader
          ? "the header of a part has more than \(longestHeader) bytes"
          : "a part of the multipart body has no header")
    }
    let header = String(decoding: bytes[..<end], as: UTF8.self)
    guard Text.hasFewMarks(header) else {
      throw Problem(
        .badRequest, "a part's header has more than \(Text.mostMarks) combining marks in a row")
    }
    let line =
      header.split(whereSeparator: \.isNewline).first {
        $0.lowercased().hasPrefix("content-disposition:")
      } ?? ""
    let parameters = HeaderParameters(String(line))
    guard let name = parameters["name"] else {
      throw Problem(.badRequest, "a part of the multipart body has no name")
    }
    var contents = bytes[(end + 2 * ending.count)...]
    if contents.suffix(ending.count).elementsEqual(ending) { contents.removeLast(ending.count) }
    return Part(name: name, fileName: parameters["filename"], contents: Array(contents))
  }

  /// Where the empty line begins that ends a part's header.
  private static func headerEnd(of bytes: ArraySlice<UInt8>) -> Int? {
    bytes.indices.dropLast(2 * ending.count - 1).first { place in
      bytes[place] == ending[0]
        && bytes[place..<place + 2 * ending.count].elementsEqual(ending + ending)
    }
  }
}
