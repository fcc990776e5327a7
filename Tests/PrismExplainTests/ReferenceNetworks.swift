import Foundation
import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport

@testable import PrismExplain

/// The networks of `Tools/fixtures/toy_networks.py`, with the same weights, for what other packages
/// make with them.
enum ReferenceNetwork: String, CaseIterable, Decodable, Sendable {
  case plain, residual, dense

  /// The network and its image; the layer that CAM methods look at is called `features`.
  ///
  /// - Parameter side: The image's height and width; `plain` takes 16 alone.
  /// - Returns: The network and an image.
  /// - Throws: `ShapeError`.
  func make(side: Int = 16) throws -> (classifier: PlannedClassifier, image: Tensor) {
    let seed: UInt32 =
      switch self {
      case .plain: 1
      case .residual: 2
      case .dense: 10
      }
    let weights = Weights(seed: seed)
    let recording = try Recording(input: [1, side, side, 3]) { x in
      switch self {
      case .plain: Self.plain(x.named("input"), weights)
      case .residual: Self.residual(x.named("input"), weights)
      case .dense: Self.dense(x.named("input"), weights)
      }
    }
    let image = weights.uniform([1, side, side, 3], -2, 2)
    return (PlannedClassifier(recording, defaultLayer: "features"), image)
  }

  private static func plain(_ x: Value, _ w: Weights) -> Value {
    let early = w.convolution(w.convolution(x, 8, 3).relu(), 8, 3).relu().maxPool(kernel: 2)
    let features = w.convolution(w.convolution(early, 12, 3).relu(), 12, 3).relu().named("features")
    let flat = features.maxPool(kernel: 2).flattenedChannelsFirst()
    return w.dense(w.dense(flat, 16).relu(), 4)
  }

  private static func residual(_ x: Value, _ w: Weights) -> Value {
    let stem = w.normalized(w.convolution(x, 8, 3, bias: false)).relu()
      .maxPool(kernel: 3, stride: 2, padding: .symmetric(1))
    let features = block(block(stem, 8, 1, w), 12, 2, w).named("features")
    return w.dense(features.globalAveragePool(), 4)
  }

  private static func block(_ x: Value, _ outputs: Int, _ stride: Int, _ w: Weights) -> Value {
    let inner = w.normalized(w.convolution(x, outputs, 3, stride: stride, bias: false)).relu()
    let outer = w.normalized(w.convolution(inner, outputs, 3, bias: false))
    guard stride > 1 else { return (x + outer).relu() }
    let shortcut = w.normalized(w.convolution(x, outputs, 1, stride: stride, bias: false))
    return (shortcut + outer).relu()
  }

  private static func dense(_ x: Value, _ w: Weights) -> Value {
    let stem = w.normalized(w.convolution(x, 8, 3, bias: false)).relu().maxPool(kernel: 2)
    let block = growth(growth(stem, w), w)
    let transition = w.convolution(w.normalized(block).relu(), 8, 1, bias: false)
      .averagePool(kernel: 2)
    let features = w.normalized(growth(transition, w)).relu().named("features")
    return w.dense(features.globalAveragePool(), 4)
  }

  private static func growth(_ x: Value, _ w: Weights) -> Value {
    let squeezed = w.convolution(w.normalized(x).relu(), 8, 1, bias: false)
    return x.concatenated(with: [w.convolution(w.normalized(squeezed).relu(), 4, 3, bias: false)])
  }
}

/// Draws the parameters of layers in the order in which they are recorded.
private final class Weights {
  private var random: MersenneTwister
  private var count = 0

  init(seed: UInt32) { random = MersenneTwister(seed: seed) }

  func uniform(_ shape: Shape, _ low: Double, _ high: Double) -> Tensor {
    Tensor(shape, (0..<shape.count).map { _ in Float(low + (high - low) * random.uniform()) })
  }

  private func parameter(_ x: Value, _ tensor: Tensor) -> Value {
    count += 1
    return x.parameter(tensor, named: "parameter.\(count)")
  }

  private func weight(_ x: Value, _ shape: Shape) -> Value {
    let bound = (6 / Double(shape.count / shape[0])).squareRoot()
    return parameter(x, uniform(shape, -bound, bound))
  }

  func convolution(
    _ x: Value, _ outputs: Int, _ kernel: Int, stride: Int = 1, bias: Bool = true
  ) -> Value {
    let weight = weight(x, [outputs, x.shape[3], kernel, kernel])
    return x.convolution(
      weight, bias: bias ? parameter(x, uniform([outputs], -0.1, 0.1)) : nil, stride: stride,
      padding: .symmetric(kernel / 2))
  }

  func dense(_ x: Value, _ outputs: Int) -> Value {
    let weight = weight(x, [outputs, x.shape[1]])
    return x.dense(weight, bias: parameter(x, uniform([outputs], -0.1, 0.1)))
  }

  func normalized(_ x: Value) -> Value {
    let channels: Shape = [x.shape[3]]
    let scale = parameter(x, uniform(channels, 0.5, 1.5))
    let offset = parameter(x, uniform(channels, -0.3, 0.3))
    let mean = parameter(x, uniform(channels, -0.3, 0.3))
    let variance = parameter(x, uniform(channels, 0.5, 1.5))
    return x.batchNormalized(
      scale: scale, offset: offset, mean: mean, variance: variance, epsilon: 1e-5)
  }
}

/// A file under `Tests/Fixtures` that a script of `Tools/fixtures` has written.
func fixture<Content: Decodable>(_ name: String, as type: Content.Type) throws -> Content {
  let url = URL(filePath: Repository.fixtures + name)
  return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}
