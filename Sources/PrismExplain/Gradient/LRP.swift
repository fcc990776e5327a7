internal import PrismAutodiff
public import PrismRuntime
internal import PrismTensor

/// Layer-wise relevance propagation: the logit, shared out from layer to layer down to the pixels.
///
/// Every layer divides the relevance of its outputs among its inputs; which rule a layer uses is
/// the ``composite``'s matter. Batch normalisations are merged into the layers before them; those
/// that cannot be, and all functions of one number (SiLU, hard-swish and GELU as well as ReLU), hand
/// relevance on as it is. Residual sums and average pools divide it in proportion to the summands, a
/// max pool gives it to the winner, and of a squeeze-and-excitation all of it goes to the signal and
/// none to the gate. The map is the input's relevance, added up over the channels. Its sum is the
/// logit but for what biases took, and the completeness gap says how much that is.
///
/// Definition: Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by
/// Layer-Wise Relevance Propagation", PLoS ONE 2015; the rules: Montavon et al., "Layer-Wise
/// Relevance Propagation: An Overview", 2019; the composites: Kohlbrenner et al., "Towards Best
/// Practice in Explaining Neural Network Decisions with LRP", IJCNN 2020. Rules, composites and
/// their constants are those of the package zennit.
public struct LRP: Explainer {
  /// Which rules are used at which layers.
  public enum Composite: String, Sendable, CaseIterable, Codable {
    /// The flat rule at the first layer, z⁺ at convolutions, ε at fully connected layers: maps
    /// that are positive but for the head, and hardly noisy.
    case epsilonPlusFlat = "epsilon-plus-flat"
    /// zᴮ at the first convolution, whose box is the range from black to white, γ at others, ε at
    /// fully connected layers: both signs, sharper.
    case epsilonGammaBox = "epsilon-gamma-box"
    /// ε at all layers: for networks of ReLU and max pools nearly the gradient times the input.
    case epsilon
    /// γ at all layers.
    case gamma
  }

  /// The method's name on the command line.
  public let name = "lrp"
  /// The method's name as it is written in texts.
  public let title = "LRP"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], unit: .explained,
    cost: "two forward passes, and one backward pass a target that takes as long as three",
    paper: "Bach et al., Layer-Wise Relevance Propagation, PLoS ONE 2015")
  /// Which rules are used at which layers.
  public let composite: Composite
  /// What is added to the magnitude of what relevance is divided by, by the ε rule.
  public let epsilon: Double
  /// How much more contributions count that go with the output, by the γ rule.
  public let gamma: Double

  /// Makes the method.
  public init(
    composite: Composite = .epsilonPlusFlat, epsilon: Double = 1e-6, gamma: Double = 0.25
  ) {
    self.composite = composite
    self.epsilon = epsilon
    self.gamma = gamma
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [.text("composite", composite.rawValue), .number("epsilon", epsilon), .number("gamma", gamma)]
  }

  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard epsilon >= 0, epsilon.isFinite else {
      throw ExplanationError.parameter("epsilon", "must be a number that is not negative")
    }
    guard gamma >= 0, gamma.isFinite else {
      throw ExplanationError.parameter("gamma", "must be a number that is not negative")
    }
    let (kind, diagnostics) = kind(for: image)
    let rule = RelevanceRule(
      RelevanceComposite(kind, epsilon: Float(epsilon), gamma: Float(gamma)))
    let relevances = try InputGradient(
      image, targets: targets, of: classifier, rule: rule, work: work, evaluations: 2)(image.input)
    let ends = try Evaluator(classifier, targets: targets, work: work)([image.input])[0]
    return targets.indices.map { t in
      let map = ChannelReduction.sum(relevances[t])
      let gap = ends[t] - map.reduce(0, +)
      return Attribution(
        target: targets[t], values: image.map(map), evaluations: 2, completenessGap: gap,
        baseValue: 0, explainedValue: ends[t],
        diagnostics: diagnostics + relevances[t].blankness + Self.notes(gap, of: ends[t]))
    }
  }

  /// The smallest part of the relevance that is told to have stayed in biases.
  static let mentionedShare = 0.5

  /// How many times the output may be missing until it is told to have grown.
  static let grownShare = 100.0

  /// What is told where most of the relevance does not reach the image.
  static func notes(_ gap: Double, of output: Double) -> [String] {
    guard abs(gap) >= mentionedShare * abs(output), output != 0 else { return [] }
    let share = gap / output
    guard abs(share) < grownShare else {
      return [
        "relevance has grown beyond all bounds where outputs of layers are nearly zero; the map says "
          + "nothing: use --composite \(Composite.epsilonPlusFlat.rawValue)"
      ]
    }
    guard (0...1).contains(share) else {
      return [
        "what reaches the image adds up to \(Float(output - gap)) where the output is "
          + "\(Float(output)): on the way relevances of both signs grow; the map shows how they "
          + "are divided, and is no sum"
      ]
    }
    return [
      "\(share.wholePercent) of the relevance stays in biases and shifts of normalisations; the map "
        + "shows how the rest is divided, and is no sum"
    ]
  }

  /// The composite for an image, whose range is the box, and what to tell of it.
  private func kind(
    for image: ExplainedImage
  ) -> (RelevanceComposite.Kind, diagnostics: [String]) {
    switch composite {
    case .epsilonPlusFlat: return (.epsilonPlusFlat, [])
    case .epsilon: return (.epsilon, [])
    case .gamma: return (.gamma, [])
    case .epsilonGammaBox:
      let (black, white, notes) = image.range
      return (
        .epsilonGammaBox(low: zip(black, white).map(min), high: zip(black, white).map(max)), notes
      )
    }
  }
}
