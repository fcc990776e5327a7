internal import PrismKernels
public import PrismRuntime
internal import PrismTensor

/// The share of an output's variance that each cell of a grid takes part in, as all cells are
/// faded at once: total Sobol indices.
///
/// A mask has a number from 0 to 1 for each of `cells × cells` rectangles, of which as much of the
/// image is kept. The masks are the rows of a replicated design on Sobol's sequence, which fills
/// the space evenly and has no random draws; Jansen's estimator makes the indices of what the model
/// says of them. An index has no sign: it says how much hangs on a cell, alone and together with
/// others, and neither for nor against. It is 0 for a cell that nothing hangs on. The map is
/// enlarged bilinearly with half-pixel centres, and its standard errors are those of the jackknife
/// over the design's points. Definition: Fel, Cadene, Chalvidal, Cord, Vigouroux and Serre, "Look at
/// the Variance! Efficient Black-box Explanations with Sobol-based Sensitivity Analysis", NeurIPS
/// 2021; the grid, the number of points and the masking by rectangles are those of the package
/// xplique, whose rows of B, which Jansen's estimator does not ask for, are not evaluated, and
/// which enlarges the map with cubics.
public struct Sobol: BlackBoxExplainer {
  /// The method's name on the command line.
  public let name = "sobol"
  /// The method's name as it is written in texts.
  public let title = "Sobol indices"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.baseline], cost: "one forward pass a sample, 65 a point of the design",
    paper: "Fel et al., Look at the Variance!, NeurIPS 2021")
  /// The most evaluations; the design has as many points as a power of two that keeps to them.
  public let samples: Int
  /// The rows and columns of the grid, at most 8; fewer where the samples would not do for eight
  /// points of the design.
  public let cells: Int
  /// What takes the place of what is faded.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput

  /// Makes the method.
  public init(
    samples: Int = 2080, cells: Int = 8, masker: Masker = .constant([0]),
    output: ExplainedOutput = .logit
  ) {
    self.samples = samples
    self.cells = cells
    self.masker = masker
    self.output = output
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    .ofGrid(samples: samples, cells: cells, masker: masker, output: output)
  }

  /// Explains predictions for one image; the masks are computed once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    guard (1...8).contains(cells) else {
      throw ExplanationError.parameter("the grid", "must have from 1 to 8 rows and columns")
    }
    let side = (1...cells).last { Self.fewestPoints * ($0 * $0 + 1) <= samples }
    guard let side else {
      throw ExplanationError.parameter(
        "the number of samples", "must be at least \(2 * Self.fewestPoints)")
    }
    var points = Self.fewestPoints
    while 2 * points * (side * side + 1) <= samples, points < 1 << 20 { points *= 2 }
    let indices = TotalSobolIndices(dimensions: side * side, points: points)
    let masks = GridMasks(
      rows: side, columns: side,
      values: try Memory.expecting(floats: indices.evaluations * side * side) {
        try indices.rows()
      })
    let notes =
      side < cells
      ? ["\(samples) samples are enough for a grid of \(side)×\(side) only, not \(cells)×\(cells)"]
      : []
    let images = try PerturbedImages(.gridMasks(masks: masks), of: image, masker: masker)
    work.plan(images.count)
    let scores = try Evaluator(classifier, targets: targets, output: output, work: work)(images)
    return targets.indices.map { t in
      let found = indices(images.indices(of: t, among: targets.count).map { scores[$0] })
      return Attribution(
        target: targets[t], output: output,
        values: image.enlarged(found.values, cells: side), evaluations: images.count,
        standardError: found.errors.allSatisfy(\.isFinite)
          ? image.enlarged(found.errors, cells: side) : nil,
        diagnostics: (found.values.allSatisfy { $0 == 0 } ? [Self.constant] : []) + notes)
    }
  }

  /// The fewest points of a design.
  private static let fewestPoints = 8

  /// What to tell where there is nothing to explain.
  static let constant = Attribution.blankMap + ": the model says the same of all masked images"
}

extension PerturbedImages {
  /// The places of one target's numbers among those of several, in the order of the images.
  func indices(of target: Int, among count: Int) -> StrideTo<Int> {
    stride(from: target, to: self.count * count, by: count)
  }
}

extension ExplainedImage {
  /// The numbers of a grid's cells, enlarged to the image's size: `[H, W]`.
  func enlarged(_ values: [Double], cells: Int) -> Tensor {
    Tensor([cells, cells], values.map { Float($0) }).resizedBilinear(height: height, width: width)
  }
}
