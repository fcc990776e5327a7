/// Writes JSON values as text, byte by byte.
struct JSONWriter {
  /// The most bytes, blanks not counted, of what is formatted on one line.
  private static let lineLimit = 80

  private var bytes: [UInt8] = []

  /// What was written.
  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Writes a value on one line.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - gap: What follows commas and colons.
  mutating func write(_ value: JSON, gap: String = "") {
    switch value {
    case .null: put("null")
    case .bool(let value): put(value ? "true" : "false")
    case .integer(let value): put(String(value))
    // The shortest digits that give the same number back; JSON knows neither infinity nor NaN.
    case .number(let value): put(value.isFinite ? value.description : "null")
    case .string(let value): write(value)
    case .array(let elements):
      put("[")
      for (i, element) in elements.enumerated() {
        if i > 0 { put(",", gap) }
        write(element, gap: gap)
      }
      put("]")
    case .object(let members):
      put("{")
      for (i, member) in members.enumerated() {
        if i > 0 { put(",", gap) }
        write(member.name)
        put(":", gap)
        write(member.value, gap: gap)
      }
      put("}")
    }
  }

  /// Writes a value with a line for every element, but what is short on one.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - indentation: The blanks before the lines after the first.
  mutating func format(_ value: JSON, indentation: Int = 0) {
    switch value {
    case .array(let elements):
      // An element takes two bytes at least.
      let mayFit = elements.count <= Self.lineLimit / 2 && elements.allSatisfy(\.isScalar)
      if mayFit, writeShort(value, blanks: elements.count - 1) { return }
      formatLines("[", "]", indentation, of: elements.count) { writer, i, inner in
        writer.format(elements[i], indentation: inner)
      }
    case .object(let members):
      let mayFit = members.count <= Self.lineLimit / 2 && members.allSatisfy(\.value.isScalar)
      if mayFit, writeShort(value, blanks: 2 * members.count - 1) { return }
      formatLines("{", "}", indentation, of: members.count) { writer, i, inner in
        writer.write(members[i].name)
        writer.put(": ")
        writer.format(members[i].value, indentation: inner)
      }
    default: write(value)
    }
  }

  /// Writes a value on one line, or nothing if it is too long.
  private mutating func writeShort(_ value: JSON, blanks: Int) -> Bool {
    let start = bytes.count
    write(value, gap: " ")
    if bytes.count - start - max(blanks, 0) <= Self.lineLimit { return true }
    bytes.removeLast(bytes.count - start)
    return false
  }

  private mutating func formatLines(
    _ opening: String, _ closing: String, _ indentation: Int, of count: Int,
    element: (_ writer: inout JSONWriter, _ index: Int, _ indentation: Int) -> Void
  ) {
    put(opening)
    for i in 0..<count {
      startLine(indentation + 2)
      element(&self, i, indentation + 2)
      if i < count - 1 { put(",") }
    }
    startLine(indentation)
    put(closing)
  }

  private mutating func startLine(_ indentation: Int) {
    bytes.append(UInt8(ascii: "\n"))
    for _ in 0..<indentation { bytes.append(UInt8(ascii: " ")) }
  }

  private mutating func put(_ text: String) {
    let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { bytes.append(contentsOf: $0) }
    if isDone == nil { bytes.append(contentsOf: text.utf8) }
  }

  private mutating func put(_ text: StaticString, _ gap: String) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    if !gap.isEmpty { put(gap) }
  }

  private mutating func write(_ text: String) {
    let isPlain = text.utf8.allSatisfy {
      $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    bytes.append(UInt8(ascii: "\""))
    if isPlain { put(text) } else { writeEscaped(text) }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func writeEscaped(_ text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): put("\\\"")
      case UInt8(ascii: "\\"): put("\\\\")
      case UInt8(ascii: "\n"): put("\\n")
      case UInt8(ascii: "\r"): put("\\r")
      case UInt8(ascii: "\t"): put("\\t")
      case 0..<0x20: put("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
      default: bytes.append(byte)
      }
    }
  }
}

extension JSON {
  fileprivate var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }
}
