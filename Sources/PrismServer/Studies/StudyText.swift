internal import Prism

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What the interface tells of a study.
enum StudyText {
  /// A study with what it has found.
  static func json(_ id: String, _ note: Studies.Note) -> JSON {
    let path = "/v1/studies/\(id)"
    let hasPictures = note.findings?["pictures"]?.elements.isEmpty == false
    return [
      "id": .string(id), "url": .string(path), "kind": .string(note.kind),
      "model": .string(note.model), "state": .string(note.state.rawValue),
      "error": note.error.map(JSON.string) ?? .null, "cached": .bool(note.isCached),
      "request": note.request,
      "created": .string(Date(timeIntervalSince1970: note.created).ISO8601Format()),
      "events": .string("\(path)/events"),
      "report": note.findings == nil
        ? .null : .string("\(path)/report.\(hasPictures ? "html" : "csv")"),
      "pictures": .array(
        (note.findings?["pictures"]?.elements ?? []).compactMap(\.string).map {
          .string("\(path)/pictures/\($0)")
        }),
      "document": note.findings?["document"] ?? .null,
    ]
  }
}
