import HTTPTypes
import Prism
import PrismReport
import PrismSmallModels
import PrismTestSupport
import Testing

@testable import PrismServer

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("studies over HTTP", .serialized)
struct StudyTests {
  /// Runs with a server that has labelled pictures, pictures without labels and sounds.
  private func withData(
    _ body: (TestServer, String) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/prism-studies-\(UUID().uuidString)"
    defer { Folder.remove(folder) }
    let labelled = folder + "/red-or-not"
    try SmallPictures.write(12, isRed: true, to: labelled + "/training/red")
    try SmallPictures.write(24, isRed: false, to: labelled + "/training/other", seed: 2)
    try SmallPictures.write(3, isRed: true, to: labelled + "/testing/red", seed: 5)
    try SmallPictures.write(3, isRed: false, to: labelled + "/testing/other", seed: 6)
    try SmallPictures.write(14, isRed: false, to: folder + "/any", seed: 3)
    try Folder.make(folder + "/voices")
    try AtomicFile.write(Sample.voice, to: folder + "/voices/one.wav")
    try AtomicFile.write(Sample.voice, to: folder + "/voices/two.wav")
    let server = try TestServer { configuration in
      configuration.datasets = ["red-or-not", "any", "voices"].map { ($0, "\(folder)/\($0)") }
    }
    try await body(server, folder)
  }

  /// Asks and waits until the study has ended.
  private func ask(_ server: TestServer, _ request: JSON) async throws -> TestServer.Answer {
    let answer = try await server.post("/v1/studies", request)
    guard let url = answer.json["url"]?.string else { return answer }
    _ = try await server(.get, "\(url)/events")
    return try await server(.get, url)
  }

  private func data(
    _ name: String, label: String? = nil, split: String? = nil, limit: Int? = nil
  ) -> JSON {
    [
      "dataset": .string(name), "label": label.map(JSON.string) ?? .null,
      "split": split.map(JSON.string) ?? .null, "limit": limit.map(JSON.integer) ?? .null,
    ]
  }

