/// Reads JSON from bytes that nobody vouches for.
///
/// A caller that knows what it expects asks for it (`readObject`, `readInteger`) and needs no more
/// memory than its own results; `readValue` builds a tree.
public struct JSONReader {
  static let depthLimit = 32
  /// The longest text of which a tree is made, in bytes: the tree takes up to 24 times as much.
  package static let sizeLimit = 32 << 20

  private let bytes: UnsafeBufferPointer<UInt8>
  /// The byte that is read next.
  public private(set) var offset = 0

  /// - Parameter bytes: Must stay valid as long as the reader is used.
  public init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// Reads a whole text as one value.
  public static func parse(_ text: String) throws(JSONError) -> JSON {
    guard text.utf8.count <= sizeLimit else {
      throw JSONError(reason: "text longer than \(sizeLimit) bytes", offset: sizeLimit)
    }
    return try JSON(utf8: Array(text.utf8))
  }

  /// An error at the byte that is read next.
  public func failure(_ reason: String) -> JSONError { JSONError(reason: reason, offset: offset) }

  /// Reads white space up to the end of the text.
  public mutating func readEnd() throws(JSONError) {
    if next() != nil { throw failure("text after the end of the JSON") }
  }

  /// Reads an object, handing over each name; the closure reads the value.
  ///
  /// Equal names are the caller's affair.
  public mutating func readObject(
    _ member: (inout JSONReader, String) throws(JSONError) -> Void
  ) throws(JSONError) {
    try expect("{", "an object")
    if accept("}") { return }
    repeat {
      let name = try readString()
      try expect(":", "a colon")
      try member(&self, name)
    } while accept(",")
    try expect("}", "a comma or the end of the object")
  }

