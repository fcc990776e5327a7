public import PrismRuntime
internal import PrismTensor

/// The mean of random soft masks, each weighted by what the model says of the masked image.
///
/// A mask is a grid of `cells × cells` bits that are one with the probability p, enlarged
/// bilinearly to one cell more than the image (half-pixel centres, reflected at the border) and
/// shifted at random by less than a cell. The map is `Σ y_i · M_i / (N · p)`, as in the authors'
/// program. Sample i depends on the seed and i alone. Definition: Petsiuk, Das and Saenko, "RISE:
/// Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018.
public struct RISE: BlackBoxExplainer {
  /// The method's name on the command line.
  public let name = "rise"
  /// The method's name as it is written in texts.
  public let title = "RISE"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.baseline], unit: .explained, cost: "one forward pass a sample",
    paper: "Petsiuk, Das and Saenko, RISE, BMVC 2018")
  /// The number of masks, or the limit where ``stopping`` is given.
  public let samples: Int
  /// The rows and columns of the grid.
  public let cells: Int
  /// The share of cells that are kept.
  public let probability: Double
  /// What masks; the authors multiply the network's input by the mask, that is zero.
  public let masker: Masker
  /// The number that is explained; the authors take the softmax, which weighs all masks by numbers
  /// from 0 to 1.
  public let output: ExplainedOutput
  /// The seed of the masks.
  public let seed: UInt64
  /// When to stop before all masks are drawn.
  public let stopping: StoppingRule?

  /// Makes the method.
  public init(
    samples: Int = 4000, cells: Int = 7, probability: Double = 0.5,
    masker: Masker = .constant([0]), output: ExplainedOutput = .softmax, seed: UInt64 = 0,
    stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.cells = cells
    self.probability = probability
    self.masker = masker
    self.output = output
    self.seed = seed
    self.stopping = stopping
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("samples", samples), .integer("cells", cells), .number("probability", probability),
      .text("mask", masker.description), .text("output", output.rawValue), .seed(seed),
    ] + stopping.parameters
  }

  /// Explains predictions for one image; the masks are computed once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    var maps = try SampledMaps(
      image, targets: targets.count, samples: samples, rule: stopping)
    let masks = try SoftMasks(
      count: samples, cells: cells, probability: probability, seed: seed
    )
    .sized(height: image.height, width: image.width)
    let images = try PerturbedImages(.softMasks(masks: masks.masks), of: image, masker: masker)
    let evaluator = Evaluator(classifier, targets: targets, output: output, work: work)
    work.plan(samples)
    try maps.draw(inGroupsOf: Self.group) { range in
      (first: range.lowerBound, scores: try evaluator(images, samples: range))
    } _: { group, index in
      let mask = masks[group.first + index].map(Double.init)
      return targets.indices.map { t in
        let factor = group.scores[index * targets.count + t] / probability
        return mask.map { $0 * factor }
      }
    }
    return zip(targets, maps.moments).map { target, moments in
      Attribution(
        target: target, output: output, values: image.map(moments.means), evaluations: maps.taken,
        standardError: image.errorMap(moments.standardErrors), diagnostics: maps.diagnostics)
    }
  }

  /// How many masks' outputs are held at a time.
  private static let group = 256
}