  @Test("the data are listed with labels, splits and kinds, and never with their paths")
  func datasets() async throws {
    try await withData { server, folder in
      let answer = try await server(.get, "/v1/datasets")
      let sets = answer.json["datasets"]?.elements ?? []
      #expect(sets.map { $0["name"]?.string } == ["red-or-not", "any", "voices"])
      #expect(sets.map { $0["type"]?.string } == ["image", "image", "audio"])
      #expect(sets.map { $0["files"] } == [.integer(42), .integer(14), .integer(2)])
      #expect(sets[0]["labels"]?.elements == [.string("other"), .string("red")])
      #expect(
        sets[0]["splits"]?.elements == [
          // A tenth is for validation where the data do not say what is.
          ["name": .string("training"), "files": .integer(33)],
          ["name": .string("validation"), "files": .integer(3)],
          ["name": .string("testing"), "files": .integer(6)],
        ])
      #expect(!answer.text.contains(folder))
      // Files that are added are seen; a folder that is gone is an obstacle, not a failure.
      try SmallPictures.pictures(1, isRed: true)[0].write(to: folder + "/any/new.png")
      let after = try await server(.get, "/v1/datasets").json["datasets"]?.elements ?? []
      #expect(after[1]["files"] == .integer(15))
      Folder.remove(folder + "/voices")
      let gone = try await server(.get, "/v1/datasets")
      let obstacle = gone.json["datasets"]?.elements[2]["obstacle"]?.string
      #expect(obstacle?.contains("voices") == true && !gone.text.contains(folder))
    }
  }

  @Test("the examples nearest to an analysis's input, with pictures; computed only once")
  func examples() async throws {
    try await withData { server, folder in
      let red = try Files.read(folder + "/red-or-not/testing/red/00.png")
      let begun = try await server.analyse(red, "model=softmax&methods=gradcam&name=mine.png")
      let analysis = try #require(begun.json["id"]?.string)
      _ = try await server.events(analysis)
      let request: JSON = [
        "kind": .string("examples"), "model": .string("softmax"),
        "data": data("red-or-not", split: "training"),
        "inputs": ["analysis": .string(analysis)], "count": .integer(4),
      ]
      let study = try await ask(server, request)
      #expect(study.json["state"] == .string("done"), "\(study.text)")
      let document = try #require(study.json["document"])
      #expect(document["examples"] == .integer(33) && document["data"] == .string("red-or-not"))
      let input = try #require(document["inputs"]?.elements.first)
      #expect(input["path"] == .string("mine.png"))
      let nearest = input["nearest"]?.elements ?? []
      #expect(nearest.count == 4)
      #expect(nearest.contains { $0["labels"]?.elements == [.string("red")] }, "\(nearest)")
      for example in nearest {
        let label = example["labels"]?.elements.first?.string ?? ""
        #expect(example["path"]?.string?.hasPrefix("training/\(label)/") == true)
      }
      let distances = nearest.compactMap { $0["distance"]?.double }
      #expect(distances.count == 4 && distances == distances.sorted())
      #expect(document["prototypes"]?.elements.map { $0["label"]?.string } == ["other", "red"])
      #expect(!study.text.contains(folder))
      // Pictures and the report.
      let pictures = study.json["pictures"]?.elements.compactMap(\.string) ?? []
      let names = pictures.map { $0.split(separator: "/").last.map(String.init) ?? "" }
      #expect(
        names == ["input-0.png"] + (0..<4).map { "near-0-\($0).png" }
          + (0..<2).flatMap { label in (0..<3).map { "prototype-\(label)-\($0).png" } })
      for path in pictures {
        let answer = try await server(.get, path)
        #expect(answer.headers[.contentType] == "image/png")
        #expect(try Image(decoding: answer.body, name: path).width > 20)
        let tag = try #require(answer.headers[.eTag])
        let again = try await server(.get, path, headers: [("If-None-Match", tag)])
        #expect(again.status == .notModified)
      }
      let report = try await server(.get, study.json["report"]?.string ?? "")
      #expect(report.status == .ok && report.text.contains("Nearest examples"))
      #expect(!report.text.contains(folder))
      let url = try #require(study.json["url"]?.string)
      #expect(try await server(.get, "\(url)/report.json").json == document)
      #expect(try await server(.get, "\(url)/report.csv").status == .notFound)
      // Known.
      let again = try await server.post("/v1/studies", request)
      #expect(again.status == .ok && again.json["cached"] == .bool(true))
      #expect(again.json["id"] == study.json["id"] && again.json["document"] == document)
      // A server that begins anew has it too; it takes the folder away when it ends.
      server.service.platform.store.ownership.release()
      let restarted = try TestServer(folder: server.folder)
      #expect(try await restarted(.get, url).json["document"] == document)
    }
  }

  @Test("a concept of files that came along is tested against data, and its table is a CSV")
  func concept() async throws {
    try await withData { server, folder in
      let form = Form(
        request: [
          "kind": .string("concept"), "model": .string("softmax"), "name": .string("red"),
          "random": data("red-or-not", label: "other"), "inputs": data("any", limit: 11),
          "runs": .integer(3), "targets": .string("0,3"), "layers": .string("features.18"),
        ],
        files: try SmallPictures.pictures(12, isRed: true).enumerated().map {
          ("positive", "\($0.offset).png", try $0.element.pngData())
        })
      let begun = try await server(.post, "/v1/studies", form.body, headers: [form.type])
      #expect(begun.status == .accepted, "\(begun.text)")
      let url = try #require(begun.json["url"]?.string)
      #expect(begun.headers[.location] == url)
      let events = try await server(.get, "\(url)/events").text
      #expect(events.contains("event: end") && events.contains("\"done\""), "\(events)")
      let study = try await server(.get, url).json
      let tests = study["document"]?["tests"]?.elements ?? []
      #expect(tests.count == 2 && tests.allSatisfy { $0["inputs"] == .integer(11) }, "\(study)")
      #expect(study["document"]?["examples"] == .integer(12))
      #expect(study["document"]?["concept"] == .string("red"))
      #expect(study["pictures"]?.elements.isEmpty == true)
      let table = try await server(.get, study["report"]?.string ?? "")
      #expect(table.text.hasPrefix("layer,index,label") && table.text.contains("features.18,0,"))
      // The same files again.
      let again = try await server(.post, "/v1/studies", form.body, headers: [form.type])
      #expect(again.status == .ok && again.json["cached"] == .bool(true))
    }
  }

  @Test("concepts are found in a label's files, with crops and maps")
  func discovery() async throws {
    try await withData { server, folder in
      let study = try await ask(
        server,
        [
          "kind": .string("discovery"), "model": .string("softmax"),
          "inputs": data("red-or-not", label: "other", limit: 8), "concepts": .integer(2),
        ])
      let concepts = study.json["document"]?["concepts"]?.elements ?? []
      #expect(concepts.count == 2, "\(study.text)")
      #expect(study.json["document"]?["inputs"]?.elements.count == 8)
      let names = study.json["pictures"]?.elements.compactMap {
        $0.string?.split(separator: "/").last.map(String.init)
      }
      for name in ["crop-0-0.png", "crop-1-0.png"] { #expect(names?.contains(name) == true) }
      #expect(names?.count { $0.hasPrefix("map-1-") } == 6)
      #expect(!study.text.contains(folder))
      let url = try #require(study.json["url"]?.string)
      #expect(try await server(.delete, url).status == .noContent)
      #expect(try await server(.get, url).status == .notFound)
      #expect(try await server(.get, "\(url)/pictures/crop-0-0.png").status == .notFound)
      #expect(try await server(.delete, url).status == .notFound)
    }
  }

  @Test("sounds have examples, too")
  func sounds() async throws {
    try await withData { server, _ in
      let study = try await ask(
        server,
        [
          "kind": .string("examples"), "model": .string("voice"), "data": data("voices"),
          "inputs": data("voices", limit: 1), "prototypes": .integer(0),
        ])
      let nearest = study.json["document"]?["inputs"]?.elements.first?["nearest"]?.elements
      #expect(nearest?.count == 2, "\(study.text)")
      #expect(study.json["document"]?["labelsArePredicted"] == .bool(true))
    }
  }

  @Test(
    "what does not fit is refused before anything is read, in one line",
    arguments: [
      (#"{}"#, 422, "kind"), (#"[]"#, 422, "object"),
      (#"{"kind": "magic", "model": "m"}"#, 422, "kind"),
      (#"{"kind": "examples", "model": "nothing", "data": {"dataset": "any"}}"#, 404, "model"),
      (#"{"kind": "examples", "model": "softmax"}"#, 422, "data is missing"),
      (#"{"kind": "examples", "model": "softmax", "data": {"dataset": "ani"}}"#, 404, "mean any"),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "../any"}}"#, 404, "no data"
      ),
      (#"{"kind": "examples", "model": "softmax", "data": {"path": "/etc"}}"#, 422, "not known"),
      (#"{"kind": "examples", "model": "voice", "data": {"dataset": "any"}}"#, 422, "pictures"),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "red-or-not", "label": "rad"}}"#,
        422, "mean red"
      ),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "red-or-not", "split": "x"}}"#,
        422, "no split"
      ),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "any", "label": "a"}}"#, 422,
        "labelled"
      ),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "any"}, "layer": "no"}"#,
        422,
        "no layer"
      ),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "any"}, "count": 0}"#, 422,
        "count"
      ),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "any"}, "prototypes": 0}"#,
        422, "inputs"
      ),
      (
        #"{"kind": "examples", "model": "softmax", "data": {"dataset": "any"}, "inputs": {"analysis": "x"}}"#,
        404, "no analysis"
      ),
      (
        #"{"kind": "discovery", "model": "softmax", "inputs": {"dataset": "any"}, "concepts": 99}"#,
        422, "concepts"
      ),
      (
        #"{"kind": "discovery", "model": "softmax", "inputs": {"dataset": "any"}, "targets": "nobody"}"#,
        422, "nobody"
      ),
      (#"{"kind": "concept", "model": "softmax", "positive": {"dataset": "any"}}"#, 422, "random"),
      (
        #"{"kind": "discovery", "model": "softmax", "inputs": {"dataset": "any"}, "seed": -1}"#,
        422,
        "seed"
      ),
    ])
  func refused(body: String, status: Int, part: String) async throws {
    try await withData { server, folder in
      let answer = try await server(
        .post, "/v1/studies", Array(body.utf8), headers: [("Content-Type", "application/json")])
      #expect(answer.status.code == status, "\(answer.text)")
      let detail = answer.json["detail"]?.string ?? ""
      #expect(detail.contains(part) && !detail.contains("\n"), "\(detail)")
      #expect(!answer.text.contains(folder))
    }
  }

  @Test("what only the files tell fails in one line, and can be asked again")
  func failures() async throws {
    try await withData { server, folder in
      let request: JSON = [
        "kind": .string("concept"), "model": .string("softmax"), "positive": data("any", limit: 3),
        "random": data("any"), "inputs": data("any"),
      ]
      for _ in 0..<2 {
        let study = try await ask(server, request)
        #expect(study.json["state"] == .string("failed"))
        #expect(study.json["error"]?.string?.contains("needs at least 10") == true, "\(study.text)")
        #expect(study.json["document"] == .null && study.json["report"] == .null)
        let url = study.json["url"]?.string ?? ""
        #expect(try await server(.get, "\(url)/report.json").status == .conflict)
      }
      // A file that is no picture is left out and named, without its place.
      try AtomicFile.write("no picture", to: folder + "/any/broken.png")
      let study = try await ask(
        server,
        ["kind": .string("examples"), "model": .string("softmax"), "data": data("any")])
      let skipped = study.json["document"]?["skipped"]?.elements ?? []
      #expect(skipped.map { $0["path"] } == [.string("broken.png")])
      #expect(!study.text.contains(folder))
    }
  }

  @Test("forms with unknown parts, too many files, files for nothing and no request are refused")
  func forms() async throws {
    try await withData { server, _ in
      let examples: JSON = [
        "kind": .string("examples"), "model": .string("softmax"), "data": data("any"),
      ]
      let picture = try SmallPictures.pictures(1, isRed: true)[0].pngData()
      for (form, part) in [
        (Form(request: examples, files: [("friend", "a.png", picture)]), "friend"),
        (Form(request: examples, files: [("positive", "a.png", picture)]), "positive"),
        (Form(request: examples, files: [("data", "a.png", picture)]), "data"),
        (Form(request: nil, files: [("inputs", "a.png", picture)]), "request"),
      ] {
        let answer = try await server(.post, "/v1/studies", form.body, headers: [form.type])
        #expect(answer.status == .unprocessableContent, "\(answer.text)")
        #expect(answer.json["detail"]?.string?.contains(part) == true, "\(answer.text)")
      }
      let form = Form(request: examples, files: [("inputs", "../../a.png", picture)])
      let answer = try await server(.post, "/v1/studies", form.body, headers: [form.type])
      let url = try #require(answer.json["url"]?.string, "\(answer.text)")
      _ = try await server(.get, "\(url)/events")
      let input = try await server(.get, url).json["document"]?["inputs"]?.elements.first
      #expect(input?["path"] == .string("a.png"))
      for path in ["..%2Fstudy.json", "study.json", "nothing.png", ".png"] {
        #expect(try await server(.get, "\(url)/pictures/\(path)").status == .notFound, "\(path)")
      }
      for id in ["..", "x", String(repeating: "a", count: 32)] {
        #expect(try await server(.get, "/v1/studies/\(id)").status == .notFound)
      }
    }
  }

  @Test("a study that is removed while it waits does not run; others begin where it ended")
  func cancelled() async throws {
    try await withData { server, _ in
      let blocker = try await server.service.platform.queue.take(.long, client: "other")
      let request: JSON = [
        "kind": .string("examples"), "model": .string("softmax"), "data": data("any"),
      ]
      let waiting = try await server.post("/v1/studies", request)
      let url = try #require(waiting.json["url"]?.string)
      #expect(waiting.json["state"] == .string("queued"))
      // Who asks the same in the meantime waits for the same study.
      let same = try await server.post("/v1/studies", request)
      #expect(same.json["id"] == waiting.json["id"] && same.json["cached"] == .bool(false))
      #expect(try await server(.delete, url).status == .noContent)
      #expect(try await server(.get, url).status == .notFound)
      await server.service.platform.queue.discard(blocker)
      #expect(try await ask(server, request).json["state"] == .string("done"))
    }
  }

  @Test("the oldest studies make room for new ones, and halves of a killed process are swept away")
  func shelf() throws {
    try Repository.withFolder { folder in
      let shelf = try StudyShelf(folder: folder, most: 2)
      let names = ["a", "b", "c"].map { String(repeating: $0, count: 32) }
      for name in names { try shelf.keep([], ["kind": .string("x")], of: name) }
      #expect(names.filter { shelf.study($0) != nil }.count == 2 && shelf.study(names[2]) != nil)
      try Folder.make("\(folder)/\(String(repeating: "d", count: 32))")
      _ = try StudyShelf(folder: folder, most: 2)
      #expect(try Folder.names(in: folder).count == 2)
      try shelf.keep([], ["kind": .string("x")], of: "../outside")
      #expect(!Folder.exists("\(folder)/../outside"))
    }
  }

  @Test(
    "names of data are plain, and their paths are there",
    arguments: ["x", "=/tmp", "a/b=/tmp", "a b=/tmp", "a=/nowhere/at/all", "a="])
  func options(text: String) {
    #expect(throws: (any Error).self) { try ServerOptions.dataset(text) }
  }
}

/// A body of `multipart/form-data`.
private struct Form {
  let body: [UInt8]
  var type: (String, String) { ("Content-Type", "multipart/form-data; boundary=edge-of-parts") }

  init(request: JSON?, files: [(part: String, name: String, contents: [UInt8])]) {
    var body: [UInt8] = []
    func add(_ head: String, _ contents: [UInt8]) {
      body += Array("--edge-of-parts\r\nContent-Disposition: form-data; \(head)\r\n\r\n".utf8)
      body += contents + Array("\r\n".utf8)
    }
    if let request { add("name=\"request\"", Array(request.description.utf8)) }
    for file in files { add("name=\"\(file.part)\"; filename=\"\(file.name)\"", file.contents) }
    self.body = body + Array("--edge-of-parts--\r\n".utf8)
  }
}
