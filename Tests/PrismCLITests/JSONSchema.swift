import Prism
import PrismTestSupport

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The part of JSON Schema that the files in `Tools/schema` use: types, constants, members,
/// elements, lists of values and references.
struct JSONSchema {
  private let folder: String
  private let root: JSON

  /// Reads one of the project's schemas.
  init(named name: String) throws {
    folder = Repository.root + "Tools/schema/"
    root = try JSONReader.parse(String(contentsOfFile: folder + name, encoding: .utf8))
  }

  /// What is wrong with a value, one line each place.
  func problems(of value: JSON) throws -> [String] { try problems(of: value, by: root, at: "") }

  /// What is wrong with a value by one of the schema's definitions, one line each place.
  func problems(of value: JSON, as name: String) throws -> [String] {
    try problems(of: value, by: ["$ref": .string("#/$defs/\(name)")], at: name)
  }

  private func problems(of value: JSON, by schema: JSON, at place: String) throws -> [String] {
    if let reference = schema["$ref"]?.string {
      guard reference.hasPrefix("#/$defs/") else {
        return try JSONSchema(named: reference).problems(of: value)
      }
      let name = String(reference.dropFirst("#/$defs/".count))
      guard let part = root["$defs"]?[name] else { return ["\(place): no \(reference)"] }
      return try problems(of: value, by: part, at: place)
    }
    if let constant = schema["const"] {
      return constant == value ? [] : ["\(place): \(value), not \(constant)"]
    }
    if let values = schema["enum"]?.elements {
      return values.contains(value) ? [] : ["\(place): \(value) is none of \(values)"]
    }
    if let type = schema["type"] {
      let types = type.string.map { [$0] } ?? type.elements.compactMap(\.string)
      guard types.contains(where: { value.has(type: $0) }) else {
        return ["\(place): \(value) is not \(types)"]
      }
    }
    var problems: [String] = []
    for (index, element) in value.elements.enumerated() {
      if let items = schema["items"] {
        problems += try self.problems(of: element, by: items, at: "\(place)[\(index)]")
      }
    }
    guard case .object(let members) = value else { return problems }
    for name in schema["required"]?.elements.compactMap(\.string) ?? []
    where value[name] == nil {
      problems.append("\(place): lacks \(name)")
    }
    for member in members {
      if let part = schema["properties"]?[member.name] {
        problems += try self.problems(of: member.value, by: part, at: "\(place).\(member.name)")
      } else if schema["additionalProperties"] == .bool(false) {
        problems.append("\(place): has \(member.name)")
      }
      if member.name != member.name.prefix(1).lowercased() + member.name.dropFirst()
        || member.name.contains("_")
      {
        problems.append("\(place): \(member.name) is not in camel case")
      }
    }
    return problems
  }
}

extension JSON {
  fileprivate func has(type: String) -> Bool {
    switch (self, type) {
    case (.null, "null"), (.bool, "boolean"), (.integer, "integer"), (.integer, "number"),
      (.number, "number"), (.string, "string"), (.array, "array"), (.object, "object"):
      true
    default: false
    }
  }
}
