/// A JSON value (RFC 8259).
///
/// Members of an object keep their order and have different names.
public enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  /// A number written without fraction or exponent that fits an `Int`.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([Member])

  /// A name and its value.
  public struct Member: Equatable, Sendable {
    /// The name.
    public let name: String
    /// The value.
    public let value: JSON

    /// Makes a member.
    public init(name: String, value: JSON) {
      self.name = name
      self.value = value
    }
  }
}

extension JSON: CustomStringConvertible {
  /// The value as JSON text without white space.
  public var description: String {
    var text = ""
    write(to: &text)
    return text
  }

  // `gap` is what follows commas and colons.
  private func write(to text: inout String, gap: String = "") {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    // The shortest digits that give the same number back; JSON knows neither infinity nor NaN.
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.write(value, to: &text)
    case .array(let elements):
      text += "["
      for (i, element) in elements.enumerated() {
        if i > 0 { text += "," + gap }
        element.write(to: &text, gap: gap)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (i, member) in members.enumerated() {
        if i > 0 { text += "," + gap }
        Self.write(member.name, to: &text)
        text += ":" + gap
        member.value.write(to: &text, gap: gap)
      }
      text += "}"
    }
  }

  private static func write(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension JSON {
  /// The value as JSON text with a line for every element and two blanks of indentation a level.
  ///
  /// Arrays of numbers and objects of one or two short members stay on one line.
  public var formatted: String {
    var text = ""
    format(into: &text, indentation: "")
    return text
  }

  private func format(into text: inout String, indentation: String) {
    let inner = indentation + "  "
    switch self {
    case .array(let elements) where !isShort:
      text += "[\n"
      for (i, element) in elements.enumerated() {
        text += inner
        element.format(into: &text, indentation: inner)
        text += i < elements.count - 1 ? ",\n" : "\n"
      }
      text += indentation + "]"
    case .object(let members) where !isShort:
      text += "{\n"
      for (i, member) in members.enumerated() {
        text += inner
        Self.write(member.name, to: &text)
        text += ": "
        member.value.format(into: &text, indentation: inner)
        text += i < members.count - 1 ? ",\n" : "\n"
      }
      text += indentation + "}"
    default: write(to: &text, gap: " ")
    }
  }

  private var isShort: Bool {
    switch self {
    case .array(let elements): elements.allSatisfy(\.isScalar) && description.utf8.count <= 80
    case .object(let members): members.allSatisfy(\.value.isScalar) && description.utf8.count <= 80
    default: true
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }
}

extension JSON {
  /// The member of an object with a name, or `nil`.
  public subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The elements of an array; none of any other value.
  public var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }

  /// A text, or `nil`.
  public var string: String? { if case .string(let value) = self { value } else { nil } }

  /// A number, or `nil`.
  public var double: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
}

extension JSON: ExpressibleByDictionaryLiteral {
  /// Makes an object from a literal, in its order.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { Member(name: $0.0, value: $0.1) })
  }
}
