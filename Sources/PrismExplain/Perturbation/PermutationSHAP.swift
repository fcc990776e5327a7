public import PrismRuntime
internal import PrismTensor

/// Shapley values of segments, by the segments' contributions in random orders.
///
/// In an order, the segments of the masked image appear one after the other, and what each adds to
/// the output is its contribution; the same order backwards comes with it, as in the package shap's
/// permutation explainer, so that a model of pairs of segments is explained exactly. Contributions
/// of an order add up to the difference between the whole and the masked image whatever the order,
/// and so do their means. Both ends of all orders are evaluated once. The standard errors are those
/// of the mean over orders, each with its reverse: they tell how much the numbers would change with
/// other orders. Where all orders of few segments can be had for what may be spent, they are, and
/// the values are exact. Definitions: Castro, Gómez and Tejada, "Polynomial Calculation of the
/// Shapley Value Based on Sampling", Computers & Operations Research 2009; the reversed orders:
/// Mitchell, Cooper, Frank and Holmes, "Sampling Permutations for Shapley Value Estimation", JMLR
/// 2022.
public struct PermutationSHAP: BlackBoxExplainer {
  /// The method's name on the command line.
  public let name = "permutation-shap"
  /// The method's name as it is written in texts.
  public let title = "Permutation SHAP"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.segments, .baseline], unit: .explained,
    cost: "two forward passes a segment and pair of orders, and two",
    paper: "Castro, Gómez and Tejada, Polynomial Calculation of the Shapley Value, C&OR 2009")
  /// The most evaluations, with or without ``stopping``; `nil` for ten orders with their reverses.
  public let samples: Int?
  /// How the image is divided.
  public let segmenter: Segmenter
  /// What masks the segments that are off.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput
  /// The seed of the orders.
  public let seed: UInt64
  /// When to stop before all orders are drawn.
  public let stopping: StoppingRule?

  /// The orders with their reverses that are drawn unless told otherwise, as in the package shap.
  static let usualPairs = 10
  /// The pairs of orders at the first look.
  static let firstLook = 8

  /// Makes the method.
  public init(
    samples: Int? = nil, segmenter: Segmenter = .quickshift(), masker: Masker = .segmentMean,
    output: ExplainedOutput = .logit, seed: UInt64 = 0, stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.segmenter = segmenter
    self.masker = masker
    self.output = output
    self.seed = seed
    self.stopping = stopping
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      samples.map { .integer("samples", $0) }
        ?? .text("samples", stopping == nil ? "20M-18" : "200M-198"),
      .text("segments", segmenter.description), .text("mask", masker.description),
      .text("output", output.rawValue), .seed(seed),
    ] + stopping.parameters
  }

  /// Explains predictions for one image; the orders are the same for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    try stopping?.check()
    let segmentation = try segmenter.segments(of: image, work: work)
    let d = segmentation.count
    guard d >= 2 else { throw ExplanationError.tooFewSegments(d) }
    let masked = try MaskedImage(image, masker: masker, segmentation: segmentation)
    let evaluator = Evaluator(classifier, targets: targets, output: output, work: work)
    // Coalitions of an order and its reverse, without the empty and the full one.
    let cost = 2 * (d - 1)
    let pairs =
      samples.map { ($0 - 2) / cost }
      ?? (stopping == nil ? Self.usualPairs : Self.usualPairs * ExplanationMethod.patience)
    guard pairs >= 1 else {
      throw ExplanationError.parameter(
        "the number of samples", "must be at least \(cost + 2) for one order of \(d) segments")
    }
    func scores(_ samples: Coalitions) throws -> [Double] {
      try evaluator(
        PerturbedImages(.coalitions(samples: samples, segmentation: segmentation), of: masked))
    }
    let whole = SegmentOrders.everyOrder(of: d, limit: pairs)
    let limit = whole?.count ?? pairs
    work.plan(limit * cost + 2)
    var ends = Coalitions(segments: d)
    ends.append { _ in false }
    ends.append { _ in true }
    let outer = try scores(ends)
    let (base, full) = (Array(outer[..<targets.count]), Array(outer[targets.count...]))
    var moments = targets.map { _ in PixelMoments(area: d, order: 2) }
    var (taken, isSure) = (0, false)
    let looks = whole == nil ? stopping.looks(limit: limit, first: Self.firstLook) : [limit]
    for look in looks where !isSure {
      while taken < look {
        let group = (taken..<min(taken + Self.group(of: cost), look)).map {
          whole?[$0] ?? SegmentOrders.order(of: d, seed: seed, sample: $0)
        }
        var samples = Coalitions(segments: d)
        for order in group { samples.append(order) }
        let found = try scores(samples)
        for (place, order) in group.enumerated() {
          for t in targets.indices {
            let row = (place * cost..<(place + 1) * cost).map { found[$0 * targets.count + t] }
            moments[t].add(
              SegmentOrders.contributions(of: order, row, base: base[t], full: full[t]))
          }
        }
        taken += group.count
      }
      guard let stopping, whole == nil else { continue }
      isSure = moments.allSatisfy {
        $0.standardErrors.allSatisfy(\.isFinite)
          && stopping.isSure($0.means, errors: $0.standardErrors, looks: looks.count)
      }
    }
    let notes = note(isExact: whole != nil, isSure: isSure, taken: taken)
    let segmentNotes = segmenter.note(found: d).map { [$0] } ?? []
    return targets.indices.map { t in
      let values = moments[t].means
      let errors =
        whole == nil ? moments[t].standardErrors : [Double](repeating: 0, count: d)
      return Attribution(
        target: targets[t], output: output, values: segmentation.map(values),
        evaluations: taken * cost + 2,
        completenessGap: full[t] - base[t] - values.reduce(0, +), baseValue: base[t],
        explainedValue: full[t], standardError: segmentation.errorMap(errors),
        segments: SegmentAttribution(
          segmentation: segmentation, values: values, standardErrors: errors),
        diagnostics: notes + segmentNotes)
    }
  }

  private func note(isExact: Bool, isSure: Bool, taken: Int) -> [String] {
    if isExact { return ["all orders of the segments were evaluated: the values are exact"] }
    return stopping.map {
      [
        $0.note(
          isSure: isSure, parts: "segments", taken: taken, of: "orders and their reverses")
      ]
    } ?? []
  }

  /// How many orders' outputs are held at a time.
  private static func group(of cost: Int) -> Int { max(256 / cost, 1) }
}
