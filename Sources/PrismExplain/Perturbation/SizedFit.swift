internal import PrismRuntime
internal import PrismTensor

/// A linear model of outputs by a functional of all subsets, from those that were drawn.
struct SizedFit {
  let functional: SizedFunctional
  let draws: SizedDraws

  /// Draws subsets for a functional.
  ///
  /// - Parameters:
  ///   - functional: What is wanted.
  ///   - samples: The most subsets, with the whole and the empty one.
  ///   - seed: The seed of the draws.
  ///   - work: Is asked whether it goes on.
  /// - Throws: `CancellationError`.
  init(_ functional: SizedFunctional, samples: Int, seed: UInt64, work: Work) throws {
    self.functional = functional
    draws = try SizedDraws(for: functional, samples: samples, seed: seed, work: work)
  }

  /// The model of the first samples, judged by them in the regression's weights.
  ///
  /// - Parameters:
  ///   - count: The number of samples.
  ///   - scores: Their outputs, one row a sample.
  ///   - targets: The number of outputs.
  ///   - isForced: Whether the model goes through the whole and the empty subset.
  ///   - work: Is asked whether it goes on.
  /// - Returns: The model with its standard errors.
  /// - Throws: `ExplanationError` where LAPACK cannot be used; `CancellationError`.
  func callAsFunction(
    _ count: Int, scores: [Double], targets: Int, isForced: Bool, work: Work
  ) throws -> SurrogateFit {
    let d = functional.segments
    let coalitions = draws.coalitions.prefix(count)
    let sizes = (0..<count).map { coalitions.active($0).count }
    var counts = [Double](repeating: 0, count: d + 1)
    for size in sizes { counts[size] += 1 }
    let weights = sizes.map { functional.masses[$0] / counts[$0] }
    let total = weights.reduce(0, +)
    let meanBit = functional.masses.enumerated().reduce(0) {
      $0 + $1.element * Double($1.offset) / Double(d)
    }
    var (values, errors, intercepts, centres) = ([[Double]](), [[Double]](), [Double](), [Double]())
    var notes: [[String]] = []
    for t in 0..<targets {
      let outputs = (0..<count).map { scores[$0 * targets + t] }
      // The mean of equal numbers is that number, which rounding would hide.
      let isConstant = outputs.allSatisfy { $0 == outputs[0] }
      let (found, note) = try estimate(outputs, work: work)
      notes.append(isConstant ? [] : note.map { [$0] } ?? [])
      var own = isConstant ? [Double](repeating: 0, count: d) : Array(found.values[..<d])
      if isForced {
        // What rounding has left of the sum.
        let excess = own.reduce(0, +) - (outputs[0] - outputs[1])
        own = own.map { $0 - excess / Double(d) }
      }
      values.append(own)
      errors.append(Array(found.errors[..<d]))
      intercepts.append(
        isForced ? outputs[1] : found.values[d] - meanBit * own.reduce(0, +))
      centres.append(
        isConstant || total == 0
          ? outputs[0] : zip(weights, outputs).reduce(0) { $0 + $1.0 * $1.1 } / total)
    }
    var fit = SurrogateFit(
      of: WeightedCoalitions(coalitions, weights: weights), scores: scores, values: values,
      intercepts: intercepts, centres: centres)
    fit.standardErrors = errors
    fit.notes = notes
    return fit
  }

  /// The functional, with a guess no bolder than its arithmetic allows, and what is to be said of
  /// it.
  private func estimate(
    _ outputs: [Double], work: Work
  ) throws -> (estimate: SizedEstimate, note: String?) {
    let estimate = try SizedEstimate(of: functional, draws, outputs: outputs, work: work)
    let range = (outputs.max() ?? 0) - (outputs.min() ?? 0)
    if estimate.values.dropLast().allSatisfy({ abs($0) <= Self.mostRanges * range }) {
      return (estimate, estimate.isRounded ? Self.note : nil)
    }
    return (
      try SizedEstimate(of: functional, draws, outputs: outputs, hasProducts: false, work: work),
      Self.note
    )
  }

  /// No difference that a segment makes is larger than all outputs differ; with this many times
  /// that of what was seen a value is wrong.
  private static let mostRanges = 4.0
  private static let note =
    "what the samples tell of others was lost to rounding, so only a linear guess was used"
}