  /// Reads an array; the closure reads one element.
  public mutating func readArray(
    _ element: (inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    try expect("[", "an array")
    if accept("]") { return }
    repeat { try element(&self) } while accept(",")
    try expect("]", "a comma or the end of the array")
  }

  /// Reads an integer that fits an `Int`.
  public mutating func readInteger() throws(JSONError) -> Int {
    let byte = next()
    guard byte == UInt8(ascii: "-") || isDigit(byte) else { throw failure("expected an integer") }
    let start = offset
    guard case .integer(let value) = try readNumber() else {
      throw JSONError(reason: "expected an integer of at most 64 bits", offset: start)
    }
    return value
  }

  /// Reads a string.
  public mutating func readString() throws(JSONError) -> String {
    try expect("\"", "a string")
    let start = offset
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\""),
      bytes[offset] != UInt8(ascii: "\\"), bytes[offset] >= 0x20
    {
      offset += 1
    }
    if current == UInt8(ascii: "\"") {
      let text = try text(bytes[start..<offset], from: start)
      offset += 1
      return text
    }
    var unescaped = Array(bytes[start..<offset])
    while true {
      guard let byte = current else { throw failure("unfinished string") }
      guard byte >= 0x20 else { throw failure("control character in a string") }
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return try text(unescaped, from: start)
      case UInt8(ascii: "\\"): try readEscape(into: &unescaped)
      default: unescaped.append(byte)
      }
    }
  }

  /// Reads any value.
  public mutating func readValue(depth: Int = 0) throws(JSONError) -> JSON {
    guard depth < Self.depthLimit else { throw failure("nested too deeply") }
    switch next() {
    case nil: throw failure("unfinished text")
    case UInt8(ascii: "{"):
      var members: [JSON.Member] = []
      var names: Set<String> = []
      try readObject { reader, name throws(JSONError) in
        guard names.insert(name).inserted else {
          throw reader.failure("\(Text.quoted(name)) appears twice in one object")
        }
        members.append(.init(name: name, value: try reader.readValue(depth: depth + 1)))
      }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [JSON] = []
      try readArray { reader throws(JSONError) in
        elements.append(try reader.readValue(depth: depth + 1))
      }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"): return try readWord("true", .bool(true))
    case UInt8(ascii: "f"): return try readWord("false", .bool(false))
    case UInt8(ascii: "n"): return try readWord("null", .null)
    case UInt8(ascii: "-"): return try readNumber()
    case let byte where isDigit(byte): return try readNumber()
    default: throw failure("expected a value")
    }
  }

  // MARK: - Pieces

  private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  /// The next byte that is not white space, not yet read.
  private mutating func next() -> UInt8? {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      offset += 1
    }
    return current
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard next() == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar, _ what: String) throws(JSONError) {
    guard accept(character) else { throw failure("expected \(what)") }
  }

  private mutating func readWord(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let end = offset + word.utf8CodeUnitCount
    let matches = word.withUTF8Buffer { $0.elementsEqual(bytes[offset..<min(end, bytes.count)]) }
    guard matches else { throw failure("expected a value") }
    offset = end
    return value
  }

  private mutating func readNumber() throws(JSONError) -> JSON {
    let start = offset
    var decimal = Decimal()
    if current == UInt8(ascii: "-") {
      decimal.isNegative = true
      offset += 1
    }
    let leadingZero = current == UInt8(ascii: "0")
    let digits = try readDigits(into: &decimal)
    if leadingZero, digits > 1 { throw failure("number with a leading zero") }
    var isInteger = true
    if current == UInt8(ascii: ".") {
      isInteger = false
      offset += 1
      decimal.exponent = -(try readDigits(into: &decimal))
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isInteger = false
      decimal.isExact = false
      offset += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
      _ = try readDigits(into: &decimal)
    }
    guard offset - start <= 1024 else { throw failure("number of too many digits") }
    if let value = isInteger ? decimal.integer.map(JSON.integer) : decimal.value.map(JSON.number) {
      return value
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(reason: "number out of range", offset: start)
    }
    return .number(value)
  }

  /// Reads digits, at least one.
  ///
  /// - Returns: How many.
  private mutating func readDigits(into decimal: inout Decimal) throws(JSONError) -> Int {
    let start = offset
    while let byte = current, isDigit(byte) {
      decimal.append(byte &- UInt8(ascii: "0"))
      offset += 1
    }
    guard offset > start else { throw failure("expected a digit") }
    return offset - start
  }

  private func isDigit(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private func text(
    _ bytes: some Sequence<UInt8>, from start: Int
  ) throws(JSONError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw JSONError(reason: "string that is not UTF-8", offset: start)
    }
    guard Text.hasFewMarks(text) else {
      throw JSONError(
        reason: "more than \(Text.mostMarks) combining marks in a row", offset: start)
    }
    return text
  }

  private mutating func readEscape(into target: inout [UInt8]) throws(JSONError) {
    guard let byte = current else { throw failure("unfinished string") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): target.append(byte)
    case UInt8(ascii: "b"): target.append(0x08)
    case UInt8(ascii: "f"): target.append(0x0C)
    case UInt8(ascii: "n"): target.append(0x0A)
    case UInt8(ascii: "r"): target.append(0x0D)
    case UInt8(ascii: "t"): target.append(0x09)
    case UInt8(ascii: "u"):
      var code = try readHex()
      if code & 0xFC00 == 0xD800 {
        guard current == UInt8(ascii: "\\") else { throw failure("half a surrogate pair") }
        offset += 1
        guard current == UInt8(ascii: "u") else { throw failure("half a surrogate pair") }
        offset += 1
        let low = try readHex()
        guard low & 0xFC00 == 0xDC00 else { throw failure("half a surrogate pair") }
        code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
      target.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    default: throw failure("unknown escape in a string")
    }
  }

  private mutating func readHex() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }
}

extension JSON {
  /// Reads a text of which somebody has seen to the length.
  ///
  /// - Parameter bytes: The text in UTF-8.
  /// - Throws: `JSONError`.
  package init(utf8 bytes: [UInt8]) throws(JSONError) {
    self = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
      var reader = JSONReader(buffer)
      let value = try reader.readValue()
      try reader.readEnd()
      return value
    }
  }
}
