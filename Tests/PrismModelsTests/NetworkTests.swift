import PrismAutodiff
import PrismCard
import PrismLayers
import PrismModels
import PrismTensor
import PrismTestSupport
import PrismWeights
import Testing

/// A network at an odd size: what its base is named and shaped.
struct BaseCase: Sendable, CustomTestStringConvertible {
  let architecture: ModelCard.Architecture
  let padding: ModelCard.PaddingConvention
  /// Of features for a picture of 33×47 pixels.
  let features: Shape
  /// A size that is too small for the network, if any.
  var tooSmall: Int?
  /// Named values with their shapes.
  let named: [String: Shape]

  var testDescription: String { "\(architecture.rawValue), \(padding)" }

  // Layers with a stride round up (33, 17, 9, 5, 3, 2), pools of VGG16 and DenseNet121's
  // transitions down.
  static let all = [
    mobileNetV2, mobileNetV2Same, vgg16, denseNet121, efficientNetV2B0, efficientNetV2S,
  ]

  private static let mobileNetV2 = BaseCase(
    architecture: .mobileNetV2, padding: .symmetric, features: [1, 2, 2, 1280],
    named: [
      "features.0": [1, 17, 24, 32], "features.1.conv.0.0": [1, 17, 24, 32],
      "features.2": [1, 9, 12, 24], "features.14.conv": [1, 2, 2, 160],
      "features.18": [1, 2, 2, 1280], "features.18.0": [1, 2, 2, 1280],
    ])

  private static let mobileNetV2Same = BaseCase(
    architecture: .mobileNetV2, padding: .same, features: [1, 2, 2, 1280],
    named: ["features.0": [1, 17, 24, 32], "features.17": [1, 2, 2, 320]])

  private static let vgg16 = BaseCase(
    architecture: .vgg16, padding: .symmetric, features: [1, 1, 1, 512], tooSmall: 31,
    named: [
      "features.0": [1, 33, 47, 64], "features.1": [1, 33, 47, 64],
      "features.4": [1, 16, 23, 64], "features.29": [1, 2, 2, 512],
      "features.30": [1, 1, 1, 512],
    ])

  private static let denseNet121 = BaseCase(
    architecture: .denseNet121, padding: .symmetric, features: [1, 1, 1, 1024], tooSmall: 12,
    named: [
      "features.conv0": [1, 17, 24, 64], "features.pool0": [1, 9, 12, 64],
      "features.denseblock1": [1, 9, 12, 256],
      "features.denseblock4.denselayer16": [1, 1, 1, 32], "features.relu5": [1, 1, 1, 1024],
    ])

  private static let efficientNetV2B0 = BaseCase(
    architecture: .efficientNetV2B0, padding: .same, features: [1, 2, 2, 1280],
    named: ["features": [1, 2, 2, 1280]])

  private static let efficientNetV2S = BaseCase(
    architecture: .efficientNetV2S, padding: .symmetric, features: [1, 2, 2, 1280],
    named: ["features.0": [1, 17, 24, 24], "features.7": [1, 2, 2, 1280]])

  func card(height: Int = 33, width: Int = 47) -> ModelCard {
    ModelCard(
      name: "test", architecture: architecture,
      config: .init(epsilon: architecture == .vgg16 ? nil : 1e-3, padding: padding),
      head: [.globalAveragePool, .dense(name: "classifier", units: 2, activation: .linear)],
      output: .softmax, labels: ["a", "b"],
      input: .image(
        .init(
          height: height, width: width, resize: .bilinear, scale: 1, mean: [0, 0, 0],
          std: [1, 1, 1])),
      layers: .init(default: "features"))
  }

  func network(height: Int = 33, width: Int = 47) throws -> Network {
    try WeightReader.bind(making: { Tensor($1) }) {
      try Network(card(height: height, width: width), $0)
    }
  }
}

@Suite("networks")
struct NetworkTests {
  /// A MobileNetV2 of a tenth of the width, with lively weights.
  private static func small(
    output: ModelCard.Output = .softmax, height: Int = 33, width: Int = 47
  ) throws -> (card: ModelCard, tensors: [String: Tensor]) {
    var card = BaseCase.all[0].card(height: height, width: width)
    card.config.width = 0.1
    card.output = output
    if case .binary = output {
      card.head = [.globalAveragePool, .dense(name: "classifier", units: 1, activation: .linear)]
    }
    var tensors: [String: Tensor] = [:]
    _ = try WeightReader.bind(making: { name, shape in
      let tensor = GeneratedWeights.tensor(name, shape)
      tensors[name] = tensor
      return tensor
    }) { [card] in try Network(card, $0) }
    return (card, tensors)
  }

