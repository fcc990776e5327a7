public import Prism

/// Where explanations are found that were made before, by the digest of everything they depend on.
public struct ExplanationArchive: Sendable {
  /// The explanations of a picture, or of a window of a sound, by a method: one a label.
  public typealias Explanations = [Explanation]

  let known: @Sendable (_ key: String) throws -> Explanations?
  let keep: @Sendable (_ key: String, _ explanations: Explanations) throws -> Void

  /// Makes an archive.
  ///
  /// - Parameters:
  ///   - known: Looks for explanations by the digest.
  ///   - keep: Is given explanations that are new.
  public init(
    known: @escaping @Sendable (_ key: String) throws -> Explanations?,
    keep: @escaping @Sendable (_ key: String, _ explanations: Explanations) throws -> Void
  ) {
    self.known = known
    self.keep = keep
  }
}
