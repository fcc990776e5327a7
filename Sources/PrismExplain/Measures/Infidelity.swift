public import PrismRuntime
public import PrismTensor

/// How far a map is from predicting what the removal of squares does to the output.
///
/// The mean over random squares of `(Σ_{p in the square} φ_p − (f(x) − f(x without the square)))²`:
/// the measure of the paper with its square removal, for maps that count contributions against the
/// masker's image. With `isScaled` the map is first multiplied with the factor that predicts best,
/// so that methods of different units can be compared. Square i depends on the seed and i alone.
/// Definition: Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019.
public struct Infidelity: Sendable, Equatable, Codable {
  /// The number of squares.
  public let samples: Int
  /// The side of a square.
  public let side: Int
  /// What stands in the square's place.
  public let masker: Masker
  /// Whether the map is scaled to predict best.
  public let isScaled: Bool
  /// The number that is explained.
  public let output: ExplainedOutput
  /// The seed of the squares.
  public let seed: UInt64

  /// Makes the metric.
  public init(
    samples: Int = 100, side: Int = 32, masker: Masker = .constant([0]), isScaled: Bool = false,
    output: ExplainedOutput = .logit, seed: UInt64 = 0
  ) {
    self.samples = samples
    self.side = side
    self.masker = masker
    self.isScaled = isScaled
    self.output = output
    self.seed = seed
  }

  /// Judges one map.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`.
  ///   - target: The logit that the map explains.
  ///   - image: The explained image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  /// - Returns: The mean square; zero for a perfect map.
  /// - Throws: ``ExplanationError``.
  public func callAsFunction(
    _ map: Tensor, target: Int, image: ExplainedImage, of classifier: any Classifier,
    work: Work = .unwatched
  ) throws -> Double {
    try self([map], target: target, image: image, of: classifier, work: work)[0]
  }

  /// Judges several maps of one logit, for which the squares are evaluated once.
  ///
  /// - Parameters:
  ///   - maps: Each `[H, W]`.
  ///   - target: The logit that the maps explain.
  ///   - image: The explained image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  /// - Returns: One mean square a map.
  /// - Throws: ``ExplanationError``.
  public func callAsFunction(
    _ maps: [Tensor], target: Int, image: ExplainedImage, of classifier: any Classifier,
    work: Work = .unwatched
  ) throws -> [Double] {
    for map in maps {
      guard map.shape == [image.height, image.width] else {
        throw ExplanationError.maskSize(given: map.shape, expected: [image.height, image.width])
      }
      guard map.isFinite else { throw ExplanationError.notFinite(layer: "the map") }
    }
    let removals = try removals(target: target, image: image, of: classifier, work: work)
    return maps.map { removals.error(of: $0) }
  }

  /// What the removal of the squares does to one logit, for maps that are made one after the other.
  ///
  /// - Parameters:
  ///   - target: The logit.
  ///   - image: The explained image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  /// - Returns: What judges maps.
  /// - Throws: ``ExplanationError``.
  public func removals(
    target: Int, image: ExplainedImage, of classifier: any Classifier, work: Work = .unwatched
  ) throws -> Removals {
    try image.check(for: classifier)
    guard samples >= 1, (1...min(image.height, image.width)).contains(side) else {
      throw ExplanationError.parameter(
        "infidelity", "needs at least 1 sample, and squares no larger than the image")
    }
    let squares = squares(in: image)
    work.plan(samples + 1)
    // The first image is the whole one.
    let images = try PerturbedImages(
      .windows(hidden: [.empty] + squares), of: image, masker: masker)
    let outputs = try Evaluator(
      classifier, targets: [target], output: output, work: work)(images)
    return Removals(
      squares: squares, fallen: outputs.dropFirst().map { outputs[0] - $0 }, isScaled: isScaled)
  }

  /// What the removal of squares does to an output.
  public struct Removals: Sendable, Equatable {
    fileprivate let squares: [PixelBox]
    /// How far the output falls when a square is removed.
    public let fallen: [Double]
    fileprivate let isScaled: Bool

    /// The mean square of how far the output falls: the error of a map that predicts nothing.
    public var errorOfNothing: Double {
      fallen.reduce(0) { $0 + $1 * $1 } / Double(fallen.count)
    }
  }

  /// The random squares.
  private func squares(in image: ExplainedImage) -> [PixelBox] {
    (0..<samples).map { sample in
      var random = SeededRandom(seed: seed, sample: sample)
      let y = Int(random.next(upperBound: UInt64(image.height - side + 1)))
      let x = Int(random.next(upperBound: UInt64(image.width - side + 1)))
      return PixelBox(rows: y..<y + side, columns: x..<x + side)
    }
  }
}

extension Infidelity.Removals {
  /// The mean square between what a map predicts and how far the output has fallen.
  ///
  /// - Parameter map: `[H, W]` of the explained image's size, finite.
  /// - Returns: Zero for a perfect map.
  public func error(of map: Tensor) -> Double {
    let (values, width) = (map.scalars, map.shape[1])
    let predicted = squares.map { square in
      square.rows.reduce(0.0) { sum, y in
        square.columns.reduce(sum) { $0 + Double(values[y * width + $1]) }
      }
    }
    var factor = 1.0
    if isScaled {
      let square = predicted.reduce(0) { $0 + $1 * $1 }
      factor = square > 0 ? zip(predicted, fallen).reduce(0) { $0 + $1.0 * $1.1 } / square : 0
    }
    return zip(predicted, fallen).reduce(0) {
      let error = factor * $1.0 - $1.1
      return $0 + error * error
    } / Double(fallen.count)
  }
}
