internal import Prism
internal import PrismModels
internal import PrismTestSupport
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Weights files of narrow networks with generated weights, which explain a picture in no time.
public enum SmallModel {
  /// The folder of the files, whose names are those of the constants.
  public static let folder = make()

  /// Ten labels that exclude each other.
  public static let softmax = write("torch-mobilenet_v2", as: "softmax")
  /// Two labels, one logit.
  public static let binary = write("torch-mobilenet_v2-1", as: "binary")
  /// Fourteen labels that do not exclude each other.
  public static let sigmoid = write("torch-mobilenet_v2-14", as: "sigmoid")

  /// Ten labels, of the centre of pictures alone.
  public static let centre = write(
    "torch-mobilenet_v2", as: "centre",
    input: { image in
      var image = image
      image.resizeSide = max(image.height, image.width) + 8
      return .image(image)
    })

  /// Two labels, of half a second of sound.
  public static let voice = write(
    "torch-mobilenet_v2-1", as: "voice",
    input: { image in
      .audio(
        .init(
          sampleRate: 8000, seconds: 0.5, fft: 256, hop: 64, bands: 32, minimum: 100,
          maximum: 3600, image: image))
    })

  /// The folder of models whose nodes are in their cards.
  private static let graphs = make()

  /// Three labels, of grey pictures; its nodes are in the card.
  public static let grey = writeGraph(
    as: "grey",
    input: .image(
      .init(
        height: 33, width: 47, resize: .bilinear, channels: .grey, channelCount: 1,
        scale: 1 / 127.5, mean: [1], std: [0.5])))

  /// Three labels, of the levels of half a second of sound; its nodes are in the card.
  public static let levels = writeGraph(
    as: "levels",
    input: .audio(
      .init(
        sampleRate: 8000, seconds: 0.5, fft: 256, hop: 64, bands: 32, minimum: 100,
        maximum: 3600, levels: .init(mean: [-40], std: [20]))))

  /// The path of a file with a small network of many operations, stated node by node; an empty path
  /// where it cannot be written.
  private static func writeGraph(as name: String, input: ModelCard.Input) -> String {
    let path = "\(graphs)/\(name).safetensors"
    func tensor(_ x: Value, _ name: String, _ shape: Shape) -> Value {
      x.parameter(GeneratedWeights.tensor(name, shape), named: name)
    }
    do {
      let size = input.image
      let recording = try Recording(input: [1, size.height, size.width, 1]) { x in
        let stem = x.convolution(
          tensor(x, "stem.weight", [16, 1, 3, 3]), stride: 2, padding: .same
        )
        .hardSwish().named("stem")
        let grouped = stem.convolution(
          tensor(x, "grouped.weight", [16, 8, 3, 3]), padding: .same, groups: 2
        ).gelu()
        let normal = grouped.layerNormalized(
          scale: tensor(x, "norm.weight", [16]), offset: tensor(x, "norm.bias", [16]),
          epsilon: 1e-6)
        let largest = normal.sliced(from: 0, to: 8).maximum(normal.sliced(from: 8, to: 16))
        return largest.concatenated(with: [stem]).shufflingChannels(groups: 2).elu()
          .named("last")
      }
      let written = try GraphRecording(recording)
      let card = ModelCard(
        name: name, architecture: .graph, config: .init(epsilon: nil, padding: .symmetric),
        head: [.globalAveragePool, .dense(name: "classifier", units: 3, activation: .linear)],
        output: .softmax, labels: ["one", "two", "three"], input: input,
        layers: .init(default: "last", aliases: ["/last/Elu_output_0": "last"]),
        graph: written.graph)
      var writer = SafetensorsWriter(card: card)
      for (name, tensor) in written.tensors { writer.add(name, tensor) }
      for (name, shape) in [("classifier.weight", [3, 24]), ("classifier.bias", [3])] {
        writer.add(name, GeneratedWeights.tensor(name, Shape(shape)))
      }
      try writer.write(to: path)
      return path
    } catch {
      return ""
    }
  }

  /// Two labels, of grey pictures; both are told by what is bright, and `marked` above all by what is
  /// bright at the bottom left.
  public static let marked = writeMarked(
    as: "marked",
    input: .image(
      .init(
        height: 32, width: 32, resize: .bilinear, channels: .grey, channelCount: 1,
        scale: 1.0 / 255, mean: [0], std: [1])), weight: 0.1
  ) { y, x in y >= 24 && x < 8 }

