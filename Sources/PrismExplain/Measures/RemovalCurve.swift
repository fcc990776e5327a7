public import PrismRuntime
public import PrismTensor

/// How the output changes while pixels are taken away, or brought in, in the order of a map.
///
/// Deletion goes from the image to the substrate, largest attribution first; insertion from the
/// substrate to the image. There are ⌈H · W / step⌉ + 1 points, and the area is
/// `(Σ y − ½ first − ½ last) / (points − 1)`, as in the authors' program; equal attributions go in
/// the order of the pixels (the authors' sort leaves their order open). A good map has a small area
/// under deletion and a large one under insertion. Definition: Petsiuk, Das and Saenko, "RISE",
/// BMVC 2018; where their program begins an insertion from the image under a Gaussian of 11×11
/// pixels (σ = 5), this one takes the mean of 11×11 pixels.
public struct RemovalCurve: Sendable, Equatable, Codable {
  /// Which way.
  public enum Direction: String, Sendable, CaseIterable, Codable {
    /// Pixels are taken away.
    case deletion
    /// Pixels are brought in.
    case insertion
  }

  /// What a curve says.
  public struct Result: Sendable, Equatable, Codable {
    /// The output at every point.
    public let outputs: [Double]
    /// The area under the curve, over a way of length 1.
    public let area: Double
  }

  /// Which way.
  public let direction: Direction
  /// The number of pixels a step; `nil` for a row's width.
  public let step: Int?
  /// What pixels are taken from when they are not there.
  public let substrate: Masker
  /// The number that is followed.
  public let output: ExplainedOutput

  /// Makes the metric; the substrate is zero for deletion and a blurred image for insertion unless
  /// given.
  public init(
    _ direction: Direction, step: Int? = nil, substrate: Masker? = nil,
    output: ExplainedOutput = .softmax
  ) {
    self.direction = direction
    self.step = step
    self.substrate =
      substrate ?? (direction == .deletion ? .constant([0]) : .blur(rows: 11, columns: 11))
    self.output = output
  }

  /// Up to which part of the image the steps' pixels lie close together.
  private static let largestExtent = 0.15

  /// Follows one map.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`.
  ///   - target: The logit that the map explains.
  ///   - image: The explained image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  /// - Returns: The curve and its area.
  /// - Throws: ``ExplanationError``.
  public func callAsFunction(
    _ map: Tensor, target: Int, image: ExplainedImage, of classifier: any Classifier,
    work: Work = .unwatched
  ) throws -> Result {
    try image.check(for: classifier)
    let step = step ?? image.width
    guard step >= 1 else { throw ExplanationError.parameter("the step", "must be at least 1") }
    guard map.shape == [image.height, image.width] else {
      throw ExplanationError.maskSize(given: map.shape, expected: [image.height, image.width])
    }
    guard map.isFinite else { throw ExplanationError.notFinite(layer: "the map") }
    let steps = PixelRemoval(by: map, step: step, isInsertion: direction == .insertion)
    let points = steps.count
    work.plan(points)
    let images = try PerturbedImages(.removal(steps: steps), of: image, masker: substrate)
    // From one point to the next only what the step's pixels reach is computed, where they lie close
    // together.
    let isLocal = steps.meanExtent(width: image.width) < Self.largestExtent
    let outputs = try Evaluator(
      isLocal ? classifier.inSequence() : classifier, targets: [target], output: output,
      work: work)(images)
    let sum = outputs.reduce(0, +) - (outputs[0] + outputs[points - 1]) / 2
    return Result(outputs: outputs, area: sum / Double(points - 1))
  }
}
