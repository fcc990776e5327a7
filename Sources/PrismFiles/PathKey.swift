/// A path as file systems tell paths apart: by its bytes.
///
/// Strings are equal where their characters look the same, so that a letter with an accent and the
/// same as a letter and an accent are one key; as names of files they are two.
package struct PathKey: Hashable, Sendable {
  private let bytes: [UInt8]

  /// Makes the key of a path.
  package init(_ path: String) { bytes = Array(path.utf8) }
}
