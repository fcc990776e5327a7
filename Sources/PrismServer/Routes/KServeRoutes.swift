internal import Hummingbird
internal import Prism
internal import PrismReport

/// KServe's protocol, version 1.
struct KServeRoutes {
  let platform: Platform
  /// The most inputs of one request.
  private static let mostInstances = 64

  func add(to router: Router<PrismContext>) {
    router.get("v1/models") { _, _ in
      Response.json(["models": .array(platform.shelf.entries.map { .string($0.name) })])
    }
    router.get("v1/methods") { _, _ in Response.json(["methods": ModelText.methods(of: nil)]) }
    router.get("v1/models/:name") { _, context in
      let name = try context.parameter("name")
      let json = ModelText.json(name, try platform.shelf.model(name))
      guard case .object(let members) = json else { return Response.json(json) }
      return Response.json(.object([.init(name: "ready", value: .bool(true))] + members))
    }
    router.post("v1/models/:name") { request, context in
      let parts = try context.parameter("name").split(
        separator: ":", omittingEmptySubsequences: false)
      let body = try await request.json(platform, context)
      guard parts.count == 2 else { throw Problem(.notFound, "write NAME:predict or NAME:explain") }
      switch parts[1] {
      case "predict": return try await predict(String(parts[0]), body, context)
      case "explain": return try await explain(String(parts[0]), body, context)
      default:
        throw Problem(
          .notFound, "a model can predict and explain, not \(Text.quoted(String(parts[1])))")
      }
    }
  }

  private func predict(
    _ name: String, _ body: JSON, _ context: PrismContext
  ) async throws -> Response {
    let model = try platform.shelf.model(name)
    let instances = try instances(body)
    let named = try Self.sequence(body)
    // Of a sound all windows are heard anew.
    let sequence = model.card.input.audio == nil ? named : nil
    let painted = platform.painted
    let predictions = try await platform.answer(context) {
      let predicting =
        try sequence.map { try painted.sequence($0, of: model, called: name).predict }
        ?? model.predict
      return try instances.map { instance in
        try Task.checkCancellation()
        return Self.json(try Self.prediction(of: instance, by: model, predicting))
      }
    }
    platform.metrics.count(evaluations: predictions.count)
    return .json(["predictions": .array(predictions)])
  }

  /// What the client calls the sequence that its pictures belong to; `nil` where they belong to
  /// none.
  ///
  /// - Throws: ``Problem`` for what is no name, and for other parameters; `RequestError` for parameters
  ///   that are no object.
  private static func sequence(_ body: JSON) throws -> String? {
    guard let members = try body["parameters"]?.members(of: "parameters") else { return nil }
    if let other = members.first(where: { $0.name != "sequence" }) {
      throw Problem(
        .unprocessableContent,
        "parameters has a member \(Text.quoted(other.name)) that is not known; there is sequence")
    }
    guard let name = members.last?.value else { return nil }
    guard let text = name.string, (1...64).contains(text.utf8.count) else {
      throw Problem(
        .unprocessableContent, "parameters.sequence is no text of 1 to 64 bytes")
    }
    return text
  }

  private static func prediction(
    of instance: JSON, by model: Model, _ predict: (Image) throws -> Prediction
  ) throws -> Prediction {
    if instance["b64"] != nil {
      let input = ReportInput(try instance.base64("b64"), name: "the instance")
      guard model.card.input.audio == nil else {
        return try Classification(of: input, by: model).prediction
      }
      return try predict(try input.picture(PictureReading()))
    }
    guard model.card.input.audio == nil else {
      throw Problem(.unprocessableContent, "an instance of a model that listens is a file in b64")
    }
    return try predict(try PixelArray.image(instance, limits: .current))
  }

  private static func json(_ prediction: Prediction) -> JSON {
    let top = prediction.top
    return [
      "label": .string(top.label), "index": .integer(top.index),
      "probability": .number(top.probability),
      "labels": .array(prediction.entries.map { .string($0.label) }),
      "probabilities": .array(prediction.entries.map { .number($0.probability) }),
      "logits": .array(prediction.entries.map { .number($0.logit) }),
    ]
  }

  private func explain(
    _ name: String, _ body: JSON, _ context: PrismContext
  ) async throws -> Response {
    let model = try platform.shelf.model(name)
    let parameters = body["parameters"] ?? .object([])
    let members = try parameters.members(of: "parameters").filter {
      $0.name != "method" && $0.name != "methods"
    }
    let methods =
      parameters["methods"] ?? .array([parameters["method"] ?? .string("gradcam")])
    let request = try RequestReader(platform).request(
      model: name, methods: methods, members: members)
    try Explaining.checkObstacles(request, model)
    var explanations: [JSON] = []
    for instance in try instances(body) {
      let bytes =
        try instance["b64"] != nil
        ? instance.base64("b64")
        : await platform.answer(context) {
          try PixelArray.image(instance, limits: .current).pngData()
        }
      let results = try await Explaining(platform).explain(
        ReportInput(bytes, name: "the instance"), request, model, context)
      let maps = try Explaining.maps(of: results).map {
        JSON.Member(name: $0.method, value: $0.json)
      }
      explanations.append([
        "predictions": results.document["predictions"] ?? .array([]),
        "explanations": .object(maps),
      ])
    }
    return .json(["explanations": .array(explanations)])
  }

  private func instances(_ body: JSON) throws -> [JSON] {
    let instances = body["instances"]?.elements ?? []
    guard (1...Self.mostInstances).contains(instances.count) else {
      throw Problem(
        .unprocessableContent, "instances is no list of 1 to \(Self.mostInstances) inputs")
    }
    return instances
  }
}

/// A picture as nested lists of levels from 0 to 255, `[H][W][3]`.
enum PixelArray {
  /// - Throws: ``Problem`` for what is none; `LimitError` for too many pixels.
  static func image(_ json: JSON, limits: Limits) throws -> Image {
    let wrong = Problem(
      .unprocessableContent,
      "an instance is {\"b64\": …} or a picture [height][width][3] of whole numbers from 0 to 255")
    let rows = json.elements
    guard let width = rows.first?.elements.count, width > 0,
      rows.allSatisfy({ $0.elements.count == width })
    else { throw wrong }
    // Every pixel is in the body, so that there are not more of them than bytes.
    try limits.check(rows.count * width, .pixels, of: "the instance")
    var pixels: [UInt8] = []
    pixels.reserveCapacity(rows.count * width * 3)
    for row in rows {
      for pixel in row.elements {
        guard pixel.elements.count == 3 else { throw wrong }
        for level in pixel.elements {
          guard let value = level.double.flatMap({ UInt8(exactly: $0) }) else { throw wrong }
          pixels.append(value)
        }
      }
    }
    return try Image(width: width, height: rows.count, pixels: pixels)
  }
}
