#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// What is wrong with a JSON text, and at which byte.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public let reason: String
  /// The byte where it is.
  public let offset: Int

  /// Makes an error.
  public init(reason: String, offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  /// Both as text.
  public var text: String { "\(reason) at byte \(offset)" }

  /// One line that says what is wrong.
  public var description: String { "not valid JSON: \(text)" }
}

extension JSONError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
