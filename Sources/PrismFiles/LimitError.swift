#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Something is more than a limit allows.
public struct LimitError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is too much, such as a file's path.
  public let subject: String
  /// Which limit.
  public let name: Limits.Name
  /// What there is, or is announced.
  public let count: Int
  /// What is allowed.
  public let limit: Int

  /// Makes an error.
  public init(subject: String, name: Limits.Name, count: Int, limit: Int) {
    self.subject = subject
    self.name = name
    self.count = count
    self.limit = limit
  }

  /// One line that says what is too much and how it is allowed.
  public var description: String {
    "\(Text.printable(subject)): \(count) \(name.unit) are more than the limit of \(limit); "
      + "--limit \(name.rawValue)=N raises it"
  }
}

extension LimitError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}

/// A limit that is not understood.
public struct LimitSyntaxError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was written.
  public let text: String
  /// Which limit, where that was understood.
  public let name: Limits.Name?

  /// One line that says what is wrong and what there is.
  public var description: String {
    if let name {
      return
        "the limit \(Text.quoted(text)) is not understood; \(name.rawValue) takes a whole number of "
        + "\(name.unit) from 1 up, such as \(name.rawValue)=\(name.standard)"
    }
    let names = Limits.Name.allCases.map(\.rawValue).joined(separator: ", ")
    return "the limit \(Text.quoted(text)) is not known; write NAME=VALUE with one of \(names)"
  }
}

extension LimitSyntaxError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
