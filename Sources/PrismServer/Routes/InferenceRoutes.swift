internal import HTTPTypes
internal import Hummingbird
internal import Prism
internal import PrismReport

/// The Open Inference Protocol, version 2.
struct InferenceRoutes {
  let platform: Platform

  func add(to router: Router<PrismContext>) {
    router.get("v2") { _, _ in
      Response.json([
        "name": .string("prism"), "version": .string(PrismVersion.current),
        "extensions": .array([.string("binary_tensor_data")]),
      ])
    }
    router.get("v2/models/:name") { _, context in
      let name = try context.parameter("name")
      return Response.json(metadata(name, try platform.shelf.model(name)))
    }
    router.get("v2/models/:name/ready") { _, context in
      let name = try context.parameter("name")
      _ = try platform.shelf.model(name)
      return Response.json(["name": .string(name), "ready": .bool(true)])
    }
    router.post("v2/models/:name/infer", use: infer)
  }

  private func metadata(_ name: String, _ model: Model) -> JSON {
    let image = model.card.input.image
    func tensor(_ name: String, _ shape: [Int]) -> JSON {
      [
        "name": .string(name), "datatype": .string("FP32"),
        "shape": .array(shape.map(JSON.integer)),
      ]
    }
    return [
      "name": .string(name), "versions": .array([]), "platform": .string("prism"),
      "inputs": .array([tensor("input", [-1, image.height, image.width, image.channelCount])]),
      "outputs": .array([
        tensor("logits", [-1, model.labels.count]),
        tensor("probabilities", [-1, model.labels.count]),
      ]),
    ]
  }

  private func infer(_ request: Request, _ context: PrismContext) async throws -> Response {
    let name = try context.parameter("name")
    let header = HTTPField.Name("Inference-Header-Content-Length").flatMap { request.headers[$0] }
    let bytes = try await request.bytes(platform)
    let model = try platform.shelf.model(name)
    let answer = try await platform.answer(context) {
      try Self.answer(try TensorBody(bytes, headerLength: header), name, model)
    }
    platform.metrics.count(evaluations: answer.count)
    return answer.response
  }

  private static func answer(
    _ body: TensorBody, _ name: String, _ model: Model
  ) throws -> InferenceAnswer {
    let image = model.card.input.image
    let input = try body.input(shape: [image.height, image.width, image.channelCount])
    let (id, wanted) = (try body.id(), try body.outputs())
    let logits = try model.logits(input)
    let outputs = try wanted.map { output in
      (output, try values(of: output.name, logits, model))
    }
    return InferenceAnswer(
      model: name, id: id, labels: model.labels.count, count: input.shape[0], outputs: outputs)
  }

  private static func values(of output: String, _ logits: Tensor, _ model: Model) throws -> [Float]
  {
    switch output {
    case "logits": return logits.scalars
    case "probabilities":
      let width = model.labels.count
      return try stride(from: 0, to: logits.count, by: width).flatMap { start in
        try model.prediction(ofLogits: Array(logits.scalars[start..<start + width])).entries.map {
          Float($0.probability)
        }
      }
    default:
      throw Problem(
        .badRequest,
        "the model has no output \(Text.quoted(output)); it has logits and probabilities")
    }
  }
}

/// An output that a client wants.
struct WantedOutput: Sendable {
  let name: String
  /// Whether its numbers are to follow the JSON as bytes.
  let isBinary: Bool
}

/// A request of the protocol: JSON, and of tensors in bytes what follows it.
struct TensorBody {
  let json: JSON
  private let rest: ArraySlice<UInt8>

  /// - Parameters:
  ///   - bytes: The body.
  ///   - headerLength: How many bytes of it are JSON, as the client says; `nil` for all.
  /// - Throws: ``Problem``, `JSONError`.
  init(_ bytes: [UInt8], headerLength: String?) throws {
    guard let headerLength else {
      json = try JSON(utf8: bytes)
      rest = []
      return
    }
    guard let length = Int(headerLength), (0...bytes.count).contains(length) else {
      throw Problem(.badRequest, "Inference-Header-Content-Length is not within the body")
    }
    json = try JSON(utf8: Array(bytes[..<length]))
    rest = bytes[length...]
  }

