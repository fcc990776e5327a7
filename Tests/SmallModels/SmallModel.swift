internal import Prism
internal import PrismModels
internal import PrismTestSupport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
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
    return path
  }

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
