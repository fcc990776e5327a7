public import PrismRuntime
internal import PrismTensor

/// The mean of random soft masks, each weighted by what the model says of the masked image.
///
/// A mask is a grid of `cells × cells` bits that are one with the probability p, enlarged bilinearly to one cell more
/// than the image (half-pixel centres, reflected at the border) and shifted at random by less than a cell. The map is
/// `Σ y_i · M_i / (N · p)`, as in the authors' program. Sample i depends on the seed and i alone. Definition: Petsiuk,
/// Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018.
public struct RISE: BlackBoxExplainer {
  /// The method's name on the command line.
  public let name = "rise"
  /// The method's name as it is written in texts.
  public let title = "RISE"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.baseline], cost: "one forward pass a sample",
    paper: "Petsiuk, Das and Saenko, RISE, BMVC 2018")
  /// The number of masks, or the limit where ``stopping`` is given.
  public let samples: Int
  /// The rows and columns of the grid.
  public let cells: Int
  /// The share of cells that are kept.
  public let probability: Double
  /// What masks; the authors multiply the network's input by the mask, that is zero.
  public let masker: Masker
  /// The number that is explained; the authors take the softmax, which weighs all masks by numbers from 0 to 1.
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
    guard (1...min(image.height, image.width)).contains(cells) else {
      throw ExplanationError.parameter(
        "the grid", "must have at least 1 cell and no more than pixels")
    }
    guard probability > 0, probability <= 1 else {
      throw ExplanationError.parameter("the probability", "must be above 0 and at most 1")
    }
    let masks = Masks(self, height: image.height, width: image.width)
    let replacement = try masker.replacement(for: image)
    let input = image.input
    let channels = image.channels
    let evaluator = Evaluator(
      classifier, targets: targets, output: output, work: work)
    try maps.draw(inGroupsOf: Evaluator.chunk) { range in
      let scores = try evaluator(range.count) { index, target in
        let mask = masks[range.lowerBound + index]
        input.withUnsafePointer { x in
          replacement.withUnsafePointer { other in
            for p in mask.indices {
              for i in p * channels..<(p + 1) * channels {
                target[i] = mask[p] * x[i] + (1 - mask[p]) * other[i]
              }
            }
          }
        }
      }
      return (first: range.lowerBound, scores: scores)
    } _: { group, index in
      let mask = masks[group.first + index].map(Double.init)
      return targets.indices.map { t in
        let factor = group.scores[index * targets.count + t] / probability
        return mask.map { $0 * factor }
      }
    }
    return zip(targets, maps.moments).map { target, moments in
      Attribution(
        target: target, values: image.map(moments.means), evaluations: maps.taken,
        standardError: image.errorMap(moments.standardErrors), diagnostics: maps.diagnostics)
    }
  }

  /// The masks, each a function of the seed and its index.
  struct Masks: Sendable {
    let height, width, cells: Int
    let probability: Double
    let seed: UInt64
    private let rows, columns: BilinearAxis
    private let cell: (height: Int, width: Int)

    init(_ method: RISE, height: Int, width: Int) {
      self.height = height
      self.width = width
      cells = method.cells
      probability = method.probability
      seed = method.seed
      cell = ((height + cells - 1) / cells, (width + cells - 1) / cells)
      rows = BilinearAxis(mirroring: cells, to: (cells + 1) * cell.height)
      columns = BilinearAxis(mirroring: cells, to: (cells + 1) * cell.width)
    }

    subscript(sample: Int) -> [Float] {
      var random = SeededRandom(seed: seed, sample: sample)
      let grid = (0..<cells * cells).map { _ -> Float in
        Double(random.uniform()) < probability ? 1 : 0
      }
      let top = Int(random.next(upperBound: UInt64(cell.height)))
      let left = Int(random.next(upperBound: UInt64(cell.width)))
      return mask(grid, top: top, left: left)
    }

    /// A grid enlarged and cropped.
    func mask(_ grid: [Float], top: Int, left: Int) -> [Float] {
      var mask: [Float] = []
      mask.reserveCapacity(height * width)
      for y in top..<top + height {
        let (upper, lower, v) = (rows.first[y] * cells, rows.second[y] * cells, rows.weight[y])
        for x in left..<left + width {
          let (l, r, u) = (columns.first[x], columns.second[x], columns.weight[x])
          mask.append(
            (1 - v) * ((1 - u) * grid[upper + l] + u * grid[upper + r])
              + v * ((1 - u) * grid[lower + l] + u * grid[lower + r]))
        }
      }
      return mask
    }
  }
}
