internal import GRDB
internal import HTTPTypes
internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Keeps analyses: what is searched in a database, contents in blobs beside it.
///
/// A blob is written before the row that names it and removed after it, so that a process that ends
/// at any moment leaves at most blobs that nobody names; they are swept away at the next start.
final class Store: Sendable {
  /// Keeps other servers away from the folder.
  let ownership: FolderOwnership
  let database: DatabasePool
  let blobs: Blobs

  /// Opens the folder of a server, or makes it.
  ///
  /// - Throws: ``FolderInUse``, `FileError`, `DatabaseError`.
  init(folder: String) throws {
    try Blobs.make(folder)
    ownership = try FolderOwnership(of: folder)
    blobs = try Blobs(folder: "\(folder)/blobs")
    var settings = Configuration()
    settings.busyMode = .timeout(5)
    settings.foreignKeysEnabled = true
    database = try DatabasePool(path: "\(folder)/analyses.sqlite", configuration: settings)
    try Self.migrations.migrate(database)
    try recover()
  }

  private static var migrations: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
          CREATE TABLE analyses (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL, tags TEXT NOT NULL, notes TEXT NOT NULL, model TEXT NOT NULL,
            kind TEXT NOT NULL, inputName TEXT NOT NULL, inputDigest TEXT NOT NULL,
            request TEXT NOT NULL, state TEXT NOT NULL, error TEXT, isCached INTEGER NOT NULL,
            created REAL NOT NULL, updated REAL NOT NULL, label TEXT, probability REAL);
          CREATE INDEX analysesByInput ON analyses (inputDigest);
          CREATE TABLE files (
            analysis TEXT NOT NULL REFERENCES analyses (id) ON DELETE CASCADE,
            name TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (analysis, name));
          CREATE INDEX filesByDigest ON files (digest);
          CREATE TABLE explanations (key TEXT PRIMARY KEY, digest TEXT NOT NULL);
          CREATE TABLE uses (
            analysis TEXT NOT NULL REFERENCES analyses (id) ON DELETE CASCADE,
            key TEXT NOT NULL, PRIMARY KEY (analysis, key));
          CREATE INDEX usesByKey ON uses (key);
          CREATE TABLE repeats (
            key TEXT PRIMARY KEY, digest TEXT NOT NULL,
            analysis TEXT NOT NULL REFERENCES analyses (id) ON DELETE CASCADE);
          """)
    }
    migrator.registerMigration("2") { db in
      try db.execute(
        sql: "ALTER TABLE analyses ADD COLUMN isImported INTEGER NOT NULL DEFAULT 0")
    }
    return migrator
  }

  /// Marks what ran when the last process ended, and sweeps away blobs that nobody names.
  private func recover() throws {
    let named = try database.write { db in
      try db.execute(
        sql: """
          UPDATE analyses SET state = 'interrupted', error = 'the server ended while it ran'
          WHERE state IN ('queued', 'running')
          """)
      try db.execute(
        sql: "DELETE FROM explanations WHERE key NOT IN (SELECT key FROM uses)")
      return try String.fetchSet(
        db,
        sql: """
          SELECT digest FROM files UNION SELECT digest FROM explanations
          UNION SELECT inputDigest FROM analyses
          """)
    }
    for digest in blobs.digests where !named.contains(digest) { blobs.remove(digest) }
  }

  /// Asks the database something, so that one that does not answer is noticed.
  func check() async throws {
    _ = try await database.read { try Int.fetchOne($0, sql: "SELECT 1") }
  }

  // MARK: - Analyses

  /// Keeps a new analysis with its input.
  ///
  /// - Parameters:
  ///   - record: The analysis.
  ///   - input: The bytes of the input.
  ///   - repeatKey: The client's name for the request and its digest.
  /// - Returns: The analysis with its number; an earlier one where the request is a repetition.
  /// - Throws: `FileError`, `DatabaseError`.
  func insert(
    _ record: AnalysisRecord, input: [UInt8], repeatKey: (key: String, digest: String)?
  ) async throws -> AnalysisRecord {
    let blobs = blobs
    return try await database.write { db in
      var record = record
      if let repeatKey, let known = try Self.repeated(repeatKey.key, db) {
        try Self.check(known.digest, repeatKey.digest)
        return known.analysis
      }
      _ = try blobs.put(input)
      try record.insert(db)
      if let repeatKey {
        try db.execute(
          sql: "INSERT INTO repeats VALUES (?, ?, ?)",
          arguments: [repeatKey.key, repeatKey.digest, record.id])
      }
      return record
    }
  }

  /// Keeps an analysis that was made elsewhere, with its results.
  ///
  /// - Parameters:
  ///   - record: The analysis.
  ///   - input: The bytes of the input.
  ///   - files: Its maps and documents.
  /// - Returns: The analysis with its number.
  /// - Throws: `FileError`, `DatabaseError`.
  func insert(
    _ record: AnalysisRecord, input: [UInt8], files: [OutputFolder.File]
  ) async throws -> AnalysisRecord {
    let blobs = blobs
    return try await database.write { db in
      var record = record
      _ = try blobs.put(input)
      try record.insert(db)
      for file in files {
        let digest = try blobs.put(file.contents)
        try FileRecord(analysis: record.id, name: file.name, digest: digest).insert(db)
      }
      return record
    }
  }

  /// The analysis that an earlier request of the same name made, or `nil`.
  ///
  /// - Parameters:
  ///   - key: The client's name for the request.
  ///   - digest: The digest of the request now.
  /// - Returns: The analysis.
  /// - Throws: ``Problem`` where that request was another one.
  func repeated(_ key: String, digest: String) async throws -> AnalysisRecord? {
    let known = try await database.read { db in try Self.repeated(key, db) }
    if let known { try Self.check(known.digest, digest) }
    return known?.analysis
  }

  private static func repeated(
    _ key: String, _ db: Database
  ) throws -> (analysis: AnalysisRecord, digest: String)? {
    guard
      let row = try Row.fetchOne(db, sql: "SELECT * FROM repeats WHERE key = ?", arguments: [key]),
      let record = try AnalysisRecord.filter(sql: "id = ?", arguments: [row["analysis"] as String])
        .fetchOne(db)
    else { return nil }
    return (record, row["digest"])
  }

  private static func check(_ known: String, _ digest: String) throws {
    guard known == digest else {
      throw Problem(.unprocessableContent, "the Idempotency-Key belongs to another request")
    }
  }

  /// An analysis, or `nil`.
  func analysis(_ id: String) async throws -> AnalysisRecord? {
    try await database.read { db in
      try AnalysisRecord.filter(sql: "id = ?", arguments: [id]).fetchOne(db)
    }
  }

  /// Changes an analysis.
  ///
  /// - Returns: The analysis as it is then; `nil` where there is none.
  @discardableResult
  func update(
    _ id: String, _ change: @escaping @Sendable (inout AnalysisRecord) throws -> Void
  ) async throws -> AnalysisRecord? {
    try await database.write { db in
      guard
        var record = try AnalysisRecord.filter(sql: "id = ?", arguments: [id]).fetchOne(db)
      else { return nil }
      try change(&record)
      record.updated = Date().timeIntervalSince1970
      try record.update(db)
      return record
    }
  }

  /// What is looked for among analyses.
  struct Search: Sendable {
    var query = ""
    var tag: String?
    var model: String?
    /// Only analyses with smaller numbers.
    var before: Int64?
    var count = 50
  }

  /// Analyses, the newest first.
  func analyses(_ search: Search) async throws -> [AnalysisRecord] {
    try await database.read { db in
      var conditions = ["1"]
      var values: [any DatabaseValueConvertible] = []
      for word in search.query.split(separator: " ") {
        let pattern = "%" + Self.escaped(String(word)) + "%"
        let columns = ["name", "notes", "tags", "model", "inputName", "label"]
        conditions.append(
          "(" + columns.map { "\($0) LIKE ? ESCAPE '\\'" }.joined(separator: " OR ") + ")")
        values += columns.map { _ in pattern }
      }
      if let tag = search.tag {
        conditions.append("EXISTS (SELECT 1 FROM json_each(analyses.tags) WHERE value = ?)")
        values.append(tag)
      }
      if let model = search.model {
        conditions.append("model = ?")
        values.append(model)
      }
      if let before = search.before {
        conditions.append("number < ?")
        values.append(before)
      }
      return
        try AnalysisRecord
        .filter(
          sql: conditions.joined(separator: " AND "),
          arguments: StatementArguments(values)
        )
        .order(sql: "number DESC").limit(search.count).fetchAll(db)
    }
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
  }

  /// Removes an analysis with everything that only it needs.
  ///
  /// - Returns: Whether there was one.
  func remove(_ id: String) async throws -> Bool {
    let blobs = blobs
    return try await database.write { db in
      guard
        let record = try AnalysisRecord.filter(sql: "id = ?", arguments: [id]).fetchOne(db)
      else { return false }
      var digests = try String.fetchSet(
        db, sql: "SELECT digest FROM files WHERE analysis = ?", arguments: [id])
      digests.insert(record.inputDigest)
      digests.formUnion(
        try String.fetchSet(
          db,
          sql: """
            SELECT digest FROM explanations WHERE key IN
              (SELECT key FROM uses WHERE analysis = ?)
            """, arguments: [id]))
      try db.execute(sql: "DELETE FROM analyses WHERE id = ?", arguments: [id])
      try db.execute(
        sql: "DELETE FROM explanations WHERE key NOT IN (SELECT key FROM uses)")
      try Self.sweep(digests, of: blobs, db)
      return true
    }
  }

  /// Removes blobs that nobody names any more, once that is certain: after the transaction.
  private static func sweep(_ digests: Set<String>, of blobs: Blobs, _ db: Database) throws {
    let unnamed = try digests.filter { try !isNamed($0, db) }
    guard !unnamed.isEmpty else { return }
    db.afterNextTransaction { _ in for digest in unnamed { blobs.remove(digest) } }
  }

  private static func isNamed(_ digest: String, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db,
      sql: """
        SELECT EXISTS (SELECT 1 FROM files WHERE digest = ?1)
          OR EXISTS (SELECT 1 FROM explanations WHERE digest = ?1)
          OR EXISTS (SELECT 1 FROM analyses WHERE inputDigest = ?1)
        """, arguments: [digest]) ?? false
  }

  // MARK: - Files

  /// The names under which files are kept that hold all methods, which change when methods are
  /// added.
  static let sharedPrefix = "report."

  /// Keeps files of an analysis, in the place of those of the same names.
  ///
  /// - Parameters:
  ///   - files: The files.
  ///   - id: The analysis; where it has been removed, nothing is kept.
  ///   - change: Changes the analysis with them.
  /// - Throws: `FileError`, `DatabaseError`.
  func keep(
    _ files: [OutputFolder.File], of id: String,
    _ change: (inout AnalysisRecord) -> Void = { _ in }
  ) throws {
    try database.write { db in
      guard
        var record = try AnalysisRecord.filter(sql: "id = ?", arguments: [id]).fetchOne(db)
      else { return }
      var old: Set<String> = []
      for file in files {
        let known = try String.fetchOne(
          db, sql: "SELECT digest FROM files WHERE analysis = ? AND name = ?",
          arguments: [id, file.name])
        if let known { old.insert(known) }
        let digest = try blobs.put(file.contents)
        try FileRecord(analysis: id, name: file.name, digest: digest).save(db)
      }
      try Self.sweep(old, of: blobs, db)
      change(&record)
      record.updated = Date().timeIntervalSince1970
      try record.update(db)
    }
  }

  /// Forgets the files that hold all methods.
  func dropShared(of id: String) async throws {
    let blobs = blobs
    try await database.write { db in
      try Self.drop(of: id, in: blobs, db) { $0.hasPrefix(Self.sharedPrefix) }
    }
  }

  /// Forgets files that belong to no result any more, such as those of windows under other names.
  ///
  /// - Parameters:
  ///   - id: The analysis.
  ///   - names: What stays, with the files that hold all methods.
  /// - Throws: `DatabaseError`.
  func drop(of id: String, besides names: [String]) throws {
    let kept = Set(names)
    try database.write { db in
      try Self.drop(of: id, in: blobs, db) {
        !$0.hasPrefix(Self.sharedPrefix) && !kept.contains($0)
      }
    }
  }

  private static func drop(
    of id: String, in blobs: Blobs, _ db: Database, where isDropped: (String) -> Bool
  ) throws {
    let files = try FileRecord.filter(sql: "analysis = ?", arguments: [id]).fetchAll(db)
      .filter { isDropped($0.name) }
    for file in files { try file.delete(db) }
    try sweep(Set(files.map(\.digest)), of: blobs, db)
  }

  /// The files of an analysis.
  func files(of id: String) async throws -> [FileRecord] {
    try await database.read { db in
      try FileRecord.filter(sql: "analysis = ?", arguments: [id]).fetchAll(db)
    }
  }

  /// A file of an analysis with its digest, or `nil`.
  func file(_ name: String, of id: String) async throws -> (bytes: [UInt8], digest: String)? {
    let digest = try await digest(of: name, id)
    guard let digest else { return nil }
    if let bytes = try? blobs.get(digest) { return (bytes, digest) }
    // It may have been replaced or removed since its name was looked up.
    return try await self.digest(of: name, id).map { (try blobs.get($0), $0) }
  }

  private func digest(of name: String, _ id: String) async throws -> String? {
    try await database.read { db in
      try String.fetchOne(
        db, sql: "SELECT digest FROM files WHERE analysis = ? AND name = ?",
        arguments: [id, name])
    }
  }

  // MARK: - Explanations

  /// Explanations that are known; none are kept.
  var archive: ExplanationArchive {
    ExplanationArchive(known: { [self] in try explanations($0) }, keep: { _, _ in })
  }

  /// Explanations that are known, and are kept as long as an analysis is.
  ///
  /// - Parameters:
  ///   - id: The analysis.
  ///   - computed: Is called for every method that had to be computed.
  /// - Returns: An archive for a pipeline.
  func archive(
    for id: String, computed: @escaping @Sendable () -> Void
  ) -> ExplanationArchive {
    ExplanationArchive(
      known: { [self] key in
        guard let known = try explanations(key) else { return nil }
        try use(key, by: id)
        return known
      },
      keep: { [self] key, explanations in
        computed()
        try keep(key, explanations, for: id)
      })
  }

  private func explanations(_ key: String) throws -> ExplanationArchive.Explanations? {
    let digest = try database.read { db in
      try String.fetchOne(
        db, sql: "SELECT digest FROM explanations WHERE key = ?", arguments: [key])
    }
    guard let digest, let bytes = try? blobs.get(digest) else { return nil }
    return try? JSONDecoder().decode(ExplanationArchive.Explanations.self, from: Data(bytes))
  }

  private func use(_ key: String, by id: String) throws {
    try database.write { db in try Self.use(key, by: id, db) }
  }

  private static func use(_ key: String, by id: String, _ db: Database) throws {
    try db.execute(
      sql: "INSERT OR IGNORE INTO uses SELECT id, ? FROM analyses WHERE id = ?",
      arguments: [key, id])
  }

  private func keep(
    _ key: String, _ explanations: ExplanationArchive.Explanations, for id: String
  ) throws {
    let bytes = Array(try JSONEncoder().encode(explanations))
    try database.write { db in
      let digest = try blobs.put(bytes)
      try db.execute(
        sql: "INSERT OR REPLACE INTO explanations VALUES (?, ?)", arguments: [key, digest])
      try Self.use(key, by: id, db)
    }
  }
}
