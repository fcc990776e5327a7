import Prism
import PrismTestSupport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("models")
struct ModelTests {
  static let voice = Repository.weights + "voice.safetensors"

  @Test("a path, an address and bytes give the same model")
  func sources() throws {
    let bytes = try #require(FileManager.default.contents(atPath: Self.voice))
    let models = [
      try Model(contentsOf: Self.voice),
      try Model(contentsOf: URL(fileURLWithPath: Self.voice)),
      try Model(bytes: Array(bytes)),
    ]
    let input = Tensor(
      [1, models[0].card.input.image.height, models[0].card.input.image.width, 3],
      repeating: 0.25)
    let logits = try models.map { try $0.logits(input).scalars.map(\.bitPattern) }
    #expect(logits[0] == logits[1] && logits[0] == logits[2])
    #expect(Set(models.map(\.card.name)).count == 1)
    #expect(Set(models.map(\.file.sha256)).count == 1)
  }

  @Test("an address elsewhere, and bytes that are none, are refused")
  func badSources() throws {
    let url = try #require(URL(string: "https://example.org/model.safetensors"))
    #expect(throws: ModelError.notAFile("https://example.org/model.safetensors")) {
      try Model(contentsOf: url)
    }
    #expect(throws: WeightError.self) { try Model(bytes: []) }
    #expect(throws: WeightError.self) { try Model(bytes: Array("nothing".utf8)) }
    #expect(throws: WeightError.self) {
      try Model(contentsOf: URL(fileURLWithPath: "/nowhere/model.safetensors"))
    }
  }

  @Test("an own network learns, predicts, and Grad-CAM looks at the bright half")
  func ownNetworkLearns() throws {
    let model = try Pictures.model()
    for side in 0..<2 {
      for seed in 100..<104 {
        let image = try Pictures.picture(brightHalf: side, seed: UInt64(seed))
        #expect(try model.predict(image).top.index == side)
      }
    }
    let image = try Pictures.picture(brightHalf: 0, seed: 200)
    let explanation = try model.explain(image, with: GradCAM(), target: model.predict(image).top)
    #expect(explanation.values.shape == [32, 32])
    #expect(explanation.values.maximum > 0)
    #expect(explanation.attribution.layer == "features")
    #expect(model.layers.contains { $0.name == "features" && $0.isDefault })
  }

  @Test("an own model is written and opened again with the same bits")
  func writing() throws {
    let model = try Pictures.model()
    try Repository.withFolder { folder in
      let path = folder + "/halves.safetensors"
      let again = try saveOwnModel(model, to: path)
      #expect(again.card == model.card)
      #expect(again.file.sha256 == model.file.sha256)
      let input = try model.input(for: Pictures.picture(brightHalf: 0))
      #expect(try again.logits(input) == model.logits(input))
      #expect(throws: ModelError.customNetwork(path)) { try Model(contentsOf: path) }
      #expect(throws: WeightError.self) {
        try Model(contentsOf: path, network: recordOwnNetwork())
      }
    }
  }

  @Test(
    "finite weights may give maps that are not: an error, not a crash",
    arguments: ExplanationMethod.allCases)
  func infiniteMaps(_ method: ExplanationMethod) throws {
    let network = try Recording(input: [1, 8, 8, 3]) { x in
      let first = Tensor([3, 3, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0, 1])
      var last = [Float](repeating: 0, count: 2 * 192)
      (last[3], last[100]) = (3e38, -3e38)
      return x.convolution(x.parameter(first, named: "first")).named("features")
        .flattenedChannelsFirst().dense(x.parameter(Tensor([2, 192], last), named: "last"))
    }
    let card = ModelCard(
      custom: "huge", labels: ["a", "b"],
      input: .image(
        .init(
          height: 8, width: 8, resize: .bilinear, scale: 1.0 / 255, mean: [0, 0, 0],
          std: [1, 1, 1])), layer: "features")
    let model = try Model(network: network, card: card)
    let image = try Image(
      width: 8, height: 8, pixels: (0..<192).map { UInt8($0 * 89 % 256) })
    let prediction = try model.predict(image)
    var settings = ExplanationMethod.Settings()
    settings.segmenter = .grid(rows: 2, columns: 2)
    if method.choices.contains(.samples) { settings.samples = method == .sobol ? 40 : 20 }
    do {
      let found = try model.explain(
        image, with: method.explainer(settings), target: prediction.top)
      #expect(found.values.isFinite)
    } catch is ExplanationError {}
  }

  @Test("a card that does not fit an own network is refused, saying why")
  func badCards() throws {
    let model = try Pictures.model()
    let network = try ownNetwork()
    var card = model.card
    card.labels = ["left", "middle", "right"]
    #expect(throws: ModelError.labelCount(labels: 3, outputs: 2)) {
      try Model(network: network, card: card)
    }
    card = model.card
    card.layers.default = "feature"
    #expect(throws: ModelError.unknownLayer("feature", nearest: "features")) {
      try Model(network: network, card: card)
    }
    card = model.card
    if case .image(var image) = card.input {
      image.height = 64
      card.input = .image(image)
    }
    #expect(throws: ModelError.inputShape(card: [1, 64, 32, 3], network: [1, 32, 32, 3])) {
      try Model(network: network, card: card)
    }
    card = model.card
    card.labels = []
    #expect(throws: CardError.self) { try Model(network: network, card: card) }
    let two = try Recording(inputs: [[1, 32, 32, 3], [1, 2]]) { [$0[1]] }
    #expect(throws: ModelError.recording(inputs: 2, outputs: 1)) {
      try Model(network: two, card: model.card)
    }
  }

  @Test("a network with one logit and two labels is binary: the logits are opposite")
  func binary() throws {
    let dense = try Dense("dense", inputs: 3, outputs: 1, seed: 3)
    let network = try TrainableNetwork(input: [1, 32, 32, 3]) { x in
      dense(x.named("features").globalAveragePool())
    }
    var card = try Pictures.model().card
    card.output = .binary(threshold: 0.5)
    let model = try Model(network: network, card: card)
    let entries = try model.predict(Pictures.picture(brightHalf: 0)).entries
    #expect(entries[0].logit == -entries[1].logit && entries[1].logit != 0)
    #expect(abs(entries[0].probability + entries[1].probability - 1) < 1e-12)
  }

  @Test("the gradient at a named value is that of small steps")
  func gradient() throws {
    let dense = try Dense("dense", inputs: 3, outputs: 2, seed: 4)
    let network = try TrainableNetwork(input: [1, 32, 32, 3]) { x in
      dense((x * x).named("features").globalAveragePool())
    }
    let model = try Model(network: network, card: Pictures.model().card)
    let image = try Pictures.picture(brightHalf: 1)
    let found = try gradientAtLayer(model, image)
    #expect(found.value.shape == [1, 32, 32, 3] && found.gradient.shape == [1, 32, 32, 3])
    // The logit is the mean of the squares times the weights of the label.
    for channel in 0..<3 {
      let expected = dense.weight[0, channel] / 1024
      #expect(abs(found.gradient[0, 5, 7, channel] - expected) < 1e-7)
    }
    let input = model.input(for: image)
    let atInput = try model.gradient(of: "left", at: "input", for: input)
    #expect(atInput.value == input)
    let expected = 2 * input[0, 5, 7, 1] * dense.weight[0, 1] / 1024
    #expect(abs(atInput.gradient[0, 5, 7, 1] - expected) < 1e-7)
  }

  @Test("unknown names and sizes of a gradient are errors that name the nearest")
  func badGradient() throws {
    let model = try Pictures.model()
    let image = try Pictures.picture(brightHalf: 1)
    #expect(throws: ModelError.unknownLabel("lef", nearest: "left")) {
      try model.gradient(of: "lef", at: "features", for: image)
    }
    #expect(throws: ModelError.unknownLayer("feature", nearest: "features")) {
      try model.gradient(of: "left", at: "feature", for: image)
    }
    #expect(throws: EvaluationError.self) {
      try model.gradient(of: "left", at: "features", for: Tensor([1, 8, 8, 3]))
    }
  }

  @Test(
    "a classifier that gives another shape is an error, not a crash",
    arguments: [
      Shape([2]), [1, 3], [7, 2], [1, 2, 1],
    ])
  func badClassifier(_ shape: Shape) throws {
    let box = BlackBox(
      ClosureClassifier(inputShape: [1, 32, 32, 3], labels: ["a", "b"]) { _ in Tensor(shape) })
    let image = try Pictures.picture(brightHalf: 0)
    #expect(throws: ClassifierError(given: shape, expected: [1, 2])) { try box.predict(image) }
    let target = try Pictures.model().predict(image).top
    #expect(throws: ClassifierError.self) {
      try box.explain(image, with: RISE(samples: 4), target: target)
    }
  }

  @Test("a black box of another shape than pictures is an error")
  func badBox() {
    let box = BlackBox(
      ClosureClassifier(inputShape: [1, 10], labels: ["a"]) { Tensor([$0.shape[0], 1]) })
    #expect(throws: ModelError.inputShape(card: [1, 1, 1, 3], network: [1, 10])) {
      try box.predict(Pictures.picture(brightHalf: 0))
    }
  }

  static let errors: [any Error] = [
    ModelError.unknownLabel("x", nearest: nil), ModelError.customNetwork("x.safetensors"),
    ModelError.recording(inputs: 2, outputs: 1), ClassifierError(given: [1], expected: [1, 2]),
    ShapeError("dense", [[1, 2]], "no"), UnknownValueError(name: "x"),
    UnknownOutputError(index: 3, count: 2),
    EvaluationError.wrongNumberOfInputs(expected: 1, given: 2),
  ]

  @Test("errors say the same to people who ask for a localised description", arguments: errors)
  func localized(_ error: any Error) throws {
    let description = try #require((error as? any LocalizedError)?.errorDescription)
    #expect(description == "\(error)")
    #expect(!description.contains("\n") && !description.isEmpty)
  }

  @Test("predictions, explanations, gradients and layers are written as JSON and read again")
  func codable() throws {
    func again<Result: Codable>(_ result: Result) throws -> Result {
      try JSONDecoder().decode(Result.self, from: JSONEncoder().encode(result))
    }
    func json(_ value: some Encodable) throws -> Data {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return try encoder.encode(value)
    }
    let model = try Pictures.model()
    let image = try Pictures.picture(brightHalf: 1)
    let prediction = try model.predict(image)
    #expect(try again(prediction) == prediction)
    let lime = LIME(samples: 50, segmenter: .grid(rows: 2, columns: 2))
    let explanation = try model.explain(image, with: lime, target: prediction.top)
    // A parameter of 1 is read as the whole number, which is written the same.
    let read = try again(explanation)
    #expect(try json(read) == json(explanation))
    #expect(read.values == explanation.values && read.target == explanation.target)
    let gradient = try model.gradient(of: "left", at: "features", for: image)
    #expect(try again(gradient) == gradient)
    #expect(try again(model.layers) == model.layers)
    let comparison = try model.compare(image, with: [lime], targets: [prediction.top])
    #expect(try again(comparison.judgements) == comparison.judgements)
  }

  @Test("the number of threads does not change the bits")
  func threads() throws {
    let before = Threads.count
    defer { Threads.count = before }
    let model = try Pictures.model()
    let input = try model.input(for: Pictures.picture(brightHalf: 1))
    let logits = try [1, 2, 3].map { count in
      Threads.count = count
      return try model.logits(input)
    }
    #expect(Threads.count == 3)
    #expect(logits[0] == logits[1] && logits[1] == logits[2])
    Threads.count = -1
    #expect(Threads.count == 1)
  }
}
