import PrismAutodiff
import PrismCard
import PrismFiles
import PrismLayers
import PrismModels
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import PrismWeights
import Testing

@Suite("graph cards")
struct GraphTests {
  @Test(
    "every primitive is the same after it was written as JSON and read",
    arguments: OperationCase.all)
  func roundTrip(_ operation: OperationCase) throws {
    let coding = try #require(PrimitiveCoding.encode(operation.primitive), "\(operation)")
    let text = JSON.object(coding.attributes).description
    guard case .object(let members) = try JSONReader.parse(text) else {
      Issue.record("no object: \(text)")
      return
    }
    let read = try PrimitiveCoding.decode(coding.name, members)
    #expect(type(of: read) == type(of: operation.primitive))
    #expect("\(read)" == "\(operation.primitive)")
  }

  @Test("names of primitives are different, and each has an operation")
  func names() {
    let names = PrimitiveCoding.all.map(\.name)
    #expect(Set(names).count == names.count)
    let written = OperationCase.all.compactMap { PrimitiveCoding.encode($0.primitive)?.name }
    #expect(Set(written) == Set(names))
  }

  @Test(
    "the architectures of the zoo, replayed from cards, give the same bits and names",
    arguments: BaseCase.all)
  func replay(_ base: BaseCase) throws {
    var tensors: [String: Tensor] = [:]
    let network = try WeightReader.bind(making: { name, shape in
      let tensor = GeneratedWeights.tensor(name, shape)
      tensors[name] = tensor
      return tensor
    }) { try Network(base.card(), $0) }
    let written = try GraphRecording(network.recordBase())
    var card = base.card()
    card.architecture = .graph
    card.config = .init(epsilon: nil, padding: .symmetric)
    card.graph = written.graph
    card.layers.aliases = written.aliases
    let read = try ModelCard(json: card.json, file: "test")
    #expect(read == card)
    let replayed = try WeightReader.bind(tensors) { try Network(read, $0) }
    let (expected, actual) = (try network.record(), try replayed.record())
    let input = GeneratedWeights.tensor("input", network.inputShape)
    func logits(_ recording: Recording) throws -> Tensor? {
      let output = recording.outputs[0]
      return try recording.evaluate([output], given: [recording.inputs[0]: input])[output]
    }
    #expect(try logits(actual) == logits(expected))
    #expect(replayed.featureShape == base.features)
    let named = Set(actual.names.map(\.name)).union(written.aliases.keys)
    #expect(Set(expected.names.map(\.name)).isSubset(of: named))
    // Any batch, for training.
    let batch = try replayed.record(batch: 3)
    #expect(batch[batch.outputs[0]].shape == [3, 2])
  }

  // MARK: - What is refused

  /// A card of one convolution and a head.
  private static let good = """
    {"format": 1, "name": "g", "architecture": "graph", "graph": {"nodes": [
    {"name": "c", "primitive": "convolution", "inputs": ["input", "w"],
     "attributes": {"kernel": [3, 3], "padding": [1, 1, 1, 1]}},
    {"name": "r", "primitive": "relu", "inputs": ["c"]}], "output": "r"},
    "head": [{"kind": "global_average_pool"}, {"kind": "dense", "name": "fc", "units": 2}],
    "output": "softmax", "labels": ["a", "b"],
    "input": {"kind": "image", "height": 8, "width": 9, "resize": "bilinear", "channels": "rgb",
     "scale": 1, "mean": [0, 0, 0], "std": [1, 1, 1]}, "layers": {"default": "r"}}
    """

  private static let tensors = [
    "w": Tensor([4, 3, 3, 3], repeating: 0.5), "fc.weight": Tensor([2, 4], repeating: 0.25),
    "fc.bias": Tensor([2]),
  ]

  private static func open(_ json: String) throws -> Network {
    let card = try ModelCard(json: json, file: "g")
    return try WeightReader.bind(tensors) { try Network(card, $0) }
  }

  @Test("the good card opens")
  func good() throws {
    let recording = try Self.open(Self.good).record()
    #expect(recording[recording.outputs[0]].shape == [1, 2])
    #expect(recording.value(named: "r") != nil)
  }