  private static func picture(_ shape: Shape) -> Tensor {
    var random = SeededRandom(seed: 3)
    return .uniform(shape, in: -1..<1, using: &random)
  }

  @Test("at odd sizes values have their names and shapes", arguments: BaseCase.all)
  func shapes(_ test: BaseCase) throws {
    let network = try test.network()
    #expect(network.inputShape == [1, 33, 47, 3])
    #expect(network.featureShape == test.features)
    let recording = try network.record()
    for (name, shape) in test.named {
      let id = try #require(recording.value(named: name), "\(name)")
      #expect(recording[id].shape == shape, "\(name)")
    }
    for name in [Network.inputName, Network.logitsName] {
      #expect(recording.value(named: name) != nil, "\(name)")
    }
    #expect(recording[recording.outputs[0]].shape == [1, 2])
    let batch = try network.record(batch: 3)
    #expect(batch[batch.outputs[0]].shape == [3, 2])
    let base = try network.recordBase(batch: 2)
    #expect(base[base.outputs[0]].shape == test.features.replacing(axis: 0, with: 2))
  }

  @Test("a picture that is too small is a shape error", arguments: BaseCase.all)
  func tooSmall(_ test: BaseCase) throws {
    guard let size = test.tooSmall else {
      #expect(try test.network(height: 1, width: 1).featureShape == [1, 1, 1, test.features[-1]])
      return
    }
    #expect(throws: ShapeError.self) { try test.network(height: size, width: 47) }
    #expect(throws: ShapeError.self) { try test.network(height: 47, width: size) }
  }

  @Test("MobileNetV2 names every block")
  func names() throws {
    let (card, tensors) = try Self.small()
    let recording = try WeightReader.bind(tensors) { try Network(card, $0) }.record()
    let blocks = recording.names.map(\.name).filter { name in
      name.hasPrefix("features.") && !name.dropFirst("features.".count).contains(".")
    }
    #expect(blocks == (0...18).map { "features.\($0)" })
    #expect(recording.names.first?.name == "input")
    #expect(recording.names.last?.name == "logits")
    #expect(Set(recording.names.map(\.name)).count == recording.names.count)
    #expect(tensors["features.1.conv.0.0.weight"]?.shape == [8, 1, 3, 3])
  }

  @Test("what is missing, misshapen and left over is named at once")
  func missing() throws {
    var (card, tensors) = try Self.small()
    tensors["features.3.conv.2.weight"] = nil
    tensors["classifier.bias"] = nil
    tensors["classifier.weight"] = Tensor([3, 7])
    tensors["classifier.2.weight"] = Tensor([1])
    card.labels = ["a", "b"]
    #expect {
      try WeightReader.bind(tensors) { [card] in try Network(card, $0) }
    } throws: { error in
      guard case WeightError.mismatch(_, let found) = error else { return false }
      return found.missing == ["features.3.conv.2.weight", "classifier.bias"]
        && found.unexpected == ["classifier.2.weight"]
        && found.misshapen.map(\.name) == ["classifier.weight"]
    }
  }

  @Test("a batch gives the logits of one picture after the other")
  func batches() throws {
    let (card, tensors) = try Self.small()
    let network = try WeightReader.bind(tensors) { try Network(card, $0) }
    let pictures = Self.picture([2, 33, 47, 3])
    let together = try network.record(batch: 2)(pictures)[0]
    let single = try network.record()
    for n in 0..<2 {
      let alone = try single(pictures.slice(n).reshaped(to: [1, 33, 47, 3]))[0]
      expectClose(together.slice(n).reshaped(to: [1, 2]), alone, tolerance: 1e-5)
    }
    #expect(together.isFinite && !together.isZero)
  }

  @Test("a binary network gives the logit and its opposite")
  func binary() throws {
    let (card, tensors) = try Self.small(output: .binary(threshold: 0.5))
    let network = try WeightReader.bind(tensors) { try Network(card, $0) }
    let picture = Self.picture([1, 33, 47, 3])
    let logits = try network.record()(picture)[0]
    #expect(logits.shape == [1, 2])
    #expect(logits[0, 0] == -logits[0, 1] && logits[0, 1] != 0)
    let features = try network.recordBase()(picture)[0]
    let head = try Recording(input: network.featureShape) { network.head($0) }
    #expect(try head(features)[0].scalars == [logits[0, 1]])
  }

  @Test("a network that a program records itself is not built from its card")
  func custom() {
    var card = BaseCase.all[0].card()
    card.architecture = .custom
    card.head = []
    #expect(throws: ShapeError.self) {
      try WeightReader.bind(making: { Tensor($1) }) { [card] in try Network(card, $0) }
    }
  }
}

