public import PrismRuntime
internal import PrismTensor

/// The mean of random soft masks, each weighted by what the model says of the masked image.
///
/// A mask is a grid of `cells × cells` bits that are one with the probability p, enlarged
/// bilinearly to one cell more than the image (half-pixel centres, reflected at the border) and
/// shifted at random by less than a cell. The map is `Σ y_i · M_i / (N · p)`, as in the authors'
/// program. Definition: Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation
/// of Black-box Models", BMVC 2018.
///
/// With ``Draws/paired``, unless told otherwise, every second mask is the opposite of the one
/// before it, and of the outputs is taken off what a linear model of the mask foretells, whose
/// share of the map is known. What is expected of the map is the same, and fewer masks than the
/// authors' are as certain. Sample i depends on the seed and i alone.
public struct RISE: BlackBoxExplainer {
  /// Which masks are drawn, and what is made of them.
  public enum Draws: String, Sendable, CaseIterable, Codable {
    /// Opposite masks in pairs, with what a linear model foretells. More than 131072 masks are
    /// ``independent``.
    case paired
    /// Every mask for itself, and their plain mean.
    case independent
  }

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
  /// Which masks are drawn, and what is made of them.
  public let draws: Draws
  /// The seed of the masks.
  public let seed: UInt64
  /// When to stop before all masks are drawn.
  public let stopping: StoppingRule?

  /// The masks of a peer's default, and those that are as certain.
  static let (publishedSamples, usualSamples) = (4000, 2000)

  /// Makes the method.
  public init(
    samples: Int = 2000, cells: Int = 7, probability: Double = 0.5,
    masker: Masker = .constant([0]), output: ExplainedOutput = .softmax,
    draws: Draws = .paired, seed: UInt64 = 0, stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.cells = cells
    self.probability = probability
    self.masker = masker
    self.output = output
    self.draws = draws
    self.seed = seed
    self.stopping = stopping
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("samples", samples), .integer("cells", cells), .number("probability", probability),
      .text("mask", masker.description), .text("output", output.rawValue),
      .text("draws", draws.rawValue), .seed(seed),
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
    guard samples >= 1 else {
      throw ExplanationError.parameter("the number of samples", "must be at least 1")
    }
    try stopping?.check()
    let masks = try SoftMasks(
      count: samples, cells: cells, probability: probability, seed: seed,
      arePaired: isRegressed
    )
    .sized(height: image.height, width: image.width)
    let images = try PerturbedImages(.softMasks(masks: masks.masks), of: image, masker: masker)
    let evaluator = Evaluator(classifier, targets: targets, output: output, work: work)
    work.plan(samples)
    return isRegressed
      ? try regressed(image, masks, images, evaluator)
      : try averaged(image, masks, images, evaluator)
  }

  /// Whether masks come in pairs: of too many of them the model would take too much memory.
  private var isRegressed: Bool { draws == .paired && samples <= 1 << 17 }

  /// The plain mean of the masks.
  private func averaged(
    _ image: ExplainedImage, _ masks: SoftMasks.Sized, _ images: PerturbedImages,
    _ evaluator: Evaluator
  ) throws -> [Attribution] {
    let targets = evaluator.targets
    var maps = try SampledMaps(
      image, targets: targets.count, samples: samples, rule: stopping)
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

  /// The mean of the masks with what a linear model of them foretells.
  private func regressed(
    _ image: ExplainedImage, _ masks: SoftMasks.Sized, _ images: PerturbedImages,
    _ evaluator: Evaluator
  ) throws -> [Attribution] {
    let targets = evaluator.targets
    let regression = MaskRegression(masks)
    let looks = stopping.looks(limit: samples)
    var (scores, taken, isSure) = ([Double](), 0, false)
    var maps: [MaskRegression.Map] = []
    for look in looks where !isSure {
      scores += try evaluator(images, samples: taken..<look)
      taken = look
      guard stopping != nil || look == samples else { continue }
      maps = try targets.indices.map { t in
        try regression((0..<look).map { scores[$0 * targets.count + t] }, work: evaluator.work)
      }
      isSure =
        stopping.map { rule in
          maps.allSatisfy { rule.isSure($0.cells, errors: $0.cellErrors, looks: looks.count) }
        } ?? false
    }
    let notes =
      stopping.map { [$0.note(isSure: isSure, parts: "cells", taken: taken)] } ?? []
    return zip(targets, maps).map { target, map in
      Attribution(
        target: target, output: output, values: image.map(map.values), evaluations: taken,
        standardError: image.errorMap(map.errors), diagnostics: notes)
    }
  }

  /// How many masks' outputs are held at a time.
  private static let group = 256
}
