internal import ArgumentParser
internal import Prism
internal import PrismKernels

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// One engine of `Benchmarks/compare.py`, which says what to do in lines of JSON and gets a line
/// for each.
///
/// The workers of the other engines (`Benchmarks/peers/worker.py`) understand the same requests:
///
/// | request | answer | |---|---| | `{"do": "load", "weights": FILE, "threads": 2}` |
/// `{"instruction_set": NAME}` | | `{"do": "inputs", "file": FILE, "shape": [16, 224, 224, 3]}` |
/// `{}`; the file holds the float32 numbers | | `{"do": "logits", "repeat": 3, "output": FILE}` |
/// `{"seconds": […]}`; the logits of the last go to the file | | `{"do": "picture", "file": FILE}`
/// | `{}` | | `{"do": "explain", "method": NAME, "target": 3, "repeat": 3, "output": FILE}` |
/// `{"seconds": […]}` | | `{"do": "map", "method": NAME, "target": 3, "output": FILE}` | the same, of
/// the inputs instead of the picture | | `{"do": "gradient", "layer": NAME, "target": 3, "output":
/// FILE}` | `{"seconds": […]}`; the gradient at a value, the input unless named | | `{"do": "train", "repeat": 3, "output": FILE}` | `{"seconds": […]}` of
/// steps on the inputs; the losses go to the file | | `{"do": "memory"}` | `{"highest": BYTES}` |
///
/// A request that fails is answered by `{"error": TEXT}`.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Take requests from Benchmarks/compare.py.")

  func run() throws {
    var server = Server()
    while let line = readLine() {
      var answer: JSON
      do {
        answer = try server.answer(Request(JSONReader.parse(line)))
      } catch {
        answer = ["error": .string("\(error)")]
      }
      print(answer.description)
      fflush(nil)
    }
  }
}

private struct Request {
  private let members: [String: JSON]

  init(_ json: JSON) throws {
    guard case .object(let members) = json else {
      throw BenchError.badRequest("a request is an object")
    }
    self.members = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
  }

  func text(_ name: String) throws -> String {
    guard case .string(let text) = members[name] else {
      throw BenchError.badRequest("the request needs the text \(name)")
    }
    return text
  }

  func number(_ name: String, otherwise standard: Int? = nil) throws -> Int {
    if case .integer(let number) = members[name], number >= 0 { return number }
    guard members[name] == nil, let standard else {
      throw BenchError.badRequest("the request needs the number \(name)")
    }
    return standard
  }

  func numbers(_ name: String) throws -> [Int] {
    guard case .array(let elements) = members[name] else {
      throw BenchError.badRequest("the request needs the numbers \(name)")
    }
    return try elements.map {
      guard case .integer(let number) = $0, number > 0 else {
        throw BenchError.badRequest("the request needs the numbers \(name)")
      }
      return number
    }
  }

  func optionalText(_ name: String) throws -> String? {
    members[name] == nil ? nil : try text(name)
  }
}

private struct Server {
  private var model: Model?
  private var inputs: Tensor?
  private var image: Image?
  private var path = ""
  private var training: TrainingStep?

  mutating func answer(_ request: Request) throws -> JSON {
    switch try request.text("do") {
    case "load":
      Threads.count = max(1, try request.number("threads"))
      path = try request.text("weights")
      model = try Model(contentsOf: path)
      training = nil
      return ["instruction_set": .string(try InstructionSet.select().get().rawValue)]
    case "inputs":
      inputs = try tensor(request.text("file"), Shape(request.numbers("shape")))
      return [:]
    case "picture":
      image = try Image(contentsOf: request.text("file"))
      return [:]
    case "logits": return try logits(request)
    case "explain": return try explain(request)
    case "map": return try map(request)
    case "gradient": return try gradient(request)
    case "train": return try train(request)
    case "memory": return ["highest": .integer(Memory.highest)]
    case let other: throw BenchError.badRequest("there is no request called \(other)")
    }
  }

  private func logits(_ request: Request) throws -> JSON {
    guard let model, let inputs else {
      throw BenchError.badRequest("a model and inputs come first")
    }
    return try repeated(request) { try model.logits(inputs) }
  }

  /// Explains the picture, from its pixels to the map.
  private func explain(_ request: Request) throws -> JSON {
    guard let model, let image else {
      throw BenchError.badRequest("a model and a picture come first")
    }
    let explainer = try Explanations.named(request.text("method"))
    let entries = try model.predict(image).entries
    let index = try request.number("target")
    guard index < entries.count else { throw BenchError.badRequest("there is no label \(index)") }
    var turns = Turns(image)
    // The last call explains the picture itself.
    if try request.number("repeat", otherwise: 1) % 2 == 1 {
      _ = try model.predict(turns.next())
    }
    return try repeated(request) {
      try model.explain(turns.next(), with: explainer, target: entries[index]).values
    }
  }

  /// Explains the inputs, of which there is one.
  private func map(_ request: Request) throws -> JSON {
    let (model, inputs, index) = try target(request)
    let explainer = try Explanations.named(request.text("method"))
    var image = ExplainedImage(inputs)
    let entry = try model.predict(&image).entries[index]
    return try repeated(request) {
      try model.explain(image, with: explainer, targets: [entry])[0].values
    }
  }

  /// The gradient of a label's logit for the inputs, of which there is one.
  private func gradient(_ request: Request) throws -> JSON {
    let (model, inputs, index) = try target(request)
    let layer = try request.optionalText("layer") ?? "input"
    return try repeated(request) {
      try model.gradient(of: model.labels[index], at: layer, for: inputs).gradient
    }
  }

  private func target(_ request: Request) throws -> (Model, Tensor, Int) {
    guard let model, let inputs else {
      throw BenchError.badRequest("a model and inputs come first")
    }
    let index = try request.number("target")
    guard index < model.labels.count else {
      throw BenchError.badRequest("there is no label \(index)")
    }
    return (model, inputs, index)
  }

  /// Makes steps of training on the inputs, one after the other.
  private mutating func train(_ request: Request) throws -> JSON {
    guard let inputs else { throw BenchError.badRequest("a model and inputs come first") }
    let training = try self.training ?? TrainingStep(path, inputs: inputs)
    self.training = training
    var losses: [Float] = []
    let answer = try repeated(request) {
      losses.append(Float(try training.run()))
      return Tensor([losses.count], losses)
    }
    return answer
  }

  private func repeated(_ request: Request, _ body: () throws -> Tensor) throws -> JSON {
    var result: Tensor?
    let seconds = try (0..<max(1, request.number("repeat", otherwise: 1))).map { _ in
      JSON.number(try time { result = try body() })
    }
    if let path = try request.optionalText("output"), let result {
      let bytes = result.scalars.flatMap { number in
        withUnsafeBytes(of: number.bitPattern.littleEndian, Array.init)
      }
      try AtomicFile.write(bytes, to: path)
    }
    return ["seconds": .array(seconds)]
  }

  private func tensor(_ path: String, _ shape: Shape) throws -> Tensor {
    let bytes = try Files.read(path)
    guard shape.isValid, bytes.count == 4 * shape.count else {
      throw BenchError.badRequest("\(path) does not hold the numbers of a tensor \(shape)")
    }
    return bytes.withUnsafeBytes { bytes in
      Tensor(uninitialized: shape) { target in
        for i in 0..<shape.count {
          let bits = bytes.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)
          target[i] = Float(bitPattern: UInt32(littleEndian: bits))
        }
      }
    }
  }
}
