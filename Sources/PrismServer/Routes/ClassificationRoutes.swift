internal import Hummingbird
internal import Prism
internal import PrismReport

/// The two routes of the report from which Prism grew.
struct ClassificationRoutes {
  let platform: Platform

  func add(to router: Router<PrismContext>) {
    router.get("v1/classification_models/model_list") { _, _ in
      let models = platform.shelf.entries.compactMap { entry -> JSON? in
        guard let model = try? platform.shelf.model(entry.name) else { return nil }
        return ModelText.json(entry.name, model)
      }
      return Response.json(["models": .array(models)])
    }
    router.post("v1/classification_models/predict") { request, context in
      let body = try await request.json(platform, context)
      return try await predict(body, context)
    }
  }

  private func predict(_ body: JSON, _ context: PrismContext) async throws -> Response {
    let name = try body.text("model")
    let model = try platform.shelf.model(name)
    let kind = ModelText.kind(of: model)
    let given = body["file_type"]?.string ?? kind
    guard given == "image" || given == "audio" else {
      throw Problem(.unprocessableContent, "file_type is neither image nor audio")
    }
    guard given == kind else {
      throw Problem(.unprocessableContent, "the model \(name) takes \(kind) files, not \(given)")
    }
    let input = ReportInput(try body.base64("file_b64"), name: "file")
    let methods = body["xai_methods"] ?? .array([])
    guard !methods.elements.isEmpty else {
      let found = try await platform.answer(context) { try Classification(of: input, by: model) }
      platform.metrics.count(evaluations: 1)
      return .json(answer(name, kind, found.prediction.ranked.map(ModelText.json), []))
    }
    let request = try RequestReader(platform).request(
      model: name, methods: methods, members: [])
    let results = try await Explaining(platform).explain(input, request, model, context)
    let explanations = try Explaining.maps(of: results).map {
      JSON.Member(name: $0.method, value: $0.json)
    }
    return .json(
      answer(
        name, kind, results.document["predictions"]?.elements ?? [], explanations,
        results.failures))
  }

  private func answer(
    _ model: String, _ kind: String, _ predictions: [JSON], _ explanations: [JSON.Member],
    _ failures: [MethodFailure] = []
  ) -> JSON {
    var members: [JSON.Member] = [
      .init(name: "model", value: .string(model)), .init(name: "file_type", value: .string(kind)),
      .init(name: "predictions", value: .array(predictions)),
      .init(name: "explanations", value: .object(explanations)),
    ]
    if !failures.isEmpty {
      members.append(
        .init(
          name: "failures",
          value: .array(
            failures.map {
              ["method": .string($0.method), "reason": .string(InterfaceWords.line($0.reason))]
            })))
    }
    return .object(members)
  }
}
