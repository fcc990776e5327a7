internal import PrismKernels
public import PrismRuntime
public import PrismTensor

/// How the output changes when a share of the pixels is replaced by what their neighbours say of
/// them, the most important first or the least important first.
///
/// What is replaced leaves no border behind by which the model could tell where it was. A good map
/// has a small ``Result/mostRelevantFirst`` and a large ``Result/leastRelevantFirst``. Definition:
/// Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods" (ROAD),
/// ICML 2022. The paper counts how many pictures of a data set are still classified right; here the
/// label's probability is followed, which says more of a picture and is defined where labels do not
/// exclude each other.
public struct RemoveAndDebias: Sendable, Equatable, Codable {
  /// What both orders say, means over the shares.
  public struct Result: Sendable, Equatable, Codable {
    /// The output for every share, the most important pixels replaced.
    public let mostRelevantOutputs: [Double]
    /// The output for every share, the least important pixels replaced.
    public let leastRelevantOutputs: [Double]
    /// The mean output while the most important pixels go; small is good.
    public var mostRelevantFirst: Double { Self.mean(mostRelevantOutputs) }
    /// The mean output while the least important pixels go; large is good.
    public var leastRelevantFirst: Double { Self.mean(leastRelevantOutputs) }
    /// Half the difference of both, as the package pytorch-grad-cam has it; large is good.
    public var combined: Double { (leastRelevantFirst - mostRelevantFirst) / 2 }

    private static func mean(_ values: [Double]) -> Double {
      values.reduce(0, +) / Double(max(values.count, 1))
    }
  }

  /// The shares of the pixels that are replaced, in percent.
  public let percentages: [Int]
  /// The standard deviation of the noise, in the network's input.
  public let noise: Double
  /// The number that is followed.
  public let output: ExplainedOutput
  /// The seed of the noise.
  public let seed: UInt64

  /// Makes the metric; the paper's shares are 10, 20 … 90 percent.
  public init(
    percentages: [Int] = Array(stride(from: 10, through: 90, by: 10)), noise: Double = 0.01,
    output: ExplainedOutput = .softmax, seed: UInt64 = 0
  ) {
    self.percentages = percentages
    self.noise = noise
    self.output = output
    self.seed = seed
  }

  /// Judges one map.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`; equal values go in the order of the pixels, in both orders.
  ///   - target: The logit that the map explains.
  ///   - image: The explained image.
  ///   - classifier: The model.
  ///   - work: Is told of every batch.
  /// - Returns: The outputs.
  /// - Throws: ``ExplanationError``.
  public func callAsFunction(
    _ map: Tensor, target: Int, image: ExplainedImage, of classifier: any Classifier,
    work: Work = .unwatched
  ) throws -> Result {
    try image.check(for: classifier)
    guard !percentages.isEmpty, percentages.allSatisfy({ (1...99).contains($0) }), noise >= 0,
      noise.isFinite
    else {
      throw ExplanationError.parameter(
        "ROAD", "needs shares from 1 to 99 percent and noise from 0 up")
    }
    guard map.shape == [image.height, image.width] else {
      throw ExplanationError.maskSize(given: map.shape, expected: [image.height, image.width])
    }
    guard map.isFinite else { throw ExplanationError.notFinite(layer: "the map") }
    work.plan(2 * percentages.count)
    let orders = [map.descendingOrder, map.map { -$0 }.descendingOrder]
    let imputation = NoisyLinearImputation(image.input)
    let shares = percentages.count
    let images = try Workers.pool.map(2 * shares) { number in
      let count = image.area * percentages[number % shares] / 100
      var random = SeededRandom(seed: seed, sample: number)
      return imputation(
        filling: orders[number / shares].prefix(count).sorted(), noise: noise, using: &random)
    }
    let outputs = try Evaluator(classifier, targets: [target], output: output, work: work)(images)
      .map { $0[0] }
    return Result(
      mostRelevantOutputs: Array(outputs[..<shares]),
      leastRelevantOutputs: Array(outputs[shares...]))
  }
}
