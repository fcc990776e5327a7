internal import ArgumentParser

/// An option's value that is one of a library's names.
struct Choice<Element: RawRepresentable & CaseIterable & Sendable>: ExpressibleByArgument, Sendable
where Element.RawValue == String {
  let element: Element

  init(_ element: Element) {
    self.element = element
  }

  init?(argument: String) {
    guard let element = Element(rawValue: argument.lowercased()) else { return nil }
    self.element = element
  }

  var defaultValueDescription: String { element.rawValue }

  static var allValueStrings: [String] { Element.allCases.map(\.rawValue) }
}

/// An option's value of several names that are separated by commas.
struct CommaSeparated<Element: RawRepresentable & CaseIterable & Sendable>: ExpressibleByArgument,
  Sendable
where Element.RawValue == String {
  let elements: [Element]

  init(_ elements: [Element]) {
    self.elements = elements
  }

  init?(argument: String) {
    var elements: [Element] = []
    for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let element = Element(rawValue: name.lowercased()) else { return nil }
      if !elements.contains(where: { $0.rawValue == element.rawValue }) { elements.append(element) }
    }
    self.elements = elements
  }

  var defaultValueDescription: String { elements.map(\.rawValue).joined(separator: ",") }

  static var allValueStrings: [String] { Element.allCases.map(\.rawValue) }
}
