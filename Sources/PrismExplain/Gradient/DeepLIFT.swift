internal import PrismAutodiff
public import PrismRuntime
internal import PrismTensor

/// The difference of the output from a baseline's, traced back through every operation (Rescale
/// rule; DeepSHAP).
///
/// `Σ_c m · (x − b)` with the multipliers m of every operation: `Δy / Δx` for elementwise
/// functions, SiLU and ReLU6 among them as one function each, the symmetric rule for products such
/// as squeeze-and-excitation gates, and the split by the winners for max pools. So the sum of the
/// map is `y(x) − y(b)` for all networks of the zoo, but for rounding; the completeness gap shows
/// it. With several baselines the map is the mean over them (DeepSHAP). Definitions: Shrikumar,
/// Greenside and Kundaje, "Learning Important Features Through Propagating Activation Differences",
/// ICML 2017; Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS
/// 2017.
public struct DeepLIFT: Explainer {
  /// The method's name on the command line.
  public let name = "deeplift"
  /// The method's name as it is written in texts.
  public let title = "DeepLIFT"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .baseline], unit: .explained,
    cost: "two forward passes and one backward pass a baseline and target",
    paper: "Shrikumar, Greenside and Kundaje, DeepLIFT, ICML 2017")
  /// What the image is compared with.
  public let baselines: [Masker]

  /// Makes the method.
  public init(baselines: [Masker] = [.constant([0])]) {
    self.baselines = baselines
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [.text("baselines", baselines.map(\.description).joined(separator: ","))]
  }

  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier, targets: targets)
    guard !baselines.isEmpty else {
      throw ExplanationError.parameter("the set of baselines", "is empty")
    }
    let starts = try baselines.map { try $0.replacement(for: image) }
    // The image and the baselines, then both again for the multipliers of every baseline.
    work.plan(1 + 3 * starts.count)
    let ends = try Evaluator(classifier, targets: targets, work: work)(starts + [image.input])
    var sums = targets.map { _ in [Double](repeating: 0, count: image.area) }
    for start in starts {
      let multipliers = try classifier.backward(
        from: targets, to: nil, passes: [image.pass], rule: DeepLIFTRule(reference: [start])
      ).flatMap(\.cotangents)
      try work.did(2)
      guard multipliers.allSatisfy(\.isFinite) else {
        throw ExplanationError.notFinite(layer: "the multipliers of the input")
      }
      let way = image.input - start
      for (t, multiplier) in multipliers.enumerated() {
        let map = ChannelReduction.sum(multiplier * way)
        for p in map.indices { sums[t][p] += map[p] / Double(starts.count) }
      }
    }
    return targets.indices.map { t in
      let base = ends.dropLast().reduce(0) { $0 + $1[t] } / Double(starts.count)
      return Attribution(
        target: targets[t], values: image.map(sums[t]), evaluations: 3 * starts.count + 1,
        completenessGap: ends[starts.count][t] - base - sums[t].reduce(0, +), baseValue: base,
        explainedValue: ends[starts.count][t])
    }
  }
}