  /// Two labels, of the levels of half a second of sound; both are told by what is loud, and `marked`
  /// above all by what is loud in the lowest bands.
  public static let humming = writeMarked(
    as: "humming",
    input: .audio(
      .init(
        sampleRate: 8000, seconds: 0.5, fft: 256, hop: 64, bands: 32, minimum: 100,
        maximum: 3600, levels: .init(mean: [-40], std: [20]))), weight: 0.02
  ) { _, band in band < 3 }

  /// The network of ``marked`` with labels that exclude each other and logits far below zero.
  public static let belowZero = writeMarked(
    as: "below-zero",
    input: .image(
      .init(
        height: 32, width: 32, resize: .bilinear, channels: .grey, channelCount: 1,
        scale: 1.0 / 255, mean: [0], std: [1])), output: .softmax, biases: [-50, -60], weight: 0.1
  ) { y, x in y >= 24 && x < 8 }

  /// The path of a file with a network that adds up what is above 0, with a weight of its own where
  /// the mark is; an empty path where it cannot be written.
  private static func writeMarked(
    as name: String, input: ModelCard.Input, output: ModelCard.Output = .sigmoid(threshold: 0.5),
    biases: [Float] = [-3, 0], weight: Float, isMark: (Int, Int) -> Bool
  ) -> String {
    let path = "\(graphs)/\(name).safetensors"
    do {
      let size = input.image
      let recording = try Recording(input: [1, size.height, size.width, 1]) { x in
        x.convolution(
          x.parameter(Tensor([1, 1, 1, 1], [1]), named: "same.weight"), padding: .same
        ).relu().named("bright")
      }
      let written = try GraphRecording(recording)
      let card = ModelCard(
        name: name, architecture: .graph, config: .init(epsilon: nil, padding: .symmetric),
        head: [.flatten, .dense(name: "classifier", units: 2, activation: .linear)],
        output: output, labels: ["marked", "plain"], input: input,
        layers: .init(default: "bright", aliases: [:]), graph: written.graph)
      var writer = SafetensorsWriter(card: card)
      for (name, tensor) in written.tensors { writer.add(name, tensor) }
      let places = (0..<size.height * size.width).map { ($0 / size.width, $0 % size.width) }
      writer.add(
        "classifier.weight",
        Tensor(
          [2, places.count],
          places.map { isMark($0, $1) ? weight : weight / 5 } + places.map { _ in weight / 5 }))
      writer.add("classifier.bias", Tensor([2], biases))
      try writer.write(to: path)
      return path
    } catch {
      return ""
    }
  }

  /// The path of a file with the card of a parity fixture, but narrower; an empty path where it
  /// cannot be written.
  private static func write(
    _ fixture: String, as name: String,
    input: (ModelCard.ImageInput) -> ModelCard.Input = { .image($0) }
  ) -> String {
    let path = "\(folder)/\(name).safetensors"
    do {
      var card = try SafetensorsFile(
        contentsOf: "\(Repository.fixtures)parity/\(fixture).safetensors"
      ).card()
      card.config.width = 0.25
      card.input = input(card.input.image)
      let tensors = Tensors()
      _ = try WeightReader.bind(
        making: { tensors.make($0, $1) }, { reader in try Network(card, reader) })
      var writer = SafetensorsWriter(card: card)
      for (name, tensor) in tensors.made { writer.add(name, tensor) }
      try writer.write(to: path)
      return path
    } catch {
      return ""
    }
  }

  /// Makes the folder.
  private static func make() -> String {
    let path = FileManager.default.temporaryDirectory.path + "/prism-models-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    made.withLock { folders in
      if folders.isEmpty {
        atexit { SmallModel.made.withLock { for path in $0 { SmallModel.remove(path) } } }
      }
      folders.append(path)
    }
    return path
  }

  /// The folders of this process, which go with it.
  private static let made = Mutex<[String]>([])

  private static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

  /// The paths of all files, which are then there.
  public static var all: [String] { [softmax, binary, sigmoid, centre, voice] }

  private final class Tensors {
    var made: [(name: String, tensor: Tensor)] = []

    func make(_ name: String, _ shape: Shape) -> Tensor {
      let tensor = GeneratedWeights.tensor(name, shape)
      made.append((name, tensor))
      return tensor
    }
  }
}
