public import PrismFiles

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Why a model card could not be read.
///
/// Every description is one line that names the file, says what is wrong and what to do about it.
public enum CardError: Error, Equatable, Sendable {
  /// The file has no model card.
  case missing(file: String)
  /// A field of the card is missing or has an impossible value.
  case invalid(file: String, field: String, reason: String)
  /// The card describes more than a limit allows.
  case beyondLimit(LimitError)
}

extension CardError: CustomStringConvertible {
  /// One line: the file, what is wrong, what to do.
  public var description: String {
    switch self {
    case .missing(let file):
      "\(Text.printable(file)): the file has no Prism model card (metadata key "
        + "\(Text.quoted(ModelCard.metadataKey))); convert it with Tools/convert.py"
    case .invalid(let file, let field, let reason):
      "\(Text.printable(file)): model card: \(Text.printable(field)) \(reason); "
        + "convert the model again with Tools/convert.py"
    case .beyondLimit(let error): error.description
    }
  }
}

extension CardError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
