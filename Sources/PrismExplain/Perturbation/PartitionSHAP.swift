public import PrismRuntime
internal import PrismTensor

/// Owen values on the tree of halves of the image: Shapley values in which a rectangle's parts act
/// together.
///
/// The image is halved across its longer side again and again. A rectangle's credit is what it
/// adds, averaged over its sibling being there or not, level by level; rectangles whose credit is
/// largest are divided first, until the evaluations are spent, and what is left undivided shares
/// its credit evenly among its pixels. Base value plus sum is the output for any number of
/// evaluations. With several targets the largest of their credits drives the division: what is
/// divided, and so the values, depends on the targets asked for together.
///
/// ``Mode/shap`` reproduces the package shap 0.51 number for number: its tree, which is reflected
/// through the image's centre and divides pixels into channels, its order and its draws for ties;
/// where it inpaints, pixels are kept of which all channels are. Definition: Owen, "Values of games
/// with a priori unions", 1977; the order of division is that of shap's `PartitionExplainer`.
public struct PartitionSHAP: BlackBoxExplainer {
  /// Which tree and order.
  public enum Mode: String, Sendable, CaseIterable, Codable {
    /// Halves of the image down to pixels; what was found first is divided first among equals.
    case plain
    /// Those of the package shap, with the seed as NumPy's global one.
    case shap
  }

  /// The method's name on the command line.
  public let name = "shap"
  /// The method's name as it is written in texts.
  public let title = "Partition SHAP"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.baseline], unit: .explained, cost: "as many forward passes as allowed",
    paper: "Owen, Values of games with a priori unions, 1977; Lundberg, shap")
  /// The largest number of evaluations; at least 2.
  public let evaluations: Int
  /// How many images are evaluated before rectangles are chosen anew; a parameter of the
  /// definition, whatever the batch of the model.
  public let round: Int
  /// What masks.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput
  /// Which tree and order.
  public let mode: Mode
  /// The seed of the draws for ties in ``Mode/shap``; nothing else is drawn.
  public let seed: UInt64

  /// Makes the method.
  public init(
    evaluations: Int = 500, round: Int = 10, masker: Masker = .blur(rows: 32, columns: 32),
    output: ExplainedOutput = .logit, mode: Mode = .plain, seed: UInt64 = 0
  ) {
    self.evaluations = evaluations
    self.round = round
    self.masker = masker
    self.output = output
    self.mode = mode
    self.seed = seed
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("evaluations", evaluations), .integer("round", round),
      .text("mask", masker.description), .text("output", output.rawValue),
      .text("mode", mode.rawValue), .seed(seed),
    ]
  }

  /// Explains predictions for one image; every division is evaluated once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    guard evaluations >= 2, round >= 2 else {
      throw ExplanationError.parameter(
        "the number of evaluations", "must be at least 2, and so the round")
    }
    guard let seed = UInt32(exactly: seed) else {
      throw ExplanationError.parameter("the seed", "must be below 4294967296")
    }
    let evaluator = Evaluator(
      classifier, targets: targets, output: output, work: work)
    var division = try OwenDivision(image, masker: masker, isShap: mode == .shap, seed: seed)
    work.plan(evaluations)
    try division.run(evaluator, evaluations: evaluations, round: round)
    return targets.enumerated().map { t, target in
      let map = division.values(t)
      return Attribution(
        target: target, output: output, values: image.map(map), evaluations: division.spent,
        completenessGap: division.whole[t] - division.base[t] - map.reduce(0, +),
        baseValue: division.base[t], explainedValue: division.whole[t],
        diagnostics: targets.count > 1
          ? [
            "what is divided was chosen for the \(targets.count) explained labels together"
          ] : [])
    }
  }
}
