import Dispatch
import Prism
import PrismReport
import PrismSmallModels
import PrismTestSupport
import Synchronization
import Testing

@testable import PrismCLI

/// A client that sends frames one by one and keeps the answers.
private final class Client: Sendable {
  private struct State {
    var bytes: [[UInt8]]
    var answers: [(header: JSON, payload: [UInt8])] = []
    /// How many frames the worker had been given at each answer.
    var given: [Int] = []
    var next = 0
  }

  private let state: Mutex<State>

  /// - Parameter frames: What is sent, in this order.
  init(_ frames: [[UInt8]]) { state = Mutex(State(bytes: frames)) }

  var answers: [(header: JSON, payload: [UInt8])] { state.withLock { $0.answers } }
  var given: [Int] { state.withLock { $0.given } }

  /// The answers of a kind.
  func answers(_ kind: String) -> [(header: JSON, payload: [UInt8])] {
    answers.filter { $0.header["kind"] == .string(kind) }
  }

  /// The only answer with an id.
  func answer(to id: String) throws -> (header: JSON, payload: [UInt8]) {
    let found = answers.filter { $0.header["id"] == .string(id) }
    #expect(found.count == 1, "\(id) has \(found.count) answers")
    return try #require(found.first)
  }

  /// A header with the members that stand aside.
  private static func whole(_ frame: FrameReader.Incoming) throws -> JSON {
    guard case .object(let members) = frame.header, case .object(let aside) = frame.header["aside"]
    else { return frame.header }
    return .object(
      try members.filter { $0.name != "aside" }
        + aside.map { part in
          let start = Int(try #require(part.value["offset"]?.double))
          let end = start + Int(try #require(part.value["bytes"]?.double))
          let payload = try #require(frame.payload)
          try #require(end <= payload.count)
          return .init(name: part.name, value: try JSON(utf8: Array(payload[start..<end])))
        })
  }

  /// Lets a worker answer everything.
  func talk(
    _ model: String = SmallModel.softmax, lanes: Int = 2, limits: Limits = Limits()
  ) throws {
    let session = WorkerSession(
      try Model(contentsOf: model), called: "small", limits: limits, threads: lanes,
      source: { _ in
        self.state.withLock { state in
          guard state.next < state.bytes.count else { return [] }
          state.next += 1
          return state.bytes[state.next - 1]
        }
      },
      sink: { bytes in
        var rest = bytes[...]
        var reader = FrameReader { count in
          defer { rest = rest.dropFirst(count) }
          return Array(rest.prefix(count))
        }
        let frame = try #require(try reader.next(limit: .max))
        let header = try Self.whole(frame)
        self.state.withLock { state in
          state.answers.append((header, frame.payload ?? []))
          state.given.append(state.next)
        }
      })
    try session.run()
  }
}

@Suite("the worker")
struct WorkerTests {
  private static let husky = Repository.samples + "husky.png"
  private static let voice = Repository.samples + "voice-synthetic.wav"

  private static func explain(
    _ id: String, _ input: [UInt8], methods: [JSON] = [.string("gradcam")], name: String? = nil,
    asking request: [JSON.Member] = [], _ members: [JSON.Member] = []
  ) -> [UInt8] {
    let request = [JSON.Member(name: "methods", value: .array(methods))] + request
    let name = name.map { [JSON.Member(name: "name", value: .string($0))] } ?? []
    return Frame(
      "explain",
      [.init(name: "id", value: .string(id)), .init(name: "request", value: .object(request))]
        + name + members, payload: input
    ).bytes
  }

  private static func plain(_ kind: String, _ id: String? = nil) -> [UInt8] {
    Frame(kind, id.map { [.init(name: "id", value: .string($0))] } ?? []).bytes
  }

  /// A small picture of a colour.
  private static func picture(_ shade: UInt8 = 90) throws -> [UInt8] {
    try Image(width: 40, height: 30, filledWith: RGB(200, shade, 90)).pngData()
  }

  /// A document without what a worker leaves out or says in its own way.
  private func comparable(_ document: JSON) -> JSON {
    guard case .object(let members) = document else { return document }
    return .object(
      members.filter { !["key", "files"].contains($0.name) }.map { member in
        guard member.name == "explanations" else { return member }
        let entries = member.value.elements.map { entry -> JSON in
          guard case .object(let members) = entry else { return entry }
          return .object(members.filter { !["seconds", "files"].contains($0.name) })
        }
        return .init(name: member.name, value: .array(entries))
      })
  }

  @Test(
    "documents, maps and pictures are those of prism explain, bit for bit",
    arguments: [(husky, SmallModel.softmax), (voice, SmallModel.voice)], [1, 3])
  func sameBits(_ input: (path: String, model: String), lanes: Int) throws {
    try Repository.withFolder { folder in
      let methods = ["gradcam", "lime", "rise"]
      let outcome = Outcome(
        "explain", input.path, "--model", input.model, "--method", "gradcam,lime,rise",
        "--samples", "200", "--target", "top2", "--format", "png,npy", "--output", folder)
      #expect(outcome.status == .done, "\(outcome.diagnostics)")
      let sampled = methods.map { method -> JSON in
        method == "gradcam"
          ? .string(method) : ["name": .string(method), "samples": .integer(200)]
      }
      let client = Client([
        Self.explain(
          "1", try Files.read(input.path), methods: sampled, name: input.path,
          asking: [.init(name: "targets", value: .string("top2"))],
          [.init(name: "pictures", value: .bool(true))])
      ])
      try client.talk(input.model, lanes: lanes)
      let (header, payload) = try client.answer(to: "1")
      let document = try #require(header["document"])
      let stem = FileStem.stem(of: input.path)
      let written = try JSONReader.parse(
        String(decoding: Files.read("\(folder)/\(stem).json"), as: UTF8.self))
      #expect(comparable(document) == comparable(written))
      #expect(document["key"] == header["key"])

      let maps = try #require(header["maps"]?.elements)
      #expect(maps.count == written["explanations"]?.elements.count && !maps.isEmpty)
      for (map, entry) in zip(maps, written["explanations"]?.elements ?? []) {
        let file = try #require(entry["files"]?["npy"]?.string)
        let values = try ArrayFile.tensor(contentsOf: "\(folder)/\(file)")
        #expect(map["method"] == entry["method"] && map["label"] == entry["target"]?["label"])
        #expect(
          map["index"] == entry["target"]?["index"] && map["window"] ?? .null == entry["window"])
        #expect(map["shape"] == .array(values.shape.dimensions.map(JSON.integer)))
        let bytes = values.scalars.flatMap { value in
          (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
        #expect(try part(map, of: payload) == bytes)
      }
      let pictures = try #require(header["pictures"]?.elements)
      #expect(pictures.count == maps.count)
      for picture in pictures {
        let name = try #require(picture["name"]?.string)
        #expect(try part(picture, of: payload) == Files.read("\(folder)/\(name)"), "\(name)")
      }
    }
  }

  /// The bytes of a map or a picture.
  private func part(_ json: JSON, of payload: [UInt8]) throws -> [UInt8] {
    let offset = Int(try #require(json["offset"]?.double))
    let count = Int(try #require(json["bytes"]?.double))
    try #require(offset >= 0 && count > 0 && offset + count <= payload.count)
    return Array(payload[offset..<offset + count])
  }

  @Test("an input or a request that is bad is an answer, and the others are answered too")
  func badInputs() throws {
    let picture = try Self.picture()
    let client = Client([
      Self.explain("bad", Array("no picture".utf8), name: "bad.png"), Self.explain("1", picture),
      Self.explain("none", []), Self.explain("cut", Array(picture.prefix(60))),
      Self.explain("method", picture, methods: [.string("nonsense")]),
      Self.explain("methods", picture, methods: []),
      Self.explain("target", picture, asking: [.init(name: "targets", value: .string("zebra"))]),
      Self.explain(
        "file", picture, methods: [["name": .string("lime"), "segments": .string("/tmp/x.npy")]]),
      Self.explain("formats", picture, asking: [.init(name: "formats", value: .array([]))]),
      Self.explain("other", picture, asking: [.init(name: "model", value: .string("dogs"))]),
      Self.explain(
        "compare", picture, asking: [.init(name: "purpose", value: .string("comparison"))]),
      Self.explain("maps", picture, [.init(name: "maps", value: .string("float8"))]),
      Self.explain("pictures", picture, [.init(name: "pictures", value: .integer(1))]),
      Self.explain(
        "windows", picture, asking: [.init(name: "windows", value: .string("all"))]),
      Self.explain(String(repeating: "x", count: 129), picture),
      Self.plain("explain", "empty"), Self.plain("prepare", "unprepared"),
      Self.plain("nonsense", "kind"), Self.plain("ping"), Frame("", []).bytes,
      Self.explain("2", picture),
    ])
    try client.talk()
    #expect(client.answers("result").compactMap { $0.header["id"]?.string }.sorted() == ["1", "2"])
    for (id, words) in [
      ("bad", "bad.png: not a picture"), ("none", "cut off"), ("cut", "cut"),
      ("method", "nonsense"), ("methods", "1 to 64"), ("target", "zebra"), ("file", "names a file"),
      ("formats", "formats"), ("other", "dogs"), ("compare", "compare"), ("maps", "float8"),
      ("pictures", "pictures"), ("windows", "--window"), ("empty", "no JSON object"),
      ("unprepared", "no JSON object"), ("kind", "nonsense"),
    ] {
      let header = try client.answer(to: id).header
      #expect(header["kind"] == .string("failed"), "\(id)")
      #expect(header["retryable"] == .bool(false), "\(id)")
      #expect(header["error"]?.string?.contains(words) == true, "\(id): \(header)")
    }
    #expect(client.answers("failed").count == 19)
  }

  @Test("an input beyond the limit is an answer, and so is one that takes too long")
  func limits() throws {
    let picture = try Self.picture()
    let long = [UInt8](repeating: 1, count: picture.count + 1)
    let client = Client([
      Self.explain("long", long, name: "long.png"), Self.explain("fits", picture),
    ])
    try client.talk(limits: Limits([.bytes: picture.count]))
    #expect(try client.answer(to: "long").header["error"]?.string?.contains("long.png") == true)
    #expect(try client.answer(to: "fits").header["kind"] == .string("result"))

    let endless = Client([
      Self.explain(
        "slow", picture, methods: [["name": .string("rise"), "samples": .integer(1_000_000_000)]]),
      Self.explain("quick", picture),
    ])
    try endless.talk(lanes: 1, limits: Limits([.time: 3]))
    let slow = try endless.answer(to: "slow").header
    #expect(slow["kind"] == .string("failed") && slow["retryable"] == .bool(true))
    #expect(try endless.answer(to: "quick").header["kind"] == .string("result"))
  }

  @Test("what is cancelled ends soon, at work or waiting, with one answer")
  func cancellation() throws {
    let picture = try Self.picture()
    let endless: [JSON] = [["name": .string("rise"), "samples": .integer(1_000_000_000)]]
    let client = Client([
      Self.explain("work", picture, methods: endless),
      Self.explain("wait", picture, methods: endless), Self.explain("go", picture),
      Self.plain("cancel", "wait"), Self.plain("cancel", "nobody"), Self.plain("cancel", "work"),
      Self.plain("cancel", "work"), Self.plain("ping", "p"),
    ])
    try client.talk(lanes: 1)
    #expect(try client.answer(to: "work").header["kind"] == .string("cancelled"))
    #expect(try client.answer(to: "wait").header["kind"] == .string("cancelled"))
    #expect(try client.answer(to: "go").header["kind"] == .string("result"))
    #expect(try client.answer(to: "p").header["kind"] == .string("pong"))
    #expect(client.answers.count == 5)
  }

  @Test("an id that is in use is refused, and the request that uses it goes on")
  func sameID() throws {
    let picture = try Self.picture()
    let endless: [JSON] = [["name": .string("rise"), "samples": .integer(1_000_000_000)]]
    let client = Client([
      Self.explain("1", picture, methods: endless), Self.explain("1", picture),
      Self.plain("cancel", "1"),
    ])
    try client.talk()
    let answers = client.answers.dropFirst().map(\.header)
    #expect(answers.map { $0["kind"]?.string } == ["failed", "cancelled"])
    #expect(answers[0]["error"]?.string?.contains("in use") == true)
  }

  @Test("no more is read than is held, and everything is answered once", arguments: [1, 4])
  func backpressure(lanes: Int) throws {
    let pictures = try (0..<3).map { try Self.picture(UInt8($0)) }
    let count = 200
    let client = Client((0..<count).map { Self.explain("\($0)", pictures[$0 % 3]) })
    try client.talk(lanes: lanes)
    let ids = client.answers("result").compactMap { $0.header["id"]?.string.flatMap { Int($0) } }
    #expect(ids.sorted() == Array(0..<count))
    // The first answer is the hello; one frame is read before it waits for room.
    for (number, given) in client.given.enumerated() {
      #expect(given <= number + WorkerSession.ahead + lanes + 1)
    }
    // The same input gives the same bytes each time.
    for remainder in 0..<3 {
      let same = try (0..<count).filter { $0 % 3 == remainder }.map {
        try client.answer(to: "\($0)")
      }
      #expect(
        Set(same.map(\.payload)).count == 1
          && Set(same.compactMap { $0.header["key"]?.string }).count == 1)
    }
  }

  @Test("a request has one form, and the key tells everything that a result depends on")
  func keys() throws {
    let (one, other) = (try Self.picture(), try Self.picture(91))
    func result(
      _ id: String, _ input: [UInt8], _ methods: [JSON], asking: [JSON.Member] = [],
      _ members: [JSON.Member] = []
    ) -> [UInt8] {
      Self.explain(id, input, methods: methods, asking: asking, members)
    }
    let rise: JSON = ["name": .string("rise"), "samples": .integer(20)]
    let seed = JSON.Member(name: "seed", value: .integer(1))
    let client = Client([
      result("a", one, [rise]),
      result(
        "b", one, [["name": .string("RISE"), "samples": .integer(20)]],
        asking: [
          .init(name: "batch", value: .integer(3)), .init(name: "model", value: .string("small")),
          .init(name: "targets", value: .null),
        ], [.init(name: "name", value: .string("another.png"))]),
      result("c", other, [rise]), result("d", one, [rise], asking: [seed]),
      result("e", one, [["name": .string("rise"), "samples": .integer(21)]]),
      result("f", one, [rise], [.init(name: "maps", value: .string("float16"))]),
      result("g", one, [rise], [.init(name: "pictures", value: .bool(true))]),
    ])
    try client.talk()
    let keys = try "abcdefg".map { id in
      try #require(try client.answer(to: "\(id)").header["key"]?.string)
    }
    #expect(keys[0] == keys[1] && Set(keys).count == 6)
    #expect(keys.allSatisfy { $0.utf8.count == 64 })

    // As a client in any language makes it.
    let forms = Client([
      Frame(
        "prepare",
        [
          .init(name: "id", value: .string("1")),
          .init(
            name: "request",
            value: ["methods": .array([["name": .string("RISE"), "samples": .integer(20)]])]),
        ]
      ).bytes
    ])
    try forms.talk()
    let hello = forms.answers[0].header
    let form = try #require(try forms.answer(to: "1").header["request"])
    let lines = [
      "prism result 2", try #require(hello["prism"]?.string),
      try #require(hello["model"]?["digest"]?.string), SHA256.hexadecimalDigest(of: one),
      form.description, "float32 false", try #require(hello["instructions"]?.string),
    ]
    #expect(SHA256.hexadecimalDigest(of: Array(lines.joined(separator: "\n").utf8)) == keys[0])
    let names = try form.members(of: "the form").map(\.name)
    #expect(names == names.sorted())
    #expect(form["model"] == nil && form["batch"] == nil && form["formats"] == nil)
  }

  @Test("maps come in half precision, or not at all, where that is asked for")
  func mapTypes() throws {
    let picture = try Files.read(Self.husky)
    let client = Client(
      ["float32", "float16", "none"].map {
        Self.explain($0, picture, [.init(name: "maps", value: .string($0))])
      })
    try client.talk()
    let (whole, half) = (try client.answer(to: "float32"), try client.answer(to: "float16"))
    #expect(half.payload.count * 2 == whole.payload.count)
    let values = stride(from: 0, to: whole.payload.count, by: 4).map { place in
      Float(
        bitPattern: (0..<4).reduce(0) { $0 | UInt32(whole.payload[place + $1]) << (8 * UInt32($1)) }
      )
    }
    #expect(values.contains { $0 > 0 })
    for (number, value) in values.enumerated() {
      let bits = UInt16(half.payload[2 * number]) | UInt16(half.payload[2 * number + 1]) << 8
      let exponent = Int(bits >> 10 & 31)
      let fraction = Float(bits & 1023) / 1024
      let read =
        exponent == 0
        ? fraction * 0x1p-14
        : (1 + fraction) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
      #expect(abs(read - value) <= max(value / 2048, 0x1p-25))
    }
    let none = try client.answer(to: "none")
    #expect(none.payload.isEmpty && none.header["maps"] == .array([]))
    #expect(none.header["document"]?["explanations"] == whole.header["document"]?["explanations"])
  }

  @Test("what is no frame is told and ends the conversation")
  func broken() throws {
    for bytes in [
      [1, 0, 0, 0, 65], [255, 255, 255, 255], Array(Self.plain("ping", "x").dropLast()),
    ] {
      let client = Client([Self.plain("ping", "1"), bytes.map { UInt8($0) }])
      #expect(throws: FrameError.self) { try client.talk() }
      #expect(client.answers.map { $0.header["kind"]?.string } == ["hello", "pong", "error"])
      #expect(client.answers.last?.header["error"]?.string != nil)
    }
  }

  @Test("no bytes end the process or leave a request without its answer", arguments: 0..<4)
  func mutations(seed: Int) throws {
    let picture = try Self.picture()
    let masks: JSON = [
      "count": .integer(2), "cells": .integer(4), "probability": .number(0.5), "seed": .integer(3),
    ]
    let frames = [
      Self.explain("1", picture, name: "a.png", [.init(name: "maps", value: .string("float16"))]),
      Frame(
        "evaluate",
        [
          .init(name: "id", value: .string("2")), .init(name: "mask", value: .string("blur:3")),
          .init(name: "perturbations", value: ["softMasks": ["masks": masks]]),
        ], payload: picture
      ).bytes,
      Frame(
        "prepare",
        [
          .init(name: "id", value: .string("3")),
          .init(
            name: "request",
            value: ["methods": .array([["name": .string("rise"), "samples": .integer(9)]])]),
        ]
      ).bytes,
      Self.plain("stats", "4"), Self.plain("cancel", "1"), Self.plain("ping", "5"),
    ]
    var random = SeededRandom(seed: UInt64(seed))
    let limits = Limits([.bytes: 1 << 16, .time: 20])
    for _ in 0..<40 {
      // The lengths too, or one of the frames alone.
      var frames = frames
      let place = random.below(frames.count)
      frames[place] = random.changed(frames[place])
      let client = Client(random.below(2) == 0 ? [random.changed(frames.flatMap { $0 })] : frames)
      do { try client.talk(limits: limits) } catch is FrameError {}
      let kinds = client.answers.compactMap { $0.header["kind"]?.string }
      #expect(kinds.count == client.answers.count && kinds.first == "hello")
      #expect(kinds.filter { $0 == "error" }.count <= 1)
    }
  }

  @Test("after the end nothing is read, and what came before is answered")
  func end() throws {
    let client = Client([
      Self.explain("1", try Self.picture()), Self.plain("end"), Self.plain("ping", "late"),
    ])
    try client.talk()
    #expect(client.answers.map { $0.header["kind"]?.string } == ["hello", "result"])
  }

  @Test("a client that is gone ends the conversation")
  func gone() throws {
    struct Gone: Error {}
    let session = WorkerSession(
      try Model(contentsOf: SmallModel.softmax), called: "small",
      source: { _ in Self.plain("ping", "1") }, sink: { _ in throw Gone() })
    #expect(throws: Gone.self) { try session.run() }
  }

  @Test("work for nobody is left behind, also while it is at an input")
  func unread() {
    struct Gone: Error {}
    let leaves = DispatchSemaphore(value: 0)
    defer { leaves.signal() }
    #expect(throws: Gone.self) {
      try Attended.run(Console(output: { _ in }), checking: { throw Gone() }) { leaves.wait() }
    }
  }

  @Test("perturbations as data are evaluated as the library does, for pictures and sounds")
  func evaluations() throws {
    let masks: JSON = [
      "count": .integer(5), "cells": .integer(4), "probability": .number(0.5), "seed": .integer(3),
    ]
    func evaluate(
      _ id: String, _ input: [UInt8], _ perturbations: JSON?, mask: String = "mean"
    ) -> [UInt8] {
      Frame(
        "evaluate",
        [.init(name: "id", value: .string(id)), .init(name: "mask", value: .string(mask))]
          + (perturbations.map { [.init(name: "perturbations", value: $0)] } ?? []),
        payload: input
      ).bytes
    }
    let set: JSON = ["softMasks": ["masks": masks]]
    let endless: JSON = [
      "softMasks": [
        "masks": [
          "count": .integer(.max), "cells": .integer(4), "probability": .number(0.5),
          "seed": .integer(3),
        ]
      ]
    ]
    let outside: JSON = [
      "windows": [
        "hidden": .array([
          [
            "rows": .array([.integer(0), .integer(9999)]),
            "columns": .array([.integer(0), .integer(1)]),
          ]
        ])
      ]
    ]
    for (path, file) in [
      (SmallModel.softmax, Self.husky), (SmallModel.voice, Self.voice),
    ] {
      let input = try Files.read(file)
      let client = Client([
        evaluate("1", input, set), evaluate("mask", input, set, mask: "fog"),
        evaluate("none", input, nil), evaluate("other", input, ["nonsense": [:]]),
        evaluate("endless", input, endless), evaluate("outside", input, outside),
        evaluate("bad", [1, 2, 3], set),
      ])
      try client.talk(path)
      let model = try Model(contentsOf: path)
      var image: ExplainedImage
      if model.card.input.audio == nil {
        image = model.explained(try Image(decoding: input))
      } else {
        let hearing = try model.listen(to: try Sound(decoding: input))
        image = try model.explained(hearing.strongest(for: hearing.prediction.top))
      }
      let logits = try model.logits(
        of: PerturbedImages(
          .softMasks(masks: SoftMasks(count: 5, cells: 4, probability: 0.5, seed: 3)), of: image,
          masker: .mean))
      let (header, payload) = try client.answer(to: "1")
      #expect(header["shape"] == .array(logits.shape.dimensions.map(JSON.integer)))
      var expected: [UInt8] = []
      logits.appendLittleEndian(to: &expected)
      #expect(payload == expected)
      #expect(try JSONSchema(named: "worker.json").problems(of: header, as: "evaluated") == [])
      for (id, words) in [
        ("mask", "fog"), ("none", "perturbations"), ("other", "perturbations"),
        ("endless", "elements"), ("outside", "image"), ("bad", "not a"),
      ] {
        let error = try client.answer(to: id).header["error"]?.string
        #expect(error?.contains(words) == true, "\(id): \(error ?? "")")
      }
    }
  }

  @Test("a result of many windows is longer than a header may be, and is read like others")
  func manyWindows() throws {
    var random = SeededRandom(seed: 3)
    let sound = try Sound(
      rate: 8000, samples: (0..<8000 * 60).map { _ in Float(random.below(2000)) / 4000 - 0.25 })
    let input = try sound.wavData()
    let client = Client([
      Self.explain(
        "1", input, methods: ["gradcam", "hirescam", "xgradcam"].map(JSON.string),
        asking: [
          .init(name: "windows", value: .string("all")),
          .init(name: "targets", value: .string("top2")),
        ]), Self.explain("2", input),
    ])
    try client.talk(SmallModel.voice)
    let (header, payload) = try client.answer(to: "1")
    #expect(header.description.utf8.count > Frame.headerLimit)
    let maps = try #require(header["maps"]?.elements)
    #expect(maps.count == header["document"]?["explanations"]?.elements.count)
    for map in maps { #expect(try part(map, of: payload).count > 1000) }
    #expect(try JSONSchema(named: "worker.json").problems(of: header, as: "result") == [])
    #expect(try client.answer(to: "2").header["kind"] == .string("result"))
  }

  @Test("all frames have the shape that Tools/schema says")
  func schema() throws {
    let schema = try JSONSchema(named: "worker.json")
    let request: JSON = ["methods": .array([.string("gradcam")]), "targets": .string("top2")]
    let client = Client([
      Self.explain("1", try Self.picture(), [.init(name: "pictures", value: .bool(true))]),
      Self.explain("bad", [1]), Self.plain("ping", "p"), Self.plain("stats", "s"), Self.plain("x"),
      Frame(
        "prepare", [.init(name: "id", value: .string("2")), .init(name: "request", value: request)]
      ).bytes,
    ])
    try client.talk()
    let sounds = Client([Self.explain("1", try Files.read(Self.voice))])
    try sounds.talk(SmallModel.voice)
    let answers = client.answers + sounds.answers
    let kinds = Set(answers.compactMap { $0.header["kind"]?.string })
    #expect(kinds == ["hello", "result", "failed", "pong", "stats", "prepared"])
    for (header, _) in answers {
      let kind = try #require(header["kind"]?.string)
      #expect(try schema.problems(of: header, as: kind) == [])
    }
    #expect(try schema.problems(of: request, as: "request") == [])
  }

  @Test("the command says the protocol's version, and needs a model")
  func command() {
    #expect(Outcome("worker", "--protocol").output == "2\n")
    let outcome = Outcome("worker")
    #expect(outcome.status == .wrongUsage && outcome.diagnostics.contains("--model"))
  }
}
