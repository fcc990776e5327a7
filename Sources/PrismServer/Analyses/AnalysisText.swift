internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// What the interface tells of an analysis.
enum AnalysisText {
  /// An analysis without its results.
  static func json(_ record: AnalysisRecord) -> JSON {
    let path = "/v1/analyses/\(record.id)"
    return [
      "id": .string(record.id), "url": .string(path), "state": .string(record.state.rawValue),
      "error": record.error.map(JSON.string) ?? .null, "cached": .bool(record.isCached),
      "imported": .bool(record.isImported), "name": .string(record.name),
      "tags": .array(record.tagList.map(JSON.string)),
      "notes": .string(record.notes), "model": .string(record.model),
      "type": .string(record.kind),
      "input": [
        "name": .string(record.inputName), "sha256": .string(record.inputDigest),
        "png": .string("\(path)/input.png"), "file": .string("\(path)/input"),
      ],
      "request": request(record),
      "created": .string(date(record.created)), "updated": .string(date(record.updated)),
      "label": record.label.map(JSON.string) ?? .null,
      "probability": record.probability.map(JSON.number) ?? .null,
      "events": .string("\(path)/events"),
    ]
  }

  private static func request(_ record: AnalysisRecord) -> JSON {
    guard case .object(let members)? = try? JSONReader.parse(record.request) else { return .null }
    return .object(members.filter { $0.name != "limits" && $0.name != "formats" })
  }

  private static func date(_ seconds: Double) -> String {
    Date(timeIntervalSince1970: seconds).ISO8601Format()
  }

  /// The maps of a document, with their addresses.
  ///
  /// - Parameters:
  ///   - document: What the pipeline tells of the input.
  ///   - id: The analysis.
  /// - Returns: One list a method, in the order of the request.
  static func maps(of document: JSON, _ id: String) -> [(method: String, maps: [JSON])] {
    var methods: [(method: String, maps: [JSON])] = []
    for entry in document["explanations"]?.elements ?? [] {
      guard let method = entry["method"]?.string else { continue }
      let map = map(entry, method, id)
      if let index = methods.firstIndex(where: { $0.method == method }) {
        methods[index].maps.append(map)
      } else {
        methods.append((method, [map]))
      }
    }
    return methods
  }

  private static func map(_ entry: JSON, _ method: String, _ id: String) -> JSON {
    let index = entry["target"]?["index"] ?? .null
    let window = entry["window"]?.elements.first?.double
    let path = "/v1/analyses/\(id)/maps/\(method)/\(index)"
    let query = window.map { "?window=\($0)" } ?? ""
    let hasSound = entry["evidence"] != nil
    return [
      "method": .string(method), "label": entry["target"]?["label"] ?? .null, "index": index,
      "probability": entry["target"]?["probability"] ?? .null,
      "window": entry["window"] ?? .null, "seconds": entry["seconds"] ?? .null,
      "evaluations": entry["evaluations"] ?? .null,
      "diagnostics": entry["diagnostics"] ?? .array([]),
      "npy": .string("\(path).npy\(query)"), "png": .string("\(path).png\(query)"),
      "kept": hasSound ? .string("\(path).kept.wav\(query)") : .null,
      "removed": hasSound ? .string("\(path).removed.wav\(query)") : .null,
    ]
  }
}