  @Test(
    "what is wrong with a graph is said in one line that names the node",
    arguments: [
      (
        #""primitive": "relu""#, #""primitive": "fourier""#,
        "graph.nodes[1] (\"r\") is a \"fourier\""
      ),
      (
        #""inputs": ["input", "w"]"#, #""inputs": ["r", "w"]"#,
        "reads \"r\", which is computed later"
      ),
      (
        #""inputs": ["input", "w"]"#, #""inputs": ["c", "w"]"#,
        "reads \"c\", which is computed later"
      ),
      (#""inputs": ["input", "w"]"#, #""inputs": ["input", "v"]"#, "neither an earlier node nor"),
      (#""inputs": ["c"]"#, #""inputs": ["input"]"#, "(\"c\") is read by no other node"),
      (#""inputs": ["c"]"#, #""inputs": []"#, "has 0 inputs"),
      (#""name": "r""#, #""name": "c""#, "has the name of an earlier node"),
      (#""name": "r""#, #""name": "fc""#, "has a name that another value"),
      (#""name": "r""#, #""name": "input""#, "has the name of an earlier node"),
      (#""name": "c""#, #""name": "w""#, "has the name of a tensor"),
      (#""kernel": [3, 3]"#, #""kernel": [3]"#, "needs 2 whole numbers"),
      (#""kernel": [3, 3]"#, #""kernel": [3, 1e9]"#, "needs 2 whole numbers"),
      (#""kernel": [3, 3]"#, #""kernel": [0, 3]"#, "needs 2 whole numbers"),
      (#""kernel": [3, 3],"#, "", "lacks the attribute kernel"),
      (
        #""kernel": [3, 3]"#, #""kernel": [3, 3], "groups": 2"#,
        "node \"c\" (convolution) cannot take"
      ),
      (
        #""kernel": [3, 3]"#, #""kernel": [3, 3], "bias": 2"#,
        "attribute \"bias\", which is not known"
      ),
      (#""kernel": [3, 3]"#, #""kernel": [3, 2]"#, "the weight's kernel is not the window's"),
      (#""output": "r"}"#, #""output": "x"}"#, "graph.output is \"x\", which is no node"),
      (#""output": "r"}"#, #""output": "c"}"#, "(\"r\") is read by no other node"),
      (
        #""primitive": "relu", "inputs": ["c"]"#,
        #""primitive": "mean", "inputs": ["c"], "attributes": {"axes": [0], "keeps_dimensions": false}"#,
        "whose first axis is no batch"
      ),
      (
        #""primitive": "relu", "inputs": ["c"]"#,
        #""primitive": "reshape", "inputs": ["c"], "attributes": {"shape": [0, 288]}"#,
        "graph.output must be a map [N, H, W, C]"
      ),
      (
        #""primitive": "relu", "inputs": ["c"]"#,
        #""primitive": "resize", "inputs": ["c"], "attributes": {"height": 16384, "width": 16384, "method": "nearest"}"#,
        "more elements than the limit"
      ),
      (#""graph": {"nodes""#, #""grape": {"nodes""#, "graph is missing"),
      (#""architecture": "graph""#, #""architecture": "vgg16""#, "graph is given for another"),
    ])
  func refused(_ old: String, _ new: String, _ expected: String) throws {
    let json = Self.good.replacing(old, with: new)
    #expect(json != Self.good)
    let error = try #require(throws: (any Error).self) { _ = try Self.open(json) }
    let line = "\(error)"
    #expect(line.contains(expected), "\(line)")
    #expect(!line.contains("\n"))
  }

  @Test("a card without a head has the logits as its output")
  func logits() throws {
    let json = Self.good
      .replacing(
        #"[{"kind": "global_average_pool"}, {"kind": "dense", "name": "fc", "units": 2}]"#,
        with: "[]"
      )
      .replacing(
        #"{"name": "r", "primitive": "relu", "inputs": ["c"]}], "output": "r""#,
        with: """
          {"name": "r", "primitive": "global_average_pool", "inputs": ["c"]},
          {"name": "d", "primitive": "dense", "inputs": ["r", "fc.weight", "fc.bias"]}], "output": "d"
          """)
    let recording = try Self.open(json).record()
    #expect(recording[recording.outputs[0]].shape == [1, 2])
  }

  @Test("networks of one and of four channels", arguments: [("grey", 1), ("rgba", 4)])
  func channels(_ order: String, _ count: Int) throws {
    let numbers = { (x: String) in
      "[\([String](repeating: x, count: count).joined(separator: ", "))]"
    }
    let json = Self.good
      .replacing(
        #""channels": "rgb""#, with: #""channels": "\#(order)", "channel_count": \#(count)"#
      )
      .replacing("[0, 0, 0]", with: numbers("0")).replacing("[1, 1, 1]", with: numbers("1"))
    let card = try ModelCard(json: json, file: "g")
    #expect(try ModelCard(json: card.json, file: "g") == card)
    var tensors = Self.tensors
    tensors["w"] = Tensor([4, count, 3, 3], repeating: 0.5)
    let network = try WeightReader.bind(tensors) { try Network(card, $0) }
    #expect(network.inputShape == [1, 8, 9, count])
    #expect(throws: CardError.self) {
      try ModelCard(json: json.replacing(order, with: "bgr"), file: "g")
    }
  }
}
