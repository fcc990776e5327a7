import Prism
import PrismModels
import PrismTestSupport

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Weights files of narrow networks with generated weights, which explain a picture in no time.
enum SmallModel {
  /// Ten labels that exclude each other.
  static let softmax = write("torch-mobilenet_v2")
  /// Two labels, one logit.
  static let binary = write("torch-mobilenet_v2-1")
  /// Fourteen labels that do not exclude each other.
  static let sigmoid = write("torch-mobilenet_v2-14")

  /// The path of a file with the card of a parity fixture, but narrower; an empty path where it cannot be written.
  private static func write(_ fixture: String) -> String {
    let path =
      FileManager.default.temporaryDirectory.path + "/prism-\(UUID().uuidString).safetensors"
    do {
      var card = try SafetensorsFile(
        contentsOf: "\(Repository.fixtures)parity/\(fixture).safetensors"
      ).card()
      card.config.width = 0.25
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

  private final class Tensors {
    var made: [(name: String, tensor: Tensor)] = []

    func make(_ name: String, _ shape: Shape) -> Tensor {
      let tensor = GeneratedWeights.tensor(name, shape)
      made.append((name, tensor))
      return tensor
    }
  }
}
