public import PrismRuntime
internal import PrismTensor

/// How much an explanation changes when the image hardly does.
///
/// The largest `‖φ(x + noise) − φ(x)‖ / ‖φ(x)‖` over some draws of noise that is evenly distributed
/// from −radius to radius in every number of the network's input. captum's defaults: radius 0.02,
/// 10 draws. Definition: Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS
/// 2019.
public struct MaximumSensitivity: Sendable, Equatable, Codable {
  /// The largest change of a number of the input.
  public let radius: Double
  /// The number of draws.
  public let draws: Int
  /// The seed of the noise.
  public let seed: UInt64

  /// Makes the metric.
  public init(radius: Double = 0.02, draws: Int = 10, seed: UInt64 = 0) {
    self.radius = radius
    self.draws = draws
    self.seed = seed
  }

  /// Judges a method on one image.
  ///
  /// - Parameters:
  ///   - explainer: The method.
  ///   - targets: The logits to explain.
  ///   - image: The image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  /// - Returns: One number a target; `nil` where the map of the image is zero.
  /// - Throws: ``ExplanationError``, and what the method throws.
  public func callAsFunction(
    _ explainer: some Explainer, targets: [Int], image: ExplainedImage,
    of classifier: any DifferentiableClassifier,
    work: Work = .unwatched
  ) throws -> [Double?] {
    guard draws >= 1, radius >= 0, radius.isFinite else {
      throw ExplanationError.parameter(
        "sensitivity", "needs at least 1 draw and a radius from 0 up")
    }
    let maps = try explainer.explain(
      image, targets: targets, of: classifier, work: work)
    var worst = targets.map { _ in 0.0 }
    for draw in 0..<draws {
      var random = SeededRandom(seed: seed, sample: draw)
      let noisy = image.input.map { $0 + Float(radius) * (2 * random.uniform() - 1) }
      let moved = ExplainedImage(
        noisy, pixels: image.pixels, black: image.black, white: image.white)
      for (t, other) in try explainer.explain(
        moved, targets: targets, of: classifier, work: work
      ).enumerated() {
        let change = other.values - maps[t].values
        worst[t] = max(worst[t], change.dot(change).squareRoot())
      }
    }
    return targets.indices.map { t in
      let size = maps[t].values.dot(maps[t].values).squareRoot()
      return size > 0 ? worst[t] / size : nil
    }
  }
}
