internal import PrismKernels
internal import PrismTensor

/// Samples of segments that are evaluated until a fit to them is sure: what LIME and KernelSHAP
/// share.
struct SurrogateSearch {
  /// The most segments whose effects are fitted together: their products take 8·n² bytes.
  static let segmentLimit = 8192

  let segmentation: Segmentation
  private let notes: [String]
  private let masked: MaskedImage
  private let stopping: StoppingRule?
  private let evaluator: Evaluator

  /// Divides and masks an image.
  ///
  /// - Throws: ``ExplanationError``, and `CancellationError` in a cancelled task.
  init(
    _ image: ExplainedImage, segmenter: Segmenter, masker: Masker, stopping: StoppingRule?,
    evaluator: Evaluator
  ) throws {
    try stopping?.check()
    segmentation = try segmenter.segments(of: image, work: evaluator.work)
    guard segmentation.count >= 2 else {
      throw ExplanationError.tooFewSegments(segmentation.count)
    }
    guard segmentation.count <= Self.segmentLimit else {
      throw ExplanationError.tooManySegments(segmentation.count, limit: Self.segmentLimit)
    }
    notes = segmenter.note(found: segmentation.count).map { [$0] } ?? []
    masked = try MaskedImage(image, masker: masker, segmentation: segmentation)
    self.stopping = stopping
    self.evaluator = evaluator
    try checkLAPACK()
  }

  /// Makes sure, before anything is drawn, that samples can tell the segments apart: a linear model
  /// has as many unknowns as segments, and a constant.
  ///
  /// - Parameters:
  ///   - samples: The samples that are drawn.
  ///   - fixed: Images that the fit goes through besides.
  /// - Throws: ``ExplanationError/tooFewSamples(_:segments:)``, `OutOfMemoryError`.
  func check(samples: Int, fixed: Int = 0) throws {
    guard samples + fixed > segmentation.count else {
      throw ExplanationError.tooFewSamples(samples, segments: segmentation.count)
    }
    try checkMemory(samples: samples)
  }

  /// Makes sure, before anything is drawn, that samples and their outputs have room.
  ///
  /// - Throws: `OutOfMemoryError`.
  func checkMemory(samples: Int) throws {
    let bytes = ((segmentation.count - 1) / 64 + 1 + evaluator.targets.count) * 8
    try Memory.expecting(min(samples, 1 << 48) * bytes) {}
  }

  /// The images of samples.
  func images(_ samples: Coalitions) throws(ExplanationError) -> PerturbedImages {
    try PerturbedImages(
      .coalitions(samples: samples, segmentation: segmentation), of: masked)
  }

  /// The most bytes that a fit takes: some square matrices of the segments, and some numbers a
  /// sample.
  private func fitSize(samples: Int) -> Int {
    let (matrices, rows) = (6, 8)
    let d = segmentation.count + 1
    // The terms of an estimate are one number a segment of each pair.
    return (matrices * d * d + rows * samples * (evaluator.targets.count + 1) + samples * d / 2)
      * MemoryLayout<Double>.stride
  }

  /// What a search has found.
  struct Found {
    let fit: SurrogateFit
    /// The samples that were evaluated.
    let taken: Int
    /// Their outputs, one row a sample.
    let scores: [Double]
    fileprivate let search: SurrogateSearch
    fileprivate let isSure: Bool

    /// The attribution of a target.
    func attribution(
      _ t: Int, evaluations: Int, completenessGap: Double? = nil, baseValue: Double,
      explainedValue: Double, notes: [String] = []
    ) -> Attribution {
      let segmentation = search.segmentation
      let ranking = search.stopping.map {
        [$0.note(isSure: isSure, parts: "segments", taken: taken)]
      }
      let fitNotes =
        fit.scores[t] > 0
        ? []
        : [
          "the fit is no better than a constant (R² of 0 or less)"
            + (fit.isSure(of: t)
              ? ": the segments matter together, which no sum of their numbers tells"
              : ", so this map tells nothing: draw more samples or choose fewer segments")
        ]
      return Attribution(
        target: search.evaluator.targets[t], output: search.evaluator.output,
        values: segmentation.map(fit.values[t]), evaluations: evaluations,
        completenessGap: completenessGap, baseValue: baseValue, explainedValue: explainedValue,
        score: fit.scores[t], standardError: segmentation.errorMap(fit.standardErrors[t]),
        segments: SegmentAttribution(
          segmentation: segmentation, values: fit.values[t], standardErrors: fit.standardErrors[t]),
        diagnostics: (ranking ?? []) + search.notes + fitNotes
          + (fit.notes.isEmpty ? [] : fit.notes[t]) + notes)
    }
  }

  /// Evaluates samples, look by look, until the ranking of every target is sure.
  ///
  /// - Parameters:
  ///   - samples: All samples.
  ///   - looks: After how many of them to look; the last is the limit.
  ///   - fit: The model of the first samples, given their outputs.
  /// - Returns: The model of all samples that were evaluated.
  /// - Throws: What `fit` throws at the last look, and what the model throws.
  func run(
    _ samples: Coalitions, looks: [Int], fit: (Int, [Double]) throws -> SurrogateFit
  ) throws -> Found {
    let images = try images(samples)
    var scores: [Double] = []
    var taken = 0
    for look in looks {
      scores += try evaluator(images, samples: taken..<look)
      taken = look
      let isLast = look == looks.last
      do {
        let fit = try Memory.expecting(fitSize(samples: look)) { try fit(look, scores) }
        let isSure = fit.values.indices.allSatisfy { t in
          stopping?.isSure(fit.values[t], errors: fit.standardErrors[t], looks: looks.count)
            ?? false
        }
        if isSure || isLast {
          return Found(fit: fit, taken: taken, scores: scores, search: self, isSure: isSure)
        }
      } catch ExplanationError.tooFewSamples where !isLast {
        // Few samples may not tell the segments apart; more come.
      }
    }
    throw ExplanationError.parameter("the number of samples", "must be at least 2")
  }
}
