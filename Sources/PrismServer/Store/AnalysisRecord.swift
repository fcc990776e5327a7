internal import GRDB
internal import Prism

/// An analysis as it is kept: an input, what is asked about it, and how far that is.
struct AnalysisRecord: Codable, FetchableRecord, MutablePersistableRecord, Sendable, Equatable {
  static let databaseTableName = "analyses"

  /// How far an analysis is.
  enum State: String, Codable, Sendable, DatabaseValueConvertible {
    case queued, running, done, failed, cancelled, interrupted

    /// Whether something is still to come without anybody asking.
    var isOpen: Bool { self == .queued || self == .running }
  }

  /// The place in the order in which analyses came.
  var number: Int64?
  /// The name in addresses.
  let id: String
  var name: String
  /// A JSON array of texts.
  var tags: String
  var notes: String
  let model: String
  /// `image` or `audio`.
  let kind: String
  let inputName: String
  let inputDigest: String
  /// The request as JSON.
  var request: String
  var state: State
  var error: String?
  /// Whether nothing had to be computed.
  var isCached: Bool
  let created: Double
  var updated: Double
  /// The most probable label.
  var label: String?
  var probability: Double?
  /// Whether the results came in an archive, and were not computed here.
  var isImported = false

  mutating func didInsert(_ inserted: InsertionSuccess) { number = inserted.rowID }

  /// The tags as texts.
  var tagList: [String] {
    ((try? JSONReader.parse(tags)) ?? .null).elements.compactMap(\.string)
  }
}

/// A file that an analysis has made.
struct FileRecord: Codable, FetchableRecord, PersistableRecord, Sendable, Equatable {
  static let databaseTableName = "files"

  let analysis: String
  let name: String
  let digest: String
}
