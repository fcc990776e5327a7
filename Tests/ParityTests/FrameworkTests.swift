import PrismAutodiff
import PrismCard
import PrismExplain
import PrismFiles
import PrismModels
import PrismRuntime
import PrismTensor
import PrismTestSupport
import PrismWeights
import Testing

/// A network of torchvision or Keras with generated weights, and what it computed
/// (Tools/fixtures/parity.py).
struct FrameworkCase: Sendable, CustomTestStringConvertible {
  let name: String
  var testDescription: String { name }

  static let folder = Repository.fixtures + "parity/"

  /// All fixtures; those whose names end with a number hold logits alone.
  static let all = Repository.names(in: folder).filter { $0.hasSuffix(".safetensors") }
    .map { FrameworkCase(name: String($0.dropLast(".safetensors".count))) }

  /// The fixtures with values and gradients.
  static let whole = all.filter { $0.name.split(separator: "-").count == 2 }

  /// Everything that a test needs of a case.
  struct Loaded {
    let reference: SafetensorsFile
    let card: ModelCard
    let recording: Recording
    let input: Tensor
    let target: Int
    let depths: [String]
  }

  func load() throws -> Loaded {
    let reference = try SafetensorsFile(contentsOf: "\(Self.folder)\(name).safetensors")
    let card = try reference.card()
    let parity = try JSONReader.parse(try #require(reference.metadata["parity"]))
    let damped = Set(parity.strings("damped"))
    let network = try WeightReader.bind(
      making: { GeneratedWeights.tensor($0, $1, damped: damped) },
      { reader in try Network(card, reader) })
    let image = card.input.image
    let pixels = GeneratedWeights.tensor("input", network.inputShape)
    let order = image.channels == .bgr ? [2, 1, 0] : [0, 1, 2]
    var scalars = pixels.scalars
    for position in stride(from: 0, to: scalars.count, by: 3) {
      let pixel = Array(scalars[position..<position + 3])
      for c in 0..<3 {
        scalars[position + c] = Float(
          (Double(pixel[order[c]]) * image.scale - image.mean[c]) / image.std[c])
      }
    }
    return Loaded(
      reference: reference, card: card, recording: try network.record(),
      input: Tensor(network.inputShape, scalars), target: parity.integer("target") ?? 0,
      depths: parity.strings("depths"))
  }
}

@Suite("torchvision and Keras")
struct FrameworkTests {
  @Test("there are fixtures of every architecture and framework")
  func coverage() {
    #expect(FrameworkCase.all.count == 44 && FrameworkCase.whole.count == 11)
  }

  // The promise of the project: logits within 1e-4 of the largest.
  @Test("logits", arguments: FrameworkCase.all)
  func logits(_ network: FrameworkCase) throws {
    let loaded = try network.load()
    let expected = try loaded.reference.tensor("logits")
    let actual = try Plan(loaded.recording)(loaded.input)[0].scalars
    if case .binary = loaded.card.output {
      // The framework's one logit is that of the second label; the first has its negative.
      try #require(actual.count == 2 && expected.count == 1)
      #expect(actual[0] == -actual[1])
      expectClose(Tensor([1], [actual[1]]), expected, tolerance: 1e-4)
    } else {
      expectClose(Tensor(expected.shape, actual), expected, tolerance: 1e-4)
    }
  }

  @Test("whole tensors at several depths", arguments: FrameworkCase.whole)
  func depths(_ network: FrameworkCase) throws {
    let loaded = try network.load()
    #expect(loaded.depths.count >= 4)
    let ids = try loaded.depths.map { try #require(loaded.recording.value(named: $0), "\($0)") }
    let values = try Plan(loaded.recording, wanted: ids)(loaded.input)
    for (name, value) in zip(loaded.depths, values) {
      expectClose(
        value, try loaded.reference.tensor("value.\(name)"), tolerance: 1e-4, "\(name)")
    }
  }

  // Grad-CAM maps are promised within 1e-3 of their maximum; the gradients they are made of keep
  // that too.
  @Test("gradients at the default layer and at the input", arguments: FrameworkCase.whole)
  func gradients(_ network: FrameworkCase) throws {
    let loaded = try network.load()
    let layer = loaded.card.layers.default
    let classifier = PlannedClassifier(loaded.recording, defaultLayer: layer)
    func gradient(at name: String) throws -> Tensor {
      try classifier.gradients(of: [loaded.target], at: name, image: loaded.input).gradients[0]
    }
    expectClose(
      try gradient(at: layer), try loaded.reference.tensor("gradient.layer"), tolerance: 1e-3)
    expectCloseThroughKinks(
      try gradient(at: Network.inputName), try loaded.reference.tensor("gradient.input"),
      tolerance: 1e-3)
  }

  // Rounding alone: some hundred layers deep, both evaluations in Float.
  @Test("DeepLIFT adds up on all four architectures", arguments: FrameworkCase.whole)
  func deepLIFT(_ network: FrameworkCase) throws {
    let loaded = try network.load()
    let classifier = PlannedClassifier(
      loaded.recording, defaultLayer: loaded.card.layers.default)
    // Of the label that differs most: with generated weights some hardly differ from the baseline
    // at all.
    let baseline = Tensor(loaded.input.shape)
    let differences = (try classifier.logits(loaded.input) - classifier.logits(baseline)).scalars
    let target = try #require(
      differences.indices.max { abs(differences[$0]) < abs(differences[$1]) })
    let map = try DeepLIFT().explain(
      ExplainedImage(loaded.input), targets: [target], of: classifier)[0]
    #expect(
      try abs(#require(map.completenessGap)) <= 1e-4 * Double(abs(differences[target])),
      "gap \(map.completenessGap ?? .nan) of \(differences[target])")
  }

  @Test(
    "with global average pooling and one dense layer, Σ gradient · activation + bias is the logit",
    arguments: FrameworkCase.whole)
  func identity(_ network: FrameworkCase) throws {
    let loaded = try network.load()
    guard loaded.card.head.first == .globalAveragePool,
      let dense = loaded.card.head.compactMap({ layer -> String? in
        if case .dense(let name, _, _) = layer { name } else { nil }
      }).last
    else {
      #expect(loaded.card.architecture == .vgg16)
      return
    }
    let classifier = PlannedClassifier(
      loaded.recording, defaultLayer: loaded.card.layers.default)
    let logits = try classifier.logits(loaded.input)
    let bias = try #require(
      loaded.recording.value(named: "\(dense).bias").flatMap { loaded.recording.parameter($0) })
    let targets = Array(0..<logits.count)
    let (value, gradients) = try classifier.gradients(
      of: targets, at: loaded.card.layers.default, image: loaded.input)
    let sums = gradients.enumerated().map { Float($1.dot(value)) + bias.scalars[$0] }
    // The mean over the map and the dot product with the dense layer's row, in other orders than
    // the forward pass.
    expectClose(
      Tensor(logits.shape, sums), logits, tolerance: 4 * Double(value.count).squareRoot() * epsilon)
  }
}

extension JSON {
  fileprivate func strings(_ name: String) -> [String] {
    guard case .array(let elements)? = self[name] else { return [] }
    return elements.compactMap { if case .string(let text) = $0 { text } else { nil } }
  }

  fileprivate func integer(_ name: String) -> Int? {
    if case .integer(let value)? = self[name] { value } else { nil }
  }
}
