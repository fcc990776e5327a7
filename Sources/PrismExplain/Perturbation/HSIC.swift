internal import PrismKernels
public import PrismRuntime
internal import PrismTensor

/// How strongly the output depends on whether each cell of a grid is there: Hilbert and Schmidt's
/// criterion of independence.
///
/// Each mask keeps about half of `cells × cells` rectangles: those whose number in a point of
/// Sobol's sequence is above a half, so that there are no random draws. With `xᵢ` whether a cell is
/// kept in the masks and `L` the Gaussian kernel of the outputs, as wide as their median is large,
/// centred by rows and columns, the number of a cell is `Σ (3/2 − (xⱼ − xₖ)²) Lⱼₖ / N`, where the
/// constant falls out. It has no sign: it is 0 where the output does not depend on the cell in any
/// way, and grows with any kind of dependence. The map is enlarged bilinearly with half-pixel
/// centres. Definition: Novello, Fel and Vigouroux, "Making Sense of Dependence: Efficient Black-box
/// Explanations Using Dependence Measure", NeurIPS 2022; kernels, width and scale are those of the
/// package xplique.
public struct HSIC: BlackBoxExplainer {
  /// The method's name on the command line.
  public let name = "hsic"
  /// The method's name as it is written in texts.
  public let title = "HSIC"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.baseline], cost: "one forward pass a sample",
    paper: "Novello, Fel and Vigouroux, Making Sense of Dependence, NeurIPS 2022")
  /// The number of masks.
  public let samples: Int
  /// The rows and columns of the grid, at most 11.
  public let cells: Int
  /// What takes the place of what is not kept.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput

  /// The most masks: the kernel has a number for each pair.
  static let sampleLimit = 8192

  /// Makes the method.
  public init(
    samples: Int = 500, cells: Int = 8, masker: Masker = .constant([0]),
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
    guard (1...11).contains(cells) else {
      throw ExplanationError.parameter("the grid", "must have from 1 to 11 rows and columns")
    }
    guard (4...Self.sampleLimit).contains(samples) else {
      throw ExplanationError.parameter(
        "the number of samples", "must be from 4 to \(Self.sampleLimit)")
    }
    var sequence = try SobolSequence(dimensions: cells * cells)
    let kept = (0..<samples).map { _ in sequence.next().map { $0 > 0.5 } }
    let masks = GridMasks(
      rows: cells, columns: cells, values: kept.map { $0.map { $0 ? 1 : 0 } })
    let images = try PerturbedImages(.gridMasks(masks: masks), of: image, masker: masker)
    work.plan(images.count)
    let scores = try Evaluator(classifier, targets: targets, output: output, work: work)(images)
    return try targets.indices.map { t in
      try work.check()
      let outputs = images.indices(of: t, among: targets.count).map { scores[$0] }
      let values = try Memory.expecting(outputs.count * outputs.count * 8) {
        Self.dependence(of: outputs, on: kept)
      }
      return Attribution(
        target: targets[t], output: output, values: image.enlarged(values, cells: cells),
        evaluations: images.count,
        diagnostics: values.allSatisfy { $0 == 0 } ? [Sobol.constant] : [])
    }
  }

  /// The criterion between outputs and what is kept.
  ///
  /// - Parameters:
  ///   - outputs: One for each mask.
  ///   - kept: For each mask, whether each cell is kept.
  /// - Returns: One number a cell.
  static func dependence(of outputs: [Double], on kept: [[Bool]]) -> [Double] {
    let n = outputs.count
    let kernel = centredKernel(of: outputs)
    return (kept.first ?? []).indices.map { cell in
      // Rows and columns of the kernel add up to zero, and what is left of the cell's kernel is
      // twice the product of both.
      let on = (0..<n).filter { kept[$0][cell] }
      var sum = 0.0
      for j in on { for k in on { sum += kernel[j * n + k] } }
      return 2 * sum / Double(n)
    }
  }

  /// The Gaussian kernel of outputs, as wide as their median, centred.
  private static func centredKernel(of outputs: [Double]) -> [Double] {
    let n = outputs.count
    let width = self.width(of: outputs)
    var kernel = [Double](repeating: 0, count: n * n)
    guard width > 0 else { return kernel }
    for j in 0..<n {
      for k in 0..<n {
        let distance = outputs[j] - outputs[k]
        kernel[j * n + k] = exponential(-distance * distance / (2 * width * width))
      }
    }
    let means = (0..<n).map { j in
      kernel[j * n..<(j + 1) * n].reduce(0, +) / Double(n)
    }
    let mean = means.reduce(0, +) / Double(n)
    for j in 0..<n { for k in 0..<n { kernel[j * n + k] += mean - means[j] - means[k] } }
    return kernel
  }

  /// The median's magnitude; where that is next to nothing, the outputs' deviation.
  private static func width(of outputs: [Double]) -> Double {
    let sorted = outputs.sorted()
    let median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    let mean = outputs.reduce(0, +) / Double(outputs.count)
    let squares = outputs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(outputs.count)).squareRoot()
    return abs(median) > 1e-3 * deviation ? abs(median) : deviation
  }
}