@Suite("heads")
struct HeadTests {
  private func head(
    _ chain: [ModelCard.HeadLayer], _ tensors: [String: Tensor] = [:],
    features: (Int, Int, Int) = (2, 3, 2)
  ) throws -> Head {
    try WeightReader.bind(tensors) { try Head($0, chain, features: features) }
  }

  private let features = Tensor([1, 2, 3, 2], (0..<12).map { Float($0 * $0) })

  private func run(_ head: Head, training seed: UInt64? = nil) throws -> Tensor {
    try Recording(input: features.shape) { head($0, trainingWith: seed) }(features)[0]
  }

  @Test("pools take the mean and the maximum of every channel")
  func pools() throws {
    let mean = try run(head([.globalAveragePool]))
    expectClose(mean, Tensor([1, 2], [220.0 / 6, 286.0 / 6]), tolerance: 1e-6)
    #expect(try run(head([.globalMaxPool])) == Tensor([1, 2], [100, 121]))
    let both = try run(head([.globalConcatPool()]))
    expectClose(both, Tensor([1, 4], [100, 121, 220.0 / 6, 286.0 / 6]), tolerance: 1e-6)
    let turned = try run(head([.globalConcatPool(order: .averageMax)]))
    expectClose(turned, Tensor([1, 4], [220.0 / 6, 286.0 / 6, 100, 121]), tolerance: 1e-6)
    #expect(try head([.globalConcatPool()]).outputs == 4)
    let grid = try run(head([.adaptiveAveragePool(height: 1, width: 3)]))
    #expect(grid == Tensor([1, 1, 3, 2], [18, 25, 34, 45, 58, 73]))
  }

  @Test("flattening puts channels first")
  func flatten() throws {
    let y = try run(head([.flatten]))
    #expect(y == Tensor([1, 12], [0, 4, 16, 36, 64, 100, 1, 9, 25, 49, 81, 121]))
    #expect(try head([.flatten]).outputs == 12)
  }

  @Test("dense layers follow each other, each with its function")
  func dense() throws {
    let head = try head(
      [
        .globalMaxPool, .dense(name: "a", units: 2, activation: .relu),
        .dense(name: "b", units: 1, activation: .linear),
      ],
      [
        "a.weight": Tensor([2, 2], [1, -1, 1, 1]), "a.bias": Tensor([2], [0, 1]),
        "b.weight": Tensor([1, 2], [5, 2]), "b.bias": Tensor([1], [-4]),
      ])
    #expect(head.outputs == 1)
    // relu(100 − 121) and 100 + 121 + 1; twice the second less 4.
    #expect(try run(head) == Tensor([1, 1], [440]))
  }

  @Test("dropout is the identity but in training, where the seed selects what is dropped")
  func dropout() throws {
    let head = try head([.flatten, .dropout(rate: 0.5)])
    let plain = try run(head)
    #expect(plain == (try run(self.head([.flatten]))))
    let first = try run(head, training: 1)
    #expect(first != plain)
    for (x, y) in zip(plain.scalars, first.scalars) { #expect(y == 0 || y == 2 * x) }
    #expect(try run(head, training: 1) == first)
    #expect(try run(head, training: 2) != first)
  }

  @Test("normalisations are listed, and use the batch's moments in training alone")
  func normalization() throws {
    let tensors = [
      "n.weight": Tensor([2], [1, 2]), "n.bias": Tensor([2], [0, 1]),
      "n.running_mean": Tensor([2], [100, 120]), "n.running_var": Tensor([2], [4, 1]),
    ]
    let head = try head([.globalMaxPool, .batchNorm(name: "n", epsilon: 0)], tensors)
    #expect(head.normalizations.map(\.name) == ["n"])
    #expect(try run(head) == Tensor([1, 2], [0, 3]))
    let training = try Recording(input: features.shape) { head($0, trainingWith: 0) }
    #expect(training.value(named: "n.batch_mean") != nil)
  }

  @Test("functions of their own are applied where they stand")
  func activation() throws {
    #expect(try run(head([.flatten, .activation(.relu6)])).maximum == 6)
  }

  @Test("tensors of other sizes than the features ask for are named")
  func mismatch() {
    #expect {
      try head(
        [.flatten, .dense(name: "a", units: 1, activation: .linear)],
        ["a.weight": Tensor([1, 2]), "a.bias": Tensor([1])])
    } throws: { error in
      guard case WeightError.mismatch(_, let found) = error else { return false }
      return found.misshapen == [.init(name: "a.weight", expected: [1, 12], found: [1, 2])]
    }
  }
}
