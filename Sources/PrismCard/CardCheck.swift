internal import PrismFiles

/// Throws ``CardError`` where a condition does not hold.
struct CardCheck {
  let file: String

  func failure(_ field: String, _ reason: String) -> CardError {
    .invalid(file: file, field: field, reason: reason)
  }

  func callAsFunction(
    _ condition: Bool, _ field: String, _ reason: @autoclosure () -> String
  ) throws(CardError) {
    guard condition else { throw failure(field, reason()) }
  }

  func callAsFunction(
    _ count: Int, _ name: Limits.Name, _ field: String, _ limits: Limits
  ) throws(CardError) {
    do {
      try limits.check(count, name, of: "\(file): model card: \(field)")
    } catch {
      throw .beyondLimit(error)
    }
  }

  func size(_ value: Int, _ field: String) throws(CardError) {
    let range = ModelCard.sizeRange
    try self(
      range.contains(value), field,
      "is \(value), not between \(range.lowerBound) and \(range.upperBound)")
  }

  func epsilon(_ value: Double, _ field: String) throws(CardError) {
    try self(value > 0 && value < 1, field, "is \(value), not between 0 and 1")
  }

  /// Names end up on terminals and in file names.
  func text(_ value: String, _ field: String) throws(CardError) {
    try self(!value.isEmpty, field, "is empty")
    let hasControl = value.unicodeScalars.contains { $0.properties.generalCategory == .control }
    try self(!hasControl, field, "holds a control character")
  }
}
