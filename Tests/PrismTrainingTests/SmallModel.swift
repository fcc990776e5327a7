import PrismAutodiff
import PrismCard
import PrismFiles
import PrismMedia
import PrismModels
import PrismTensor
import PrismTestSupport
import PrismTraining
import PrismWeights

/// A MobileNetV2 of a tenth of the width for pictures of 32×32, with made-up weights.
enum SmallModel {
  /// The card of a binary model in torch's conventions.
  static func card(head: [ModelCard.HeadLayer]? = nil) -> ModelCard {
    ModelCard(
      name: "small", architecture: .mobileNetV2,
      config: .init(width: 0.1, epsilon: 1e-5, padding: .symmetric),
      head: head ?? [
        .globalAveragePool, .dense(name: "classifier.1", units: 1, activation: .linear),
      ],
      output: .binary(threshold: 0.5), labels: ["no", "yes"],
      input: .image(
        .init(
          height: 32, width: 32, resize: .bilinear, scale: 1.0 / 127.5, mean: [1, 1, 1],
          std: [1, 1, 1])),
      layers: .init(default: "features.18"))
  }

  /// The network of a card and its tensors, made from their names.
  static func network(_ card: ModelCard) throws -> (network: Network, tensors: [String: Tensor]) {
    var tensors: [String: Tensor] = [:]
    let network = try WeightReader.bind(making: { name, shape in
      let tensor = GeneratedWeights.tensor(name, shape)
      tensors[name] = tensor
      return tensor
    }) { reader in try Network(card, reader) }
    return (network, tensors)
  }

  /// Writes the weights file.
  static func write(to path: String) throws {
    let card = card()
    var writer = SafetensorsWriter(card: card)
    for (name, tensor) in try network(card).tensors { writer.add(name, tensor) }
    try writer.write(to: path)
  }

  /// Writes the weights file with a card that states the nodes of the base.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - hasHead: Whether the head stays one; else its nodes are among the others.
  /// - Throws: What the file cannot be written for.
  static func writeGraph(to path: String, hasHead: Bool = true) throws {
    let (network, tensors) = try network(card())
    var card = card()
    let written = try GraphRecording(
      hasHead
        ? network.recordBase()
        : Recording(input: network.inputShape) { network.head(network.features($0)) })
    card.architecture = .graph
    card.config = .init(epsilon: nil, padding: .symmetric)
    card.graph = written.graph
    card.layers.aliases = written.aliases
    if !hasHead { card.head = [] }
    var writer = SafetensorsWriter(card: card)
    for (name, tensor) in tensors { writer.add(name, tensor) }
    try writer.write(to: path)
  }

  /// Reads pictures of 32×32 for the network.
  struct Loader: SampleLoader {
    func load(_ path: String) throws -> Tensor {
      try Image(contentsOf: path).tensor().map { $0 / 127.5 - 1 }.reshaped(to: [1, 32, 32, 3])
    }
  }

  /// Writes pictures in folders of splits: those of the second class are brighter.
  static func writePictures(in folder: String, classes: [String] = ["dark", "light"]) throws {
    for (split, count) in [("training", 11), ("validation", 6), ("testing", 4)] {
      for (k, label) in classes.enumerated() {
        try Folders.make("\(folder)/\(split)/\(label)")
        for i in 0..<count {
          var random = SeededRandom(seed: CounterRandom(name: "\(split)/\(label)/\(i)").bits(0))
          let light: Float = k == 1 ? 180 : 20
          let pixels = (0..<(32 * 32 * 3)).map { _ in UInt8(light + 8 * random.uniform()) }
          try Image(width: 32, height: 32, pixels: pixels)
            .write(to: "\(folder)/\(split)/\(label)/\(i).png")
        }
      }
    }
  }
}
