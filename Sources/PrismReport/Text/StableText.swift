#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension Encodable {
  /// The value as JSON with its keys in order: the same text for the same value, for digests.
  ///
  /// - Throws: `EncodingError`.
  func stableText() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