  /// The one input, as the network takes it.
  ///
  /// - Throws: ``Problem`` for another shape or type.
  func input(shape wanted: [Int]) throws -> Tensor {
    let inputs = json["inputs"]?.elements ?? []
    guard inputs.count == 1, let input = inputs.first else {
      throw Problem(.badRequest, "inputs is no list of one tensor")
    }
    guard input["datatype"]?.string == "FP32" else {
      throw Problem(.badRequest, "the input's datatype is not FP32")
    }
    let shape = (input["shape"]?.elements ?? []).map {
      $0.double.flatMap { Int(exactly: $0) } ?? -1
    }
    guard shape.count == 4, Array(shape.dropFirst()) == wanted, (1...256).contains(shape[0])
    else {
      throw Problem(
        .badRequest,
        "the input's shape is not [N, \(wanted.map(String.init).joined(separator: ", "))] "
          + "with N from 1 to 256")
    }
    let count = shape.reduce(1, *)
    let values = try input["data"].map(Self.numbers) ?? bytes(of: input)
    guard values.count == count else {
      throw Problem(.badRequest, "the input has \(values.count) numbers, not \(count)")
    }
    guard values.allSatisfy(\.isFinite) else {
      throw Problem(.badRequest, "the input has numbers that are not finite")
    }
    return Tensor(Shape(shape), values)
  }

  private func bytes(of input: JSON) throws -> [Float] {
    guard
      let size = input["parameters"]?["binary_data_size"]?.double.flatMap({ Int(exactly: $0) }),
      size == rest.count, size % 4 == 0
    else { throw Problem(.badRequest, "the input has no data") }
    return unsafe rest.withUnsafeBytes { bytes in
      (0..<size / 4).map { place in
        let word = unsafe bytes.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)
        return Float(bitPattern: UInt32(littleEndian: word))
      }
    }
  }

  /// The numbers of nested lists, or of one list.
  private static func numbers(_ json: JSON) throws -> [Float] {
    var numbers: [Float] = []
    func collect(_ value: JSON) throws {
      if case .array(let elements) = value {
        for element in elements { try collect(element) }
      } else if let number = value.double {
        numbers.append(Float(number))
      } else {
        throw Problem(.badRequest, "the data has something that is no number")
      }
    }
    try collect(json)
    return numbers
  }

  /// The client's name for the request, which the answer has too; `nil` where it has none.
  ///
  /// - Throws: ``Problem`` for what is neither a text nor a number.
  func id() throws -> JSON? {
    guard let id = json["id"], id != .null else { return nil }
    guard id.string != nil || id.double != nil else {
      throw Problem(.badRequest, "id is neither a text nor a number")
    }
    return id
  }

  /// The most outputs of one request.
  private static let mostOutputs = 8

  /// The outputs that are wanted; all where none is named.
  func outputs() throws -> [WantedOutput] {
    let isBinary = json["parameters"]?["binary_data_output"] == .bool(true)
    guard let outputs = json["outputs"]?.elements, !outputs.isEmpty else {
      return ["logits", "probabilities"].map { WantedOutput(name: $0, isBinary: isBinary) }
    }
    guard outputs.count <= Self.mostOutputs else {
      throw Problem(.badRequest, "outputs names more than \(Self.mostOutputs) tensors")
    }
    return try outputs.map { output in
      let binary = output["parameters"]?["binary_data"]
      return WantedOutput(
        name: try output.text("name"), isBinary: binary.map { $0 == .bool(true) } ?? isBinary)
    }
  }
}

/// An answer of the protocol.
struct InferenceAnswer {
  let model: String
  let id: JSON?
  let labels: Int
  let count: Int
  let outputs: [(wanted: WantedOutput, values: [Float])]

  /// The answer: JSON, followed by the numbers that are wanted as bytes.
  var response: Response {
    var bytes: [UInt8] = []
    let list = outputs.map { output, values -> JSON in
      var members: [JSON.Member] = [
        .init(name: "name", value: .string(output.name)),
        .init(name: "datatype", value: .string("FP32")),
        .init(name: "shape", value: .array([.integer(count), .integer(labels)])),
      ]
      if output.isBinary {
        for value in values {
          for k in 0..<4 {
            bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(k))))
          }
        }
        members.append(
          .init(name: "parameters", value: ["binary_data_size": .integer(4 * values.count)]))
      } else {
        members.append(.init(name: "data", value: .array(values.map { .number(Double($0)) })))
      }
      return .object(members)
    }
    var json: [JSON.Member] = [
      .init(name: "model_name", value: .string(model)), .init(name: "outputs", value: .array(list)),
    ]
    if let id { json.append(.init(name: "id", value: id)) }
    guard !bytes.isEmpty else { return .json(.object(json)) }
    let head = Array(JSON.object(json).description.utf8)
    var response = Response.bytes(head + bytes, type: "application/octet-stream")
    if let name = HTTPField.Name("Inference-Header-Content-Length") {
      response.headers[name] = "\(head.count)"
    }
    return response
  }
}
