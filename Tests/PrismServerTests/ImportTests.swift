import HTTPTypes
import Prism
import PrismFiles
import Testing

@testable import PrismServer

@Suite("analyses from archives")
struct ImportTests {
  /// The archive of an analysis that is done, and the analysis.
  private func archive(
    _ server: TestServer, _ input: [UInt8] = Sample.husky,
    _ query: String = "model=softmax&methods=gradcam&targets=top2&name=husky.png"
  ) async throws -> (bytes: [UInt8], analysis: JSON) {
    let begun = try await server.analyse(input, query)
    let id = try #require(begun.json["id"]?.string, "\(begun.text)")
    _ = try await server.events(id)
    _ = try await server(
      .patch, "/v1/analyses/\(id)",
      Array(#"{"name": "A husky", "tags": ["pets"], "notes": "seen twice"}"#.utf8))
    let zip = try await server(.get, "/v1/analyses/\(id)/report.zip")
    #expect(zip.status == .ok, "\(zip.text.prefix(200))")
    return (zip.body, try await server(.get, "/v1/analyses/\(id)").json)
  }

  private func bringIn(_ server: TestServer, _ bytes: [UInt8]) async throws -> TestServer.Answer {
    try await server(
      .post, "/v1/analyses/import", bytes, headers: [("Content-Type", "application/zip")])
  }

  @Test(
    "an analysis goes from one server to another, with its input, maps, name and notes",
    arguments: [true, false])
  func roundTrip(isSound: Bool) async throws {
    let server = try TestServer()
    let (zip, old) =
      isSound
      ? try await archive(server, Sample.voice, "model=voice&methods=gradcam&windows=top2&name=v")
      : try await archive(server)
    let other = try TestServer()
    let answer = try await bringIn(other, zip)
    #expect(answer.status == .created, "\(answer.text)")
    let new = answer.json
    for name in [
      "state", "name", "tags", "notes", "model", "type", "request", "created", "label",
      "probability", "error",
    ] {
      #expect(new[name] == old[name], "\(name)")
    }
    #expect(new["imported"] == .bool(true) && old["imported"] == .bool(false))
    #expect(new["id"] != old["id"] && new["id"] != nil)
    let (from, to) = (old["url"]?.string ?? "", new["url"]?.string ?? "")
    #expect(answer.headers[.location] == to)
    #expect(try await other(.get, "\(to)/input").body == server(.get, "\(from)/input").body)
    let report = try await other(.get, "\(to)/report.json")
    let oldReport = try await server(.get, "\(from)/report.json")
    #expect(report.body == oldReport.body)
    for entry in report.json["explanations"]?.elements ?? [] {
      let index = try #require(entry["target"]?["index"])
      let window = (entry["window"]?.elements.first?.double).map { "?window=\($0)" } ?? ""
      for end in isSound ? ["npy", "png", "kept.wav", "removed.wav"] : ["npy", "png"] {
        let map = "/maps/gradcam/\(index).\(end)\(window)"
        let (new, old) = (try await other(.get, to + map), try await server(.get, from + map))
        #expect(new.status == .ok && new.body == old.body, "\(map)")
      }
    }
    let events = try await other.events(new["id"]?.string ?? "")
    #expect(events.text.contains("\"method\":\"gradcam\""), "\(events.text)")
    // From there it goes on, and reports are made there.
    #expect(try await other(.get, "\(to)/report.html").status == .ok)
    let again = try await other(.get, "\(to)/report.zip")
    #expect(try await bringIn(server, again.body).status == .created)
    #expect(try await other(.delete, to).status == .noContent)
    #expect(other.service.platform.store.blobs.digests.isEmpty)
  }

  @Test("what others computed is never taken for a result of this server")
  func trust() async throws {
    let server = try TestServer()
    let (zip, _) = try await archive(server)
    let other = try TestServer()
    let id = try #require(try await bringIn(other, zip).json["id"]?.string)
    let begun = try await other.analyse(
      Sample.husky, "model=softmax&methods=gradcam&targets=top2&name=husky.png")
    let fresh = try #require(begun.json["id"]?.string)
    _ = try await other.events(fresh)
    #expect(try await other(.get, "/v1/analyses/\(fresh)").json["cached"] == .bool(false))
    // A method that is added makes all maps anew, and the analysis this server's own.
    let added = try await other.post(
      "/v1/analyses/\(id)/methods", ["methods": .array([.string("gradcam++")])])
    #expect(added.status == .accepted, "\(added.text)")
    _ = try await other.events(id)
    let analysis = try await other(.get, "/v1/analyses/\(id)").json
    #expect(analysis["imported"] == .bool(false) && analysis["state"] == .string("done"))
  }

  /// An archive with one of its files changed, left out or added.
  private func changed(
    _ zip: [UInt8], _ change: (inout [ZIPArchive.File]) -> Void
  ) throws -> [UInt8] {
    var files = try ZIPReader(zip, most: .max).files
    change(&files)
    return try ZIPArchive.bytes(of: files)
  }

  private func replacing(
    _ zip: [UInt8], in name: String, _ old: String, with new: String
  ) throws -> [UInt8] {
    try changed(zip) { files in
      files = files.map { file in
        guard file.name == name else { return file }
        let text = String(decoding: file.contents, as: UTF8.self)
        #expect(text.contains(old))
        return .init(name: name, contents: Array(text.replacing(old, with: new).utf8))
      }
    }
  }

  @Test("what is not whole, was changed or asks for what may not be asked is refused in one line")
  func refusals() async throws {
    let server = try TestServer()
    let (zip, _) = try await archive(server)
    let name = "analysis.json"
    let map = try #require(
      ZIPReader(zip, most: .max).files.first { $0.name.hasSuffix(".npy") }?.name)
    let page = ZIPArchive.File(name: "x.html", contents: Array("<script>".utf8))
    let bad: [(String, [UInt8], Int)] = [
      ("no ZIP", Array("hello".utf8), 422), ("nothing", [], 422),
      ("cut", Array(zip.dropLast(100)), 422),
      ("without manifest", try changed(zip) { $0.removeAll { $0.name == name } }, 422),
      ("without map", try changed(zip) { $0.removeAll { $0.name == map } }, 422),
      ("without input", try changed(zip) { $0.removeAll { $0.name.hasPrefix("source") } }, 422),
      ("without document", try changed(zip) { $0.removeAll { $0.name == "input.json" } }, 422),
      (
        "another map",
        try changed(zip) { files in
          files = files.map { $0.name == map ? .init(name: map, contents: [1, 2, 3]) : $0 }
        }, 422
      ),
      ("an unlisted page", try changed(zip) { $0.append(page) }, 422),
      ("a path", try changed(zip) { $0.append(.init(name: "../../x.png", contents: [1])) }, 422),
      (
        "another version", try replacing(zip, in: name, "\"format\": 1", with: "\"format\": 2"), 422
      ),
      ("no JSON", try replacing(zip, in: name, "{", with: "["), 400),
      (
        "a file of the server",
        try replacing(
          zip, in: name, "\"name\": \"gradcam\"",
          with: "\"name\": \"lime\", \"segments\": \"/etc/passwd\""), 422
      ),
      ("unknown method", try replacing(zip, in: name, "\"gradcam\"", with: "\"magic\""), 422),
      ("empty name", try replacing(zip, in: name, "\"A husky\"", with: "\"\""), 422),
    ]
    let before = server.service.platform.store.blobs.digests.count
    for (what, bytes, status) in bad {
      let answer = try await bringIn(server, bytes)
      #expect(answer.status.code == status, "\(what): \(answer.status) \(answer.text)")
      let line = answer.json["detail"]?.string ?? ""
      #expect(!line.isEmpty && !line.contains("\n"), "\(what)")
    }
    #expect(server.service.platform.store.blobs.digests.count == before)
    #expect(
      try await server(.get, "/v1/analyses").json["analyses"]?.elements.count == 1)
  }

  @Test("archives are within the limits of the server")
  func limits() async throws {
    let server = try TestServer()
    let (zip, _) = try await archive(server)
    let small = try TestServer { $0.limits = Limits([.bytes: 100_000]) }
    #expect(zip.count > 100_000)
    #expect(try await bringIn(small, zip).status == .contentTooLarge)
    #expect(try await small(.get, "/v1/analyses/import").headers[.allow] == "POST")
  }
}
