internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Keeps what studies have found, each in a folder of its own under the study's name.
///
/// The document is written last, so that a folder without one is what a process left that was killed.
struct StudyShelf: Sendable {
  /// The name of the document.
  private static let document = "study.json"

  private let folder: String
  /// The most studies that are kept; the oldest goes first.
  private let most: Int

  /// Makes the folder where it is missing, and removes what was not finished.
  ///
  /// - Throws: `FileError`.
  init(folder: String, most: Int = 200) throws {
    self.folder = folder
    self.most = most
    try Blobs.make(folder)
    for name in try Folder.names(in: folder)
    where !Folder.exists("\(folder)/\(name)/\(Self.document)") {
      Folder.remove("\(folder)/\(name)")
    }
  }

  /// Whether a text is the name of a study, and therefore no path.
  private static func isName(_ id: String) -> Bool {
    id.utf8.count == 32 && id.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  /// What a study has found, or `nil` where there is none of the name.
  func study(_ id: String) -> JSON? {
    file(Self.document, of: id).flatMap { try? JSON(utf8: $0) }
  }

  /// A file of a study, or `nil` where it has none of the name.
  ///
  /// - Parameters:
  ///   - name: A name without any `/`.
  ///   - id: The study.
  /// - Returns: Its contents.
  func file(_ name: String, of id: String) -> [UInt8]? {
    guard Self.isName(id), !name.contains("/"), !name.hasPrefix(".") else { return nil }
    return try? Files.read("\(folder)/\(id)/\(name)", limits: Limits([.bytes: Limits.most]))
  }

  /// Keeps a study, in the place of one of the same name.
  ///
  /// - Parameters:
  ///   - files: Pictures and reports.
  ///   - document: What was found.
  ///   - id: The study.
  /// - Throws: `FileError`.
  func keep(_ files: [OutputFolder.File], _ document: JSON, of id: String) throws {
    guard Self.isName(id) else { return }
    let path = "\(folder)/\(id)"
    Folder.remove(path)
    try Blobs.make(path)
    for file in files { try AtomicFile.write(file.contents, to: "\(path)/\(file.name)") }
    try AtomicFile.write(Array(document.description.utf8), to: "\(path)/\(Self.document)")
    trim()
  }

  /// Removes a study.
  ///
  /// - Returns: Whether there was one.
  func remove(_ id: String) -> Bool {
    guard Self.isName(id), Folder.exists("\(folder)/\(id)") else { return false }
    Folder.remove("\(folder)/\(id)")
    return true
  }

  private func trim() {
    let names = (try? Folder.names(in: folder)) ?? []
    guard names.count > most else { return }
    let dated = names.map { name in
      let facts = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
      return (name: name, date: facts?[.modificationDate] as? Date ?? .distantPast)
    }
    for old in dated.sorted(by: { ($0.date, $0.name) < ($1.date, $1.name) })
      .prefix(names.count - most)
    { Folder.remove("\(folder)/\(old.name)") }
  }
}
