import HTTPTypes
import NIOCore
import Prism
import PrismReport
import Testing

@testable import PrismServer

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("analyses over HTTP")
struct AnalysisTests {
  /// Begins an analysis and waits for its end.
  private func finished(
    _ server: TestServer, _ input: [UInt8] = Sample.husky,
    _ query: String = "model=softmax&methods=gradcam&name=husky.png"
  ) async throws -> String {
    let begun = try await server.analyse(input, query)
    #expect(begun.status == .accepted, "\(begun.text)")
    let id = try #require(begun.json["id"]?.string)
    #expect(begun.headers[.location] == "/v1/analyses/\(id)")
    let events = try await server.events(id)
    #expect(events.text.contains("event: end\ndata: {\"state\":\"done\""), "\(events.text)")
    return id
  }

  @Test("an analysis gives the maps, documents and reports that the pipeline gives")
  func results() async throws {
    let server = try TestServer()
    let id = try await finished(server, Sample.husky, "model=softmax&methods=gradcam&targets=top2")
    let analysis = try await server(.get, "/v1/analyses/\(id)").json
    #expect(analysis["state"] == .string("done") && analysis["cached"] == .bool(false))

    var request = ExplanationRequest(model: "softmax", methods: [.init("gradcam")])
    request.targets = "top2"
    let model = try server.service.platform.shelf.model("softmax")
    let expected = try ExplanationPipeline(request, model: model)(
      ReportInput(Sample.husky, name: "file"), named: "input")
    let document = try await server(.get, "/v1/analyses/\(id)/report.json").json
    for name in ["predictions", "failures", "files"] {
      #expect(document[name] == expected.document[name])
    }
    for entry in expected.document["explanations"]?.elements ?? [] {
      let label = try #require(entry["target"]?["label"]?.string)
      for (format, end) in [("npy", ".npy"), ("png", ".png")] {
        let name = entry["files"]?[format]?.string
        let file = try #require(expected.files.first { $0.name == name })
        let path = "/v1/analyses/\(id)/maps/gradcam/\(label.addingPercentEncoded)\(end)"
        let answer = try await server(.get, path)
        #expect(answer.status == .ok && answer.body == file.contents, "\(path)")
        let tag = try #require(answer.headers[.eTag])
        let again = try await server(.get, path, headers: [("If-None-Match", tag)])
        #expect(again.status == .notModified && again.body.isEmpty)
      }
    }
    for (format, start) in [
      ("html", "<!"), ("pdf", "%PDF"), ("csv", "input"), ("zip", "PK\u{3}\u{4}"),
    ] {
      let report = try await server(.get, "/v1/analyses/\(id)/report.\(format)")
      #expect(report.status == .ok, "\(format): \(report.text.prefix(200))")
      #expect(String(decoding: report.body.prefix(5), as: UTF8.self).hasPrefix(start), "\(format)")
      #expect(report.headers[.contentDisposition]?.hasPrefix("attachment") == true)
    }
    let input = try await server(.get, "/v1/analyses/\(id)/input")
    #expect(input.body == Sample.husky && input.headers[.contentType] == "application/octet-stream")
    let samples = try ArrayFile.tensor(
      decoding: try await server(.get, "/v1/analyses/\(id)/input.npy").body, name: "samples")
    let husky = try Image(decoding: Sample.husky, name: "husky")
    #expect(samples.shape == [husky.height, husky.width, 3])
    #expect(samples.scalars == husky.pixels.map { Float($0) })
    let picture = try await server(.get, "/v1/analyses/\(id)/input.png")
    #expect(
      try Image(decoding: picture.body, name: "x") == Image(decoding: Sample.husky, name: "x"))
  }

  @Test("a sound has maps by window, and its evidence to listen to")
  func sound() async throws {
    let server = try TestServer()
    let id = try await finished(server, Sample.voice, "model=voice&methods=gradcam&windows=top2")
    let events = try await server.events(id)
    let line = try #require(events.text.split(separator: "\n").first { $0.contains("\"maps\"") })
    let maps = try JSONReader.parse(String(line.dropFirst("data: ".count)))["maps"]?.elements ?? []
    #expect(maps.count >= 2)
    for map in maps {
      for name in ["npy", "png", "kept", "removed"] {
        let path = try #require(map[name]?.string)
        #expect(try await server(.get, path).status == .ok, "\(path)")
      }
    }
    #expect(try await server(.get, "/v1/analyses/\(id)/input.wav").status == .ok)
    let view = try await server(.get, "/v1/analyses/\(id)/input.png?window=0.25")
    let first = try await server(.get, "/v1/analyses/\(id)/input.png")
    #expect(view.status == .ok && view.body != first.body)
    #expect(try Image(decoding: view.body, name: "view").height > 8)
    #expect(try await server(.get, "/v1/analyses/\(id)/input.npy").status == .notFound)
  }

  @Test("what cannot all be kept leaves what was there")
  func halfKept() async throws {
    let server = try TestServer()
    let id = try await finished(server, Sample.husky, "model=softmax&methods=gradcam")
    let store = server.service.platform.store
    try store.keep([.init(name: "a", contents: Array("before".utf8))], of: id)
    // A file stands where the folder of a blob would be.
    let blobs = server.folder + "/blobs"
    let contents = try #require(
      (0..<2000).map { Array("\($0)".utf8) }.first { contents in
        !Folder.exists("\(blobs)/\(SHA256.hexadecimalDigest(of: contents).prefix(2))")
      })
    try AtomicFile.write(
      "in the way", to: "\(blobs)/\(SHA256.hexadecimalDigest(of: contents).prefix(2))")
    #expect(throws: FileError.self) {
      try store.keep(
        [.init(name: "a", contents: Array("after".utf8)), .init(name: "b", contents: contents)],
        of: id)
    }
    #expect(try await store.file("a", of: id)?.bytes == Array("before".utf8))
    #expect(try await store.file("b", of: id) == nil)
  }

  @Test("other windows of a sound are added, and known windows are not computed again")
  func windows() async throws {
    let server = try TestServer()
    let id = try await finished(
      server, Sample.voice, "model=voice&methods=rise&windows=0")
    func explanations() async throws -> [JSON] {
      try await server(.get, "/v1/analyses/\(id)/report.json").json["explanations"]?.elements ?? []
    }
    let first = try await explanations()
    #expect(Set(first.compactMap { $0["window"]?.elements.first?.double }) == [0])
    let names = first.compactMap { $0["files"]?["npy"]?.string }
    let added = try await server.post(
      "/v1/analyses/\(id)/methods", ["windows": .string("0,0.5")])
    #expect(added.status == .accepted, "\(added.text)")
    _ = try await server.events(id)
    let both = try await explanations()
    let starts = Set(both.compactMap { $0["window"]?.elements.first?.double })
    #expect(starts.count == 2 && both.count == 2 * first.count)
    let one = both.filter { $0["window"] == first[0]["window"] }
    // What is computed again would take another time.
    #expect(zip(one, first).allSatisfy { $0["seconds"] == $1["seconds"] })
    // The names of files tell windows apart now, and those without are gone.
    for name in names { #expect(try await server.service.platform.store.file(name, of: id) == nil) }
    for entry in both {
      let path = "/v1/analyses/\(id)/maps/rise/\(entry["target"]?["index"] ?? .null).npy"
      let window = entry["window"]?.elements.first?.double ?? -1
      #expect(try await server(.get, "\(path)?window=\(window)").status == .ok)
    }
    for windows in [JSON.string("x"), .string(""), .string("999"), .integer(1)] {
      let answer = try await server.post("/v1/analyses/\(id)/methods", ["windows": windows])
      #expect(answer.status == .unprocessableContent, "\(windows): \(answer.text)")
    }
    let picture = try await finished(server)
    let answer = try await server.post(
      "/v1/analyses/\(picture)/methods", ["windows": .string("all")])
    #expect(answer.status == .unprocessableContent, "\(answer.text)")
  }

  @Test("what is known is not computed again, and methods are added")
  func cache() async throws {
    let server = try TestServer()
    let first = try await finished(server)
    let second = try await finished(server)
    let evaluations = server.service.platform.metrics.text(lanes: [], models: [])
    #expect(try await server(.get, "/v1/analyses/\(first)").json["cached"] == .bool(false))
    #expect(try await server(.get, "/v1/analyses/\(second)").json["cached"] == .bool(true))
    let path = "/v1/analyses/\(second)/maps/gradcam/"
    let index = try await server(.get, "/v1/analyses/\(second)/report.json").json["explanations"]?
      .elements.first?["target"]?["index"]
    let map = "\(path)\(index ?? .null).npy"
    #expect(
      try await server(.get, map).body
        == server(.get, map.replacing(second, with: first)).body)

    let added = try await server.post(
      "/v1/analyses/\(second)/methods", ["methods": .array([.string("scorecam")])])
    #expect(added.status == .accepted, "\(added.text)")
    let events = try await server.events(second)
    #expect(events.text.contains("\"method\":\"scorecam\",\"maps\""))
    let document = try await server(.get, "/v1/analyses/\(second)/report.json").json
    let methods = document["explanations"]?.elements.compactMap { $0["method"]?.string }
    #expect(methods == ["gradcam", "scorecam"])
    #expect(!evaluations.isEmpty)
  }

  @Test("labels and a judgement are added to an analysis that has ended")
  func additions() async throws {
    let server = try TestServer()
    let id = try await finished(server, Sample.husky, "model=softmax&methods=gradcam,scorecam")
    let path = "/v1/analyses/\(id)/methods"
    let wrong: [JSON] = [
      [:], ["methods": .null], ["targets": .integer(3)], ["purpose": .string("fun")],
      ["targets": .string("nobody")],
    ]
    for wrong in wrong {
      #expect(try await server.post(path, wrong).status == .unprocessableContent)
    }
    #expect(try await server.post(path, ["targets": .string("top2")]).status == .accepted)
    _ = try await server.events(id)
    let document = try await server(.get, "/v1/analyses/\(id)/report.json").json
    let targets = document["explanations"]?.elements.compactMap { $0["target"]?["index"] }
    #expect(targets?.count == 4 && Set(targets?.map { "\($0)" } ?? []).count == 2)

    #expect(try await server(.get, "/v1/analyses/\(id)/comparison.json").status == .notFound)
    #expect(try await server.post(path, ["purpose": .string("comparison")]).status == .accepted)
    _ = try await server.events(id)
    let judged = try await server(.get, "/v1/analyses/\(id)/comparison.json").json
    #expect(judged["faithfulness"]?.elements.count == 4)
    let request = try await server(.get, "/v1/analyses/\(id)").json["request"]
    #expect(request?["targets"] == .string("top2") && request?["methods"]?.elements.count == 2)
  }

  @Test(
    "an input has a small picture, and a file a preview",
    arguments: [(Sample.husky, "softmax"), (Sample.voice, "voice")])
  func smallPictures(input: [UInt8], model: String) async throws {
    let server = try TestServer()
    let id = try await finished(server, input, "model=\(model)&methods=gradcam")
    let small = try await server(.get, "/v1/analyses/\(id)/thumbnail.png")
    #expect(small.status == .ok)
    let picture = try Image(decoding: small.body, name: "thumbnail.png")
    #expect(max(picture.width, picture.height) <= 240)
    let tag = small.headers[.eTag] ?? ""
    let again = try await server(
      .get, "/v1/analyses/\(id)/thumbnail.png", headers: [("If-None-Match", tag)])
    #expect(again.status == .notModified)

    let preview = try await server(.post, "/v1/preview", input)
    guard model == "softmax" else {
      #expect(preview.status == .unprocessableContent)
      return
    }
    let shown = try Image(decoding: preview.body, name: "preview.png")
    #expect(shown.pixels == (try Image(decoding: input, name: "husky.png")).pixels)
  }

  @Test("a preview of what is no picture is refused")
  func noPreview() async throws {
    let server = try TestServer()
    for body: [UInt8] in [[], Array("hello".utf8)] {
      #expect(try await server(.post, "/v1/preview", body).status == .unprocessableContent)
    }
  }

  @Test("events go on after the last that was seen")
  func resumption() async throws {
    let server = try TestServer()
    let id = try await finished(server, Sample.husky, "model=softmax&methods=gradcam,gradcam%2B%2B")
    let all = try await server.events(id).text.split(separator: "\n\n")
    #expect(all.filter { $0.contains("event: method") }.count == 2)
    let first = try #require(all.first?.split(separator: "\n").first)
    let rest = try await server.events(id, after: String(first.dropFirst("id: ".count))).text
      .split(separator: "\n\n")
    #expect(rest.map { $0.split(separator: "\n")[1] } == ["event: method", "event: end"])
    // What is no address of an event is the beginning, and what is beyond the last has the end.
    for wrong in ["-1", "-1.-1", "1.-9223372036854775808", "", ".", "a.b", "1", "1.2.3", "99"] {
      #expect(try await server.events(id, after: wrong).text.split(separator: "\n\n") == all)
    }
    let beyond = try await server.events(id, after: "\(Int.max).\(Int.max)").text
    #expect(!beyond.contains("event: method") && beyond.contains("event: end"))
  }

  @Test("comparisons judge the maps")
  func comparison() async throws {
    let server = try TestServer()
    let id = try await finished(
      server, Sample.husky, "model=softmax&methods=gradcam,scorecam&purpose=comparison")
    let document = try await server(.get, "/v1/analyses/\(id)/comparison.json")
    #expect(document.status == .ok && document.text.contains("insertion"), "\(document.text)")
    #expect(try await server(.get, "/v1/analyses/\(id)/comparison.png").status == .ok)
    #expect(try await server(.get, "/v1/analyses/\(id)/report.html").status == .ok)
  }

  @Test("JSON and forms begin analyses too")
  func bodies() async throws {
    let server = try TestServer()
    let json = try await server.post(
      "/v1/analyses",
      [
        "file_b64": .string(Base64.encode(Sample.husky)), "file_name": .string("../a/dog.png"),
        "name": .string("My dog"), "tags": .array([.string("pets")]),
        "request": [
          "model": .string("softmax"),
          "methods": .array([["name": .string("rise"), "samples": .integer(8)]]),
        ],
      ])
    #expect(json.status == .accepted, "\(json.text)")
    #expect(json.json["input"]?["name"] == .string("dog.png"))
    #expect(json.json["tags"] == .array([.string("pets")]))
    let edge = "----x"
    let form =
      Array(
        """
        --\(edge)\r\nContent-Disposition: form-data; name="request"\r\n\r\n\
        {"model": "softmax", "methods": ["gradcam"]}\r\n--\(edge)\r\n\
        Content-Disposition: form-data; name="file"; filename="husky.png"\r\n\
        Content-Type: text/html\r\n\r\n
        """.utf8) + Sample.husky + Array("\r\n--\(edge)--\r\n".utf8)
    let answer = try await server(
      .post, "/v1/analyses", form,
      headers: [("Content-Type", "multipart/form-data; boundary=\(edge)")])
    #expect(answer.status == .accepted, "\(answer.text)")
    let id = answer.json["id"]?.string ?? ""
    #expect(try await server(.get, "/v1/analyses/\(id)/input").body == Sample.husky)
    for answer in [json, answer] { _ = try await server.events(answer.json["id"]?.string ?? "") }
  }

  @Test("an analysis that is asked for more the moment it is done goes on to its end")
  func more() async throws {
    let server = try TestServer()
    for seed in 0..<20 {
      let begun = try await server.analyse(
        Sample.husky, "model=softmax&methods=gradcam&seed=\(seed)")
      let id = begun.json["id"]?.string ?? ""
      while try await server(.get, "/v1/analyses/\(id)").json["state"] != .string("done") {
        await Task.yield()
      }
      let more = try await server.post(
        "/v1/analyses/\(id)/methods", ["methods": .array([.string("hirescam")])])
      #expect(more.status == .accepted)
      let events = try await server.events(id).text
      #expect(events.contains("\"state\":\"done\""))
      for method in ["gradcam", "hirescam"] {
        let address = events.split(separator: "\"").first {
          $0.hasSuffix(".npy") && $0.contains("/maps/\(method)/")
        }
        #expect(try await server(.get, String(address ?? "/")).body.starts(with: [0x93]))
      }
    }
  }

  @Test("an Idempotency-Key makes one analysis, and belongs to one request")
  func repeats() async throws {
    let server = try TestServer()
    let key = [("Idempotency-Key", "one")]
    let query = "model=softmax&methods=gradcam"
    let first = try await server.analyse(Sample.husky, query, headers: key)
    let second = try await server.analyse(Sample.husky, query, headers: key)
    #expect(first.json["id"] == second.json["id"] && second.status == .accepted)
    let other = try await server.analyse(Sample.husky, query + "&seed=1", headers: key)
    #expect(other.status.code == 422)
    for (tags, status) in [("a", 202), ("a", 202), ("b", 422)] {
      let body =
        #"{"file_b64": "\#(Base64.encode(Sample.husky))", "tags": ["\#(tags)"], "#
        + #""request": {"model": "softmax", "methods": ["gradcam"]}}"#
      let answer = try await server(
        .post, "/v1/analyses", Array(body.utf8),
        headers: [("Content-Type", "application/json"), ("Idempotency-Key", "tags")])
      #expect(answer.status.code == status, "\(answer.text)")
      if status == 202 { _ = try await server.events(answer.json["id"]?.string ?? "") }
    }
    _ = try await server.events(first.json["id"]?.string ?? "")
    // Requests that come at the same time make one analysis too.
    let ids = try await withThrowingTaskGroup(of: JSON?.self) { group in
      for _ in 0..<8 {
        group.addTask {
          try await server.analyse(
            Sample.husky, query, headers: [("Idempotency-Key", "two")]
          ).json["id"]
        }
      }
      return try await group.reduce(into: [JSON?]()) { $0.append($1) }
    }
    #expect(ids.count == 8 && ids.allSatisfy { $0 == ids[0] && $0 != nil })
    _ = try await server.events(ids[0]?.string ?? "")
    // Of different requests that come at the same time with one key, one is taken.
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for seed in 0..<6 {
        group.addTask {
          try await server.analyse(
            Sample.husky, query + "&seed=\(seed)", headers: [("Idempotency-Key", "three")])
        }
      }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    let taken = answers.filter { $0.status == .accepted }
    #expect(taken.count == 1 && answers.allSatisfy { [202, 422].contains($0.status.code) })
    _ = try await server.events(taken.first?.json["id"]?.string ?? "")
    let kept = try await server(.get, "/v1/analyses").json["analyses"]?.elements ?? []
    #expect(kept.count == 4)
    let queue = await server.service.platform.queue.counts(in: .long)
    #expect(queue.waiting == 0)
  }

  @Test("analyses are named, tagged, searched by pages, and removed with everything")
  func finding() async throws {
    let server = try TestServer()
    var ids: [String] = []
    for seed in 0..<5 {
      ids.append(
        try await finished(
          server, Sample.husky, "model=softmax&methods=gradcam&name=dog\(seed).png&seed=\(seed)"))
    }
    let change: JSON = [
      "name": .string("50%_off"), "tags": .array([.string("rare")]), "notes": .string("a note"),
    ]
    let changed = try await server(
      .patch, "/v1/analyses/\(ids[2])", Array(change.description.utf8))
    #expect(changed.json["name"] == .string("50%_off"), "\(changed.text)")
    func found(_ query: String) async throws -> [String] {
      try await server(.get, "/v1/analyses?\(query)").json["analyses"]?.elements
        .compactMap { $0["id"]?.string } ?? []
    }
    #expect(try await found("") == ids.reversed())
    #expect(try await found("query=50%25_") == [ids[2]])
    #expect(try await found("query=NOTE%20husky") == [])
    #expect(try await found("tag=rare") == [ids[2]])
    #expect(try await found("tag=rar").isEmpty)
    #expect(try await found("model=binary").isEmpty)
    let page = try await server(.get, "/v1/analyses?limit=2").json
    let cursor = try #require(page["cursor"]?.string)
    #expect(try await found("limit=2&cursor=\(cursor)") == [ids[2], ids[1]])
    for id in ids {
      #expect(try await server(.delete, "/v1/analyses/\(id)").status == .noContent)
      #expect(try await server(.get, "/v1/analyses/\(id)").status == .notFound)
    }
    #expect(server.service.platform.store.blobs.digests.isEmpty)
  }

  @Test("cancelling ends the work within a batch, and it can be gone on with")
  func cancelling() async throws {
    let server = try TestServer()
    let begun = try await server.post(
      "/v1/analyses",
      [
        "file_b64": .string(Base64.encode(Sample.husky)),
        "request": [
          "model": .string("softmax"),
          "methods": .array([.string("gradcam"), Sample.endless]),
        ],
      ])
    let id = try #require(begun.json["id"]?.string)
    let cancelled = try await server(.post, "/v1/analyses/\(id)/cancel")
    #expect(cancelled.json["state"] == .string("cancelled"), "\(cancelled.text)")
    let resumed = try await server(.post, "/v1/analyses/\(id)/resume")
    #expect(resumed.status == .accepted)
    #expect(
      try await server.post("/v1/analyses/\(id)/methods", ["methods": .array([.string("ig")])])
        .status == .conflict)
    #expect(try await server(.delete, "/v1/analyses/\(id)").status == .noContent)
    let counts = await server.service.platform.queue.counts(in: .long)
    #expect(counts.waiting == 0 && counts.running == 0)
    #expect(server.service.platform.store.blobs.digests.isEmpty)
  }

  @Test(
    "after a restart finished analyses are there, and running ones are interrupted and resumable")
  func restart() async throws {
    let server = try TestServer()
    let done = try await finished(server)
    let begun = try await server.analyse(Sample.husky, "model=softmax&methods=ig&seed=4")
    let open = try #require(begun.json["id"]?.string)
    _ = try await server.events(open)
    // What kill −9 leaves behind.
    try await server.service.platform.store.update(open) { $0.state = .running }
    _ = try server.service.platform.store.blobs.put([1, 2, 3])
    server.service.platform.store.ownership.release()
    let next = try TestServer(folder: server.folder)
    #expect(try await next(.get, "/v1/analyses/\(done)").json["state"] == .string("done"))
    #expect(try await next(.get, "/v1/analyses/\(done)/report.json").status == .ok)
    #expect(try await next(.get, "/v1/analyses/\(open)").json["state"] == .string("interrupted"))
    #expect(next.service.platform.store.blobs.digests.count > 3)
    #expect(
      !next.service.platform.store.blobs.digests.contains(SHA256.hexadecimalDigest(of: [1, 2, 3])))
    #expect(try await next(.post, "/v1/analyses/\(open)/resume").status == .accepted)
    #expect(try await next.events(open).text.contains("\"state\":\"done\""))
    #expect(try await next(.get, "/v1/analyses/\(open)").json["cached"] == .bool(true))
  }

  @Test("a second server on the same data folder is refused and changes nothing")
  func secondServer() async throws {
    let server = try TestServer()
    let id = try await finished(server)
    try await server.service.platform.store.update(id) { $0.state = .running }
    let error = #expect(throws: FolderInUse.self) { try Store(folder: server.folder) }
    #expect(error?.description.contains("--data") == true)
    #expect(try await server(.get, "/v1/analyses/\(id)").json["state"] == .string("running"))
    server.service.platform.store.ownership.release()
    _ = try Store(folder: server.folder)
    #expect(try await server(.get, "/v1/analyses/\(id)").json["state"] == .string("interrupted"))
  }

  @Test("a port in use is said in one line")
  func usedPort() {
    let inUse = ServerOptions.line(of: IOError(errnoCode: EADDRINUSE, reason: "bind"), port: 8123)
    #expect(inUse == "port 8123 is in use; choose another with --port")
    let other = ServerOptions.line(of: FolderInUse(folder: "/d"), port: 8123)
    #expect(other.hasPrefix("the data folder /d"))
  }

  @Test("maps of labels that are numbers have addresses of their own")
  func numbersAsLabels() throws {
    func target(_ index: Int, _ label: String) -> JSON {
      ["index": .integer(index), "label": .string(label)]
    }
    let labels = ["1", "2", "0", "2024", "5-vs-6"]
    let targets = labels.enumerated().map { target($0 == 4 ? 21 : $0, $1) }
    let document: JSON = [
      "predictions": .array(targets.dropLast() + [target(4, "none")]),
      "explanations": .array(
        targets.reversed().map { ["method": .string("gradcam"), "target": $0] }),
    ]
    for map in AnalysisText.maps(of: document, "a").flatMap(\.maps) {
      let address = try #require(map["npy"]?.string)
      let name = String(address.split(separator: "/").last?.dropLast(4) ?? "")
      let found = ResultRoutes.explanation(of: name, by: "gradcam", at: nil, in: document)
      #expect(found?["target"]?["label"] == map["label"], "\(address)")
    }
    for name in ["2024", "5-vs-6"] {
      let found = ResultRoutes.explanation(of: name, by: "gradcam", at: nil, in: document)
      #expect(found?["target"]?["label"] == .string(name))
    }
    // An index of the model whose label was not explained is not another label's name.
    #expect(ResultRoutes.explanation(of: "4", by: "gradcam", at: nil, in: document) == nil)
    #expect(ResultRoutes.explanation(of: "0", by: "lime", at: nil, in: document) == nil)
  }

  @Test(
    "what cannot be analysed is refused before anything is kept",
    arguments: [
      ("model=nothing", 404), ("methods=gradcam", 422), ("model=softmax&methods=magic", 422),
      ("model=voice", 422), ("model=softmax&windows=top2", 422), ("model=softmax&seed=x", 422),
      ("model=softmax&methods=gradcam,GradCAM", 422), ("model=..%2Fsoftmax", 404),
      ("model=softmax&purpose=fun", 422),
    ])
  func refusals(query: String, status: Int) async throws {
    let server = try TestServer()
    let answer = try await server.analyse(Sample.husky, query)
    #expect(answer.status.code == status, "\(answer.text)")
    #expect(server.service.platform.store.blobs.digests.isEmpty)
  }

  @Test("a file that is no picture fails by itself and says why")
  func damaged() async throws {
    let server = try TestServer()
    let begun = try await server.analyse(Array("no picture".utf8))
    let id = try #require(begun.json["id"]?.string)
    let events = try await server.events(id)
    #expect(events.text.contains("\"state\":\"failed\""), "\(events.text)")
    #expect(try await server(.get, "/v1/analyses/\(id)/report.html").status == .conflict)
    #expect(try await server(.get, "/v1/analyses/\(id)/report.json").status == .notFound)
  }
}
