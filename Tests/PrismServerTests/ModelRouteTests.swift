import HTTPTypes
import Prism
import PrismReport
import PrismSmallModels
import Testing

@testable import PrismServer

@Suite("models over HTTP")
struct ModelRouteTests {
  private static func classification() throws -> Prediction {
    try Model(contentsOf: SmallModel.softmax).predict(Image(decoding: Sample.husky, name: "husky"))
  }

  @Test("the report's list names models, kinds, labels and methods with obstacles")
  func list() async throws {
    let server = try TestServer()
    let answer = try await server(.get, "/v1/classification_models/model_list/")
    let models = answer.json["models"]?.elements ?? []
    // The folder of the repository may have models that were fetched.
    let own = models.filter { $0["name"]?.string != "dogs" }
    #expect(
      own.compactMap { $0["name"]?.string } == [
        "binary", "centre", "scenes", "sigmoid", "softmax", "voice",
      ])
    #expect(
      own.map { $0["type"]?.string } == ["image", "image", "image", "image", "image", "audio"])
    #expect(models[0]["labels"]?.elements.count == 2)
    let methods = models[0]["methods"]?.elements ?? []
    #expect(methods.count == ExplanationMethod.allCases.count)
    #expect(methods.allSatisfy { $0["obstacle"] != nil && $0["choices"] != nil })
  }

  @Test("the report's prediction has the numbers of the library and a figure a method")
  func predict() async throws {
    let server = try TestServer()
    let answer = try await server.post(
      "/v1/classification_models/predict/",
      [
        "model": .string("softmax"), "file_type": .string("image"),
        "xai_methods": .array([.string("gradcam"), .string("Score-CAM")]),
        "file_b64": .string(Base64.encode(Sample.husky)),
      ])
    #expect(answer.status == .ok, "\(answer.text)")
    let expected = try Self.classification()
    let predictions = answer.json["predictions"]?.elements ?? []
    #expect(predictions.map { $0["logit"]?.double } == expected.ranked.map(\.logit))
    #expect(predictions.map { $0["label"]?.string } == expected.ranked.map(\.label))
    for method in ["gradcam", "scorecam"] {
      let explanation = answer.json["explanations"]?[method]
      let picture = try Image(
        decoding: Base64.decode(explanation?["image_b64"]?.string ?? "") ?? [], name: method)
      #expect(picture.width > 100)
      #expect(explanation?["document"]?["method"] == .string(method))
    }
  }

  @Test("models stay open with what they hold ready while there is room, the last one always")
  func shelf() async throws {
    _ = SmallModel.all
    let catalogue = ModelCatalogue(
      explicit: SmallModel.folder, environment: [:], executable: nil)
    let picture = try Image(decoding: Sample.husky, name: "husky")
    let wide = ModelShelf(catalogue, room: 1 << 40)
    for name in ["softmax", "sigmoid", "binary"] {
      _ = try await wide.model(name).predict(picture)
    }
    #expect(wide.open.map(\.name) == ["binary", "sigmoid", "softmax"])
    let each = try #require(wide.open.map(\.bytes).max())
    #expect(wide.open.allSatisfy { $0.bytes > 0 })

    // There is room for two: the third shows when it is asked for again.
    let narrow = ModelShelf(catalogue, room: 2 * each + each / 2)
    for name in ["softmax", "sigmoid", "binary", "binary"] {
      _ = try await narrow.model(name).predict(picture)
    }
    #expect(narrow.open.map(\.name) == ["binary", "sigmoid"])
    let none = ModelShelf(catalogue, room: 0)
    for name in ["softmax", "softmax"] { _ = try await none.model(name).predict(picture) }
    #expect(none.open.map(\.name) == ["softmax"])

    let server = try TestServer()
    _ = try await server.service.platform.shelf.model("softmax").predict(picture)
    let text = try await server(.get, "/metrics").text
    #expect(text.contains(#"prism_model_warm_bytes{model="softmax"} "#))
  }

  @Test("without methods only the prediction is given; sounds are heard")
  func sound() async throws {
    let server = try TestServer()
    let answer = try await server.post(
      "/v1/classification_models/predict",
      ["model": .string("voice"), "file_b64": .string(Base64.encode(Sample.voice))])
    #expect(answer.status == .ok, "\(answer.text)")
    #expect(answer.json["predictions"]?.elements.count == 2)
    #expect(answer.json["file_type"] == .string("audio"))
    #expect(answer.json["explanations"] == .object([]))
  }

  @Test("KServe V1 predicts files and pixels alike, and explains")
  func kserve() async throws {
    let server = try TestServer()
    let names = try await server(.get, "/v1/models").json["models"]?.elements.map(\.string)
    #expect(names?.filter { $0 != "dogs" }.count == 6)
    #expect(try await server(.get, "/v1/models/softmax").json["ready"] == .bool(true))
    let image = try Image(decoding: Sample.husky, name: "husky")
    let rows = (0..<image.height).map { y in
      JSON.array(
        (0..<image.width).map { x in
          .array((0..<3).map { .integer(Int(image.pixels[3 * (y * image.width + x) + $0])) })
        })
    }
    let answer = try await server.post(
      "/v1/models/softmax:predict",
      ["instances": .array([["b64": .string(Base64.encode(Sample.husky))], .array(rows)])])
    let predictions = answer.json["predictions"]?.elements ?? []
    #expect(predictions.count == 2 && predictions.first == predictions.last, "\(answer.status)")
    let expected = try Self.classification()
    #expect(
      predictions.first?["probabilities"]?.elements.map(\.double)
        == expected.entries.map(\.probability))
    let explained = try await server.post(
      "/v1/models/softmax:explain",
      [
        "instances": .array([["b64": .string(Base64.encode(Sample.husky))]]),
        "parameters": ["method": .string("gradcam"), "targets": .string("1")],
      ])
    let map = explained.json["explanations"]?.elements.first?["explanations"]?["gradcam"]
    #expect(map?["document"]?["target"]?["index"] == .integer(1), "\(explained.text.prefix(300))")
  }

  @Test("a picture that is painted on has the numbers of a whole one, with less arithmetic")
  func painting() async throws {
    let server = try TestServer()
    let platform = server.service.platform
    var image = try Image(decoding: Sample.husky, name: "husky")
    func predicted(_ parameters: JSON) async throws -> JSON? {
      let answer = try await server.post(
        "/v1/models/softmax:predict",
        [
          "instances": .array([["b64": .string(Base64.encode(try image.pngData()))]]),
          "parameters": parameters,
        ])
      #expect(answer.status == .ok, "\(answer.text)")
      return answer.json["predictions"]?.elements.first
    }
    #expect(platform.painted.byteCount == 0)
    var last: JSON?
    for number in 0..<4 {
      var pixels = image.pixels
      for y in 20..<30 {
        for x in 10 * number..<10 * number + 10 { pixels[3 * (y * image.width + x)] ^= 255 }
      }
      image = try Image(width: image.width, height: image.height, pixels: pixels)
      let painted = try await predicted(["sequence": .string("a painting")])
      #expect(try await painted == predicted([:]))
      #expect(painted != nil && painted != last)
      last = painted
    }
    #expect(platform.painted.byteCount > 0)
    let sequence = try platform.painted.sequence(
      "a painting", of: platform.shelf.model("softmax"), called: "softmax")
    #expect(sequence.share < 1)
    let text = try await server(.get, "/metrics").text
    #expect(text.contains("prism_painted_bytes \(platform.painted.byteCount)\n"))
    for name in [JSON.string(""), .integer(1), .string(String(repeating: "a", count: 65))] {
      let answer = try await server.post(
        "/v1/models/softmax:predict",
        [
          "instances": .array([["b64": .string(Base64.encode(Sample.husky))]]),
          "parameters": ["sequence": name],
        ])
      #expect(answer.status == .unprocessableContent)
      #expect(answer.text.contains("parameters.sequence"))
    }
    let others: [JSON] = [
      ["sequense": .string("a painting")], .string("a painting"), .array([]),
    ]
    for parameters in others {
      let answer = try await server.post(
        "/v1/models/softmax:predict",
        [
          "instances": .array([["b64": .string(Base64.encode(Sample.husky))]]),
          "parameters": parameters,
        ])
      #expect(answer.status == .unprocessableContent)
      #expect(answer.text.contains("parameters"))
    }
  }

  @Test("of paintings those that were used last are held, and a model's new file begins anew")
  func paintings() throws {
    _ = SmallModel.all
    let model = try Model(contentsOf: SmallModel.softmax)
    let painted = PaintedPictures(room: 64 << 20, patience: 3600)
    let first = try painted.sequence("0", of: model, called: "softmax")
    #expect(try painted.sequence("0", of: model, called: "softmax") === first)
    let other = try Model(contentsOf: SmallModel.softmax)
    let renewed = try painted.sequence("0", of: other, called: "softmax")
    #expect(renewed !== first && renewed.asks(other))
    for name in 1...4 { _ = try painted.sequence("\(name)", of: other, called: "softmax") }
    #expect(painted.byteCount > renewed.byteCount && renewed.byteCount > 0)
    #expect(try painted.sequence("0", of: other, called: "softmax") !== renewed)
    // Where there is no room pictures are computed whole.
    let none = try PaintedPictures(room: 0, patience: 3600)
      .sequence("0", of: model, called: "softmax")
    #expect(none.byteCount == 0)
    let picture = try Image(decoding: Sample.husky, name: "husky")
    #expect(try none.predict(picture).entries == model.predict(picture).entries)

    let shelf = RecentShelf<Int>(room: 10) { $0 }
    for size in [4, 5, 6] { _ = shelf.value("\(size)") { size } }
    #expect(shelf.byteCount == 6)
    #expect(shelf.value("6") { 1 } == 6)
    #expect(shelf.putAway(unusedFor: .seconds(60)))
    #expect(!shelf.putAway(unusedFor: .zero) && shelf.byteCount == 0)
  }

  @Test("V2 infers the bits of a classification, as JSON and as bytes")
  func infer() async throws {
    let server = try TestServer()
    #expect(try await server(.get, "/v2/health/live").status == .ok)
    #expect(try await server(.get, "/v2/health/ready").json["ready"] == .bool(true))
    #expect(try await server(.get, "/v2").json["name"] == .string("prism"))
    #expect(try await server(.get, "/v2/models/softmax/ready").json["ready"] == .bool(true))
    let metadata = try await server(.get, "/v2/models/softmax").json
    let model = try Model(contentsOf: SmallModel.softmax)
    let input = model.input(for: try Image(decoding: Sample.husky, name: "husky"))
    let shape = JSON.array((0..<4).map { .integer(input.shape[$0]) })
    #expect(metadata["inputs"]?.elements.first?["datatype"] == .string("FP32"))
    let expected = try Self.classification().entries

    let plain = try await server.post(
      "/v2/models/softmax/infer",
      [
        "id": .string("7"),
        "inputs": .array([
          [
            "name": .string("input"), "datatype": .string("FP32"), "shape": shape,
            "data": .array(input.scalars.map { .number(Double($0)) }),
          ]
        ]),
      ])
    #expect(plain.status == .ok && plain.json["id"] == .string("7"), "\(plain.text.prefix(200))")
    let outputs = plain.json["outputs"]?.elements ?? []
    #expect(outputs.first?["data"]?.elements.map(\.double) == expected.map(\.logit))

    let head = Array(
      JSON.object([
        .init(
          name: "inputs",
          value: .array([
            [
              "name": .string("input"), "datatype": .string("FP32"), "shape": shape,
              "parameters": ["binary_data_size": .integer(4 * input.count)],
            ]
          ])),
        .init(
          name: "outputs",
          value: .array([
            ["name": .string("logits"), "parameters": ["binary_data": .bool(true)]]
          ])),
      ]).description.utf8)
    let bytes = input.scalars.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
    }
    let binary = try await server(
      .post, "/v2/models/softmax/infer", head + bytes,
      headers: [("Inference-Header-Content-Length", "\(head.count)")])
    let values = binary.body.suffix(4 * expected.count)
    let logits = stride(from: values.startIndex, to: values.endIndex, by: 4).map { place in
      Double(
        Float(
          bitPattern: (0..<4).reduce(UInt32(0)) {
            $0 | UInt32(values[place + $1]) << (8 * UInt32($1))
          }
        ))
    }
    #expect(logits == expected.map(\.logit))
  }

  @Test(
    "what is wrong is said in one line, as RFC 9457 has it",
    arguments: [
      ("/v1/models/nothing:predict", #"{"instances": [{"b64": ""}]}"#, 404),
      ("/v1/models/softmax:predict", #"{"instances": []}"#, 422),
      ("/v1/models/softmax:predict", #"{"instances": [{"b64": "abc"}]}"#, 422),
      ("/v1/models/softmax:predict", #"{"instances": [{"b64": "AAAA"}]}"#, 422),
      ("/v1/models/softmax:predict", #"{"instances": [[[[1, 2, 256]]]]}"#, 422),
      ("/v1/models/softmax:predict", "{", 400),
      ("/v1/models/softmax:fly", "{}", 404),
      ("/v1/models/softmax:explain", #"{"instances": [[[[1,2,3]]]], "parameters": []}"#, 422),
      (
        "/v1/models/softmax:explain",
        #"{"instances": [[[[1,2,3]]]], "parameters": {"method": "magic"}}"#, 422
      ),
      (
        "/v1/models/softmax:explain",
        #"{"instances": [[[[1,2,3]]]], "parameters": {"truth": "/etc/passwd"}}"#, 422
      ),
      ("/v2/models/softmax/infer", #"{"inputs": []}"#, 400),
      (
        "/v2/models/softmax/infer",
        #"{"inputs": [{"datatype": "FP32", "shape": [1, 2, 2, 3], "data": [0]}]}"#, 400
      ),
      ("/v2/models/..%2Fsoftmax/infer", "{}", 404),
      ("/v1/classification_models/predict", #"{"model": "softmax"}"#, 422),
      (
        "/v1/classification_models/predict",
        #"{"model": "softmax", "file_type": "audio", "file_b64": ""}"#, 422
      ),
      ("/v1/nowhere", "{}", 404),
    ])
  func problems(path: String, body: String, status: Int) async throws {
    let server = try TestServer()
    let answer = try await server(.post, path, Array(body.utf8))
    #expect(answer.status.code == status, "\(answer.text)")
    #expect(answer.headers[.contentType] == "application/problem+json")
    #expect(answer.json["error"]?.string?.contains("\n") == false)
    #expect(answer.json["status"] == .integer(status))
  }

  @Test("V2 gives a request's name back as it was given, and no output is dropped")
  func names() async throws {
    let server = try TestServer()
    let input = try Model(contentsOf: SmallModel.softmax).card.input.image
    let shape = [1, input.height, input.width, input.channelCount]
    func infer(_ id: JSON, outputs: Int) async throws -> TestServer.Answer {
      try await server.post(
        "/v2/models/softmax/infer",
        [
          "id": id,
          "inputs": .array([
            [
              "name": .string("input"), "datatype": .string("FP32"),
              "shape": .array(shape.map(JSON.integer)),
              "data": .array(
                Array(repeating: .array([.integer(0)]), count: shape.reduce(1, *))),
            ]
          ]),
          "outputs": .array(Array(repeating: ["name": .string("logits")], count: outputs)),
        ])
    }
    for id: JSON in [.string("7"), .integer(7)] {
      let answer = try await infer(id, outputs: 8)
      #expect(answer.json["id"] == id && answer.json["outputs"]?.elements.count == 8)
    }
    #expect(try await infer(.null, outputs: 1).json["id"] == nil)
    #expect(try await infer(.bool(true), outputs: 1).status == .badRequest)
    #expect(try await infer(.integer(1), outputs: 9).status == .badRequest)
  }

  @Test(
    "errors speak the words of the interface",
    arguments: [
      (#"{"methods": [{"name": "lime", "mask": "tea"}]}"#, "mask tea is not known"),
      (#"{"methods": [{"name": "lime", "segments": "tea"}]}"#, "segments tea is not known"),
      (#"{"methods": [{"name": "lime", "samples": 0}]}"#, "samples of lime"),
      (#"{"windows": "top2"}"#, "windows is for models that listen"),
      (#"{"targets": "zzzzzzzz"}"#, "GET /v1/models/NAME lists the labels"),
      (#"{"targets": "above-threshold"}"#, "use targets top3"),
      (#"{"pictures": {"frame": 0}}"#, "pictures.frame 0"),
      (#"{"pictures": {"range": "full", "window": "1:2"}}"#, "pictures.window"),
      (#"{"sound": {"allowsDamage": true}}"#, "sound.allowsDamage is for"),
      (#"{"seed": -1}"#, "seed is no whole number from 0"),
      (#"{"seed": 1.5}"#, "seed is no whole number from 0"),
      (#"{"methods": [{"name": "gradcam", "layer": "feature.0"}]}"#, "did you mean"),
      (#"{"methods": [{"name": "gradcam", "layer": "qqqqqqqqqqqqqq"}]}"#, "leave it out"),
    ])
  func words(members: String, line: String) async throws {
    let server = try TestServer()
    var request = #"{"model": "softmax", "# + members.dropFirst()
    if !request.contains("methods") { request = request.dropLast() + #", "methods": ["gradcam"]}"# }
    let file = Base64.encode(Sample.husky)
    let answer = try await server(
      .post, "/v1/analyses", Array(#"{"file_b64": "\#(file)", "request": \#(request)}"#.utf8),
      headers: [("Content-Type", "application/json")])
    #expect(answer.status == .unprocessableContent)
    let detail = answer.json["detail"]?.string ?? ""
    #expect(detail.contains(line) && !detail.contains("--") && !detail.contains("`"), "\(detail)")
    #expect(server.service.platform.store.blobs.digests.isEmpty)
  }

  @Test("pictures as lists take the memory that their pixels need")
  func pixels() async throws {
    let server = try TestServer { $0.limits[.pixels] = 12 }
    let pixel = "[0,0,0]"
    func ask(_ verb: String, _ rows: [String]) async throws -> TestServer.Answer {
      let body = #"{"instances": [[\#(rows.joined(separator: ","))]]}"#
      return try await server(.post, "/v1/models/softmax:\(verb)", Array(body.utf8))
    }
    let row = "[" + Array(repeating: pixel, count: 300_000).joined(separator: ",") + "]"
    for verb in ["predict", "explain"] {
      // A first row times the number of rows would be 270 GB.
      let ragged = try await ask(verb, [row] + Array(repeating: "0", count: 300_000))
      #expect(ragged.status == .unprocessableContent)
      let wide = try await ask(verb, [row])
      #expect(wide.status == .contentTooLarge && wide.text.contains("pixels"), "\(wide.text)")
    }
    let small = Array(repeating: "[\(pixel),\(pixel),\(pixel)]", count: 4)
    #expect(try await ask("predict", small).status == .ok)
  }

  @Test("requests may not name files of the server")
  func files() async throws {
    let server = try TestServer()
    for method: JSON in [
      ["name": .string("lime"), "segments": .string("/etc/labels.npy")],
      ["name": .string("lime"), "segments": .string("labels.PNG")],
      ["name": .string("lime"), "mask": .string("a/b")],
    ] {
      let answer = try await server.post(
        "/v1/models/softmax:explain",
        [
          "instances": .array([["b64": .string(Base64.encode(Sample.husky))]]),
          "parameters": ["methods": .array([method])],
        ])
      #expect(answer.status.code == 422 && answer.text.contains("names a file"))
    }
  }
}
