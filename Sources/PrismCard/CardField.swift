internal import PrismFiles

/// A place in the JSON of a card, which may be empty, and its name for errors.
struct CardField {
  let file: String
  let path: String
  let value: JSON?

  func failure(_ reason: String) -> CardError {
    .invalid(file: file, field: path.isEmpty ? "JSON" : path, reason: reason)
  }

  subscript(_ name: String) -> CardField {
    var member: JSON?
    if case .object(let members) = value { member = members.first { $0.name == name }?.value }
    return CardField(file: file, path: path.isEmpty ? name : "\(path).\(name)", value: member)
  }

  /// The field, or `nil` where it is absent or null.
  var optional: CardField? { value == nil || value == .null ? nil : self }

  private func wrongType(_ expected: String) -> CardError {
    failure(value == nil ? "is missing" : "must be \(expected)")
  }

  func string() throws(CardError) -> String {
    guard case .string(let text) = value else { throw wrongType("a string") }
    return text
  }

  func integer() throws(CardError) -> Int {
    switch value {
    case .integer(let number): return number
    case .number(let number):
      guard let exact = Int(exactly: number) else { throw wrongType("a whole number") }
      return exact
    default: throw wrongType("a whole number")
    }
  }

  func number() throws(CardError) -> Double {
    switch value {
    case .integer(let number): return Double(number)
    case .number(let number): return number
    default: throw wrongType("a number")
    }
  }

  func elements() throws(CardError) -> [CardField] {
    guard case .array(let values) = value else { throw wrongType("a list") }
    return values.enumerated().map { CardField(file: file, path: "\(path)[\($0)]", value: $1) }
  }

  func numbers() throws(CardError) -> [Double] {
    try elements().map { field throws(CardError) in try field.number() }
  }

  func members() throws(CardError) -> [JSON.Member] {
    guard case .object(let members) = value else { throw wrongType("an object") }
    return members
  }

  func strings() throws(CardError) -> [String: String] {
    let members = try members()
    var result: [String: String] = [:]
    for member in members {
      let field = CardField(file: file, path: "\(path).\(member.name)", value: member.value)
      result[member.name] = try field.string()
    }
    return result
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>() throws(CardError) -> Choice {
    let text = try string()
    guard let choice = Choice(rawValue: text) else {
      let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw failure("is \(Text.quoted(text)), which is none of: \(allowed)")
    }
    return choice
  }
}
