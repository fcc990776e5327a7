// What the engine throws says the same to people who ask for a localised description.

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension ClassifierError: LocalizedError {
  /// The `description`.
  public var errorDescription: String? { description }
}

extension EvaluationError: LocalizedError {
  /// The `description`.
  public var errorDescription: String? { description }
}

extension OutOfMemoryError: LocalizedError {
  /// The `description`.
  public var errorDescription: String? { description }
}

extension ShapeError: LocalizedError {
  /// The `description`.
  public var errorDescription: String? { description }
}

extension UnknownOutputError: LocalizedError {
  /// The `description`.
  public var errorDescription: String? { description }
}

extension UnknownValueError: LocalizedError {
  /// The `description`.
  public var errorDescription: String? { description }
}
