package import PrismAutodiff
package import PrismFiles

/// How one primitive is written in a model card, and read from it: the one home of their names and
/// attributes there.
package struct PrimitiveCoding: Sendable {
  /// The primitive's name in cards.
  package let name: String
  private let write: @Sendable (any Primitive) -> [JSON.Member]?
  private let read: @Sendable (inout NodeAttributes) throws -> any Primitive

  /// Makes the coding of a primitive without attributes.
  init<P: Primitive>(_ name: String, _ primitive: P) {
    self.init(name, { (_: P) in [] }, { _ in primitive })
  }

  /// Makes the coding of a primitive.
  init<P: Primitive>(
    _ name: String, _ write: @escaping @Sendable (P) -> [JSON.Member],
    _ read: @escaping @Sendable (inout NodeAttributes) throws -> P
  ) {
    self.name = name
    self.write = { primitive in (primitive as? P).map(write) }
    self.read = read
  }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// A primitive as a card states it.
  ///
  /// - Parameter primitive: Any of those that Prism has.
  /// - Returns: Its name and attributes; `nil` for one of a program's own.
  package static func encode(
    _ primitive: any Primitive
  ) -> (name: String, attributes: [JSON.Member])? {
    for coding in all {
      if let attributes = coding.write(primitive) { return (coding.name, attributes) }
    }
    return nil
  }

  /// The primitive that a card states.
  ///
  /// - Parameters:
  ///   - name: Its name in cards.
  ///   - attributes: Its attributes.
  /// - Returns: The primitive.
  /// - Throws: ``PrimitiveCodingError`` where the name is not known or an attribute is missing,
  ///   impossible or not known.
  package static func decode(
    _ name: String, _ attributes: [JSON.Member]
  ) throws(PrimitiveCodingError) -> any Primitive {
    guard let coding = byName[name] else {
      throw PrimitiveCodingError(
        reason: "is a \(Text.quoted(name)), which this version does not know")
    }
    var reader = NodeAttributes(attributes)
    do {
      let primitive = try coding.read(&reader)
      try reader.finish()
      return primitive
    } catch {
      let reason = (error as? AttributeError)?.reason ?? "\(error)"
      throw PrimitiveCodingError(reason: "(\(name)) \(reason)")
    }
  }
}

/// Why a primitive cannot be made of what a card states.
package struct PrimitiveCodingError: Error, Equatable {
  /// What is wrong, in words that follow the name of a node.
  package let reason: String
}
