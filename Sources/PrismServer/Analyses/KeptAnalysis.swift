internal import HTTPTypes
internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// An analysis as `report.zip` carries it from one server to another: its input, its results, and
/// in `analysis.json` what it is called, what was asked, and the digest of every file.
///
/// The results of others are shown and handed on, and never taken for results of this server: what
/// is computed later, such as another method, is computed of the input.
struct KeptAnalysis {
  let record: AnalysisRecord
  let input: [UInt8]
  let files: [OutputFolder.File]

  private static let manifest = "analysis.json"
  private static let document = "\(AnalysisRun.stem).json"
  private static let version = 1

  // MARK: - Out

  /// The files of an archive.
  ///
  /// - Parameters:
  ///   - record: An analysis that is done.
  ///   - files: Its files.
  ///   - blobs: Have their contents.
  /// - Returns: `analysis.json`, the input, and the files.
  /// - Throws: `FileError`.
  static func archive(
    of record: AnalysisRecord, _ files: [FileRecord], in blobs: Blobs
  ) throws -> [ZIPArchive.File] {
    let source = "source-\(FileStem.readable(record.inputName))"
    var listed = [(name: source, digest: record.inputDigest)]
    for file in files where file.name != Store.sharedPrefix + "zip" {
      listed.append((file.name, file.digest))
    }
    let manifest: JSON = [
      "format": .integer(version), "prism": .string(PrismVersion.current),
      "source": .string(source), "analysis": AnalysisText.json(record),
      "files": .array(
        listed.map { ["name": .string($0.name), "sha256": .string($0.digest)] }),
    ]
    return
      try [.init(name: Self.manifest, contents: Array(manifest.formatted.utf8))]
      + listed.map { .init(name: $0.name, contents: try blobs.get($0.digest)) }
  }

  // MARK: - In

  /// Reads an archive.
  ///
  /// - Parameters:
  ///   - zip: What was sent.
  ///   - reader: Knows what requests may ask.
  /// - Throws: ``Problem`` where something is missing, or has another digest than was written down.
  init(_ zip: ZIPReader, _ reader: RequestReader) throws {
    guard let manifest = zip[Self.manifest] else {
      throw Self.refusal("has no \(Self.manifest); only a report.zip of Prism can be imported")
    }
    let json = try JSON(utf8: manifest)
    guard json["format"] == .integer(Self.version), let source = json["source"]?.string,
      let analysis = json["analysis"]
    else { throw Self.refusal("has a \(Self.manifest) of another version than \(Self.version)") }
    let digests = try Self.digests(json, zip)
    guard let input = zip[source], let inputDigest = digests[source], !input.isEmpty else {
      throw Self.refusal("lacks its input \(Text.quoted(source))")
    }
    guard let document = zip[Self.document], digests[Self.document] != nil else {
      throw Self.refusal("lacks \(Self.document)")
    }
    self.input = input
    files = try zip.files.filter { $0.name != Self.manifest && $0.name != source }
      .compactMap { file in
        guard digests[file.name] != nil else {
          throw Self.refusal("has a file \(Text.quoted(file.name)) that it does not list")
        }
        // Pages and reports are made here, where they are wanted.
        guard !file.name.hasPrefix(Store.sharedPrefix) else { return nil }
        try Self.check(file)
        return .init(name: file.name, contents: file.contents)
      }
    record = try Self.record(analysis, try JSON(utf8: document), inputDigest, reader)
  }

  private static func refusal(_ reason: String) -> Problem {
    Problem(.unprocessableContent, "the archive \(reason)")
  }

  /// The digests that are written down, each of which has been compared.
  private static func digests(_ json: JSON, _ zip: ZIPReader) throws -> [String: String] {
    var digests: [String: String] = [:]
    for entry in json["files"]?.elements ?? [] {
      guard let name = entry["name"]?.string, let contents = zip[name] else {
        throw refusal("lacks a file that it lists: \(Text.quoted(entry["name"]?.string ?? ""))")
      }
      let digest = SHA256.hexadecimalDigest(of: contents)
      guard digest == entry["sha256"]?.string else {
        throw refusal("has a file that was changed: \(Text.quoted(name)) has another SHA-256")
      }
      digests[name] = digest
    }
    return digests
  }

  /// Refuses what is not of the type that its name says.
  private static func check(_ file: ZIPArchive.File) throws {
    let isRight =
      switch file.name.split(separator: ".").last {
      case "png": MediaFormat(beginning: Array(file.contents.prefix(512)))?.name == "PNG"
      case "wav": file.contents.starts(with: Array("RIFF".utf8))
      case "npy": (try? ArrayFile.tensor(decoding: file.contents, name: file.name)) != nil
      case "json": (try? JSON(utf8: file.contents)) != nil
      default: false
      }
    guard isRight else {
      throw refusal("has a file that is not what its name says: \(Text.quoted(file.name))")
    }
  }

  /// The analysis, under a new name in addresses.
  private static func record(
    _ json: JSON, _ document: JSON, _ inputDigest: String, _ reader: RequestReader
  ) throws -> AnalysisRecord {
    let request = try reader.request(json["request"] ?? .null)
    let kind = document["sound"] == nil ? "image" : "audio"
    let top = document["predictions"]?.elements.first
    let (name, notes) = (try json.text("name"), try json.text("notes"))
    let inputName = NewAnalysis.plain(json["input"]?["name"]?.string ?? "")
    try NewAnalysis.check(name: name)
    try NewAnalysis.check(notes: notes)
    guard request.model.utf8.count <= 1000, inputDigest == document["input"]?["sha256"]?.string
    else { throw refusal("has results of another input than its own") }
    let now = Date().timeIntervalSince1970
    let created = json["created"]?.string.flatMap { try? Date($0, strategy: .iso8601) }
    return AnalysisRecord(
      id: UUID().uuidString.lowercased(), name: name,
      tags: JSON.array(try NewAnalysis.tags(json["tags"]).map(JSON.string)).description,
      notes: notes, model: request.model, kind: kind, inputName: inputName,
      inputDigest: inputDigest, request: try request.keptText(), state: .done,
      error: json["error"]?.string.map { String($0.prefix(2000)) }, isCached: false,
      created: min(created?.timeIntervalSince1970 ?? now, now), updated: now,
      label: top?["label"]?.string, probability: top?["probability"]?.double, isImported: true)
  }
}

extension ExplanationRequest {
  /// The request as it is kept.
  func keptText() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
