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
    var writer = JSONWriter()
    writer.write(self)
    return writer.text
  }

  /// The value as JSON text with a line for every element and two blanks of indentation a level.
  ///
  /// Arrays of numbers and objects of one or two short members stay on one line.
  public var formatted: String {
    var writer = JSONWriter()
    writer.format(self)
    return writer.text
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
