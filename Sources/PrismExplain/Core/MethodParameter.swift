/// One parameter of a method with its value, for the record of how an explanation was made.
public struct MethodParameter: Sendable, Equatable, Codable {
  /// A parameter's value.
  public enum Value: Sendable, Equatable {
    /// A whole number.
    case integer(Int)
    /// A number.
    case number(Double)
    /// A word.
    case text(String)
    /// Yes or no.
    case flag(Bool)
  }

  /// The parameter's name.
  public let name: String
  /// The parameter's value.
  public let value: Value

  /// Makes a parameter.
  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  static func integer(_ name: String, _ value: Int) -> Self { .init(name, .integer(value)) }
  static func number(_ name: String, _ value: Double) -> Self { .init(name, .number(value)) }
  static func text(_ name: String, _ value: String) -> Self { .init(name, .text(value)) }
  static func flag(_ name: String, _ value: Bool) -> Self { .init(name, .flag(value)) }
  static func seed(_ value: UInt64) -> Self { .init("seed", .text(String(value))) }
}
