internal import PrismRuntime
internal import PrismTensor

/// A functional of the outputs of all subsets, estimated from the pairs that were drawn.
///
/// A ``CoalitionSurrogate`` guesses the outputs; the functional of the guess is known, and what the
/// pairs miss of a guess that was made without them corrects it. So the estimate is nearly right on
/// average whatever the guess is worth (what the one pair that is left out misses stands for all
/// that were not drawn), and the misses tell its standard error. Definition of such estimates: Witter, Liu and Musco, "Regression-Adjusted Monte Carlo Estimators for Shapley Values
/// and Probabilistic Values", 2025.
struct SizedEstimate {
  /// The most pairs that a guess is learned from; more are divided.
  private static let mostPairs = 640

  /// One number a segment, and the level behind them.
  private(set) var values: [Double]
  /// Their standard errors; infinite where too few pairs were drawn.
  private(set) var errors: [Double] = []
  /// Whether rounding shows in what was guessed with products of bits; such guesses are left out.
  private(set) var isRounded = false

  /// Pairs of sizes that are taken together, so that there are several of them.
  private struct Bin {
    var sizes: [Int]
    var pairs: [Int]
    var mass: Double
    /// What of the pairs of these sizes was not drawn.
    var left = 1.0
  }

  /// Estimates a functional.
  ///
  /// - Parameters:
  ///   - functional: What is wanted.
  ///   - draws: The subsets.
  ///   - outputs: The output for each of the first of them.
  ///   - hasProducts: Whether guesses are more than linear.
  ///   - work: Is asked whether it goes on.
  /// - Throws: `ExplanationError` where LAPACK cannot be used; `CancellationError`.
  init(
    of functional: SizedFunctional, _ draws: SizedDraws, outputs: [Double],
    hasProducts: Bool = true, work: Work
  ) throws {
    let d = functional.segments
    let pairs = SizedDraws.pairs(in: outputs.count)
    let counts = draws.counts(pairs: pairs)
    let isKnown = counts.indices.map { Double(counts[$0]) >= draws.available[$0] }
    values = [Double](repeating: 0, count: d + 1)
    for j in 0..<d {
      values[j] = functional.inside[d] * outputs[0] + functional.outside[0] * outputs[1]
    }
    values[d] = functional.level[d] * outputs[0] + functional.level[0] * outputs[1]
    let bins = Self.bins(draws, counts, pairs, isKnown)
    // What every pair adds by being missed, to know how far the sum may be off.
    var terms = [Double](repeating: 0, count: pairs * (d + 1))
    let effects = try Self.effects(draws, pairs, outputs)
    for parity in SizedFunctional.Parity.allCases {
      let coefficients = functional.pairs(parity)
      guard coefficients.contains(where: { $0.square > 0 || $0.level != 0 }) else { continue }
      let part = Part(
        parity: parity, coefficients: coefficients, effects: effects, draws: draws,
        outputs: outputs, pairs: pairs)
      add(part, counts, isKnown)
      try add(part, bins, hasProducts: hasProducts, &terms, work: work)
    }
    // What segments matter by themselves shapes the guess and was learned from the same pairs; for
    // that the misses are somewhat too small.
    let inflation = 1 + Double(d) / Double(2 * max(pairs, 1))
    errors = Self.errors(terms, bins, d + 1).map { $0 * inflation.squareRoot() }
  }

  /// The odd or the even part of the outputs.
  private struct Part {
    let parity: SizedFunctional.Parity
    let coefficients: [SizedFunctional.Pair]
    /// How much every segment matters by itself.
    let effects: [Double]
    let draws: SizedDraws
    let values: [Double]
    /// What is taken off the even part beforehand.
    let mean: Double

    init(
      parity: SizedFunctional.Parity, coefficients: [SizedFunctional.Pair], effects: [Double],
      draws: SizedDraws, outputs: [Double], pairs: Int
    ) {
      self.parity = parity
      self.coefficients = coefficients
      self.effects = effects
      self.draws = draws
      let halves = (0..<pairs).map { pair in
        let (first, second) = (outputs[2 * pair + 2], outputs[2 * pair + 3])
        return parity == .odd ? (first - second) / 2 : (first + second) / 2
      }
      let mean = parity == .even && pairs > 0 ? halves.reduce(0, +) / Double(pairs) : 0
      self.mean = mean
      values = halves.map { $0 - mean }
    }

    /// Visits what a pair's number is multiplied by, segment by segment and for the level.
    func forEachCoefficient(of pair: Int, _ visit: (Int, Double) -> Void) {
      let own = coefficients[draws.sizes[pair]]
      let d = draws.coalitions.segments
      for j in 0..<d {
        visit(j, draws.coalitions[2 * pair + 2, j] ? own.inside : own.outside)
      }
      visit(d, own.level)
    }

    func signs(of pairs: [Int]) -> [Double] {
      pairs.flatMap { pair in
        (0..<draws.coalitions.segments).map { draws.coalitions[2 * pair + 2, $0] ? 1.0 : -1.0 }
      }
    }
  }

  /// Adds what is known: sizes of which all pairs were drawn, and the mean of the even part.
  private mutating func add(_ part: Part, _ counts: [Int], _ isKnown: [Bool]) {
    let d = part.draws.coalitions.segments
    for (pair, value) in part.values.enumerated() where isKnown[part.draws.sizes[pair]] {
      let weight = value / Double(counts[part.draws.sizes[pair]])
      part.forEachCoefficient(of: pair) { values[$0] += $1 * weight }
    }
    guard part.mean != 0 else { return }
    for size in counts.indices.dropFirst() {
      let (own, share) = (part.coefficients[size], Double(size) / Double(d))
      let mean = own.inside * share + own.outside * (1 - share)
      for j in 0..<d { values[j] += part.mean * mean }
      values[d] += part.mean * own.level
    }
  }

  /// Adds the guess at the other sizes, and what the pairs missed of it.
  private mutating func add(
    _ part: Part, _ bins: [Bin], hasProducts: Bool, _ terms: inout [Double], work: Work
  ) throws {
    guard !bins.isEmpty else { return }
    let (pairs, rows) = (part.values.count, values.count)
    var weights = [Double](repeating: 0, count: pairs)
    for bin in bins {
      for pair in bin.pairs {
        let mass = part.draws.masses[part.draws.sizes[pair]]
        weights[pair] = bin.mass / mass / Double(bin.pairs.count)
      }
    }
    let blocks = (pairs + Self.mostPairs - 1) / Self.mostPairs
    for block in 0..<blocks {
      try work.check()
      let members = Array(stride(from: block, to: pairs, by: blocks))
      let places = Dictionary(
        uniqueKeysWithValues: members.enumerated().map { ($0.element, $0.offset) })
      var guess: [Double]?
      var misses: [Double] = []
      for isFull in hasProducts ? [true, false] : [false] where guess == nil {
        let surrogate = try CoalitionSurrogate(
          members.map { part.values[$0] }, at: part.signs(of: members), segments: rows - 1,
          parity: part.parity, effects: part.effects,
          importance: members.map {
            weights[$0] * weights[$0] * part.coefficients[part.draws.sizes[$0]].square
          }, hasProducts: isFull)
        let groups = bins.map { bin in
          let own = bin.pairs.compactMap { places[$0] }
          let share = Double(own.count) / Double(max(bin.pairs.count, 1))
          return CoalitionSurrogate.Sizes(
            sizes: bin.sizes,
            weights: surrogate.weights(leavingOutOneOf: own).map { $0 * share })
        }
        guess = surrogate.sums(groups, coefficients: part.coefficients)
        misses = surrogate.errors
        isRounded = isRounded || guess == nil
      }
      if let guess {
        for row in 0..<rows { values[row] += guess[row] }
      }
      for (place, pair) in members.enumerated() where weights[pair] > 0 {
        let miss = weights[pair] * misses[place]
        part.forEachCoefficient(of: pair) { row, coefficient in
          values[row] += coefficient * miss
          terms[pair * rows + row] += coefficient * miss
        }
      }
    }
  }

  /// The sizes that were not taken in full, so many together that each bin has some pairs.
  private static func bins(
    _ draws: SizedDraws, _ counts: [Int], _ pairs: Int, _ isKnown: [Bool]
  ) -> [Bin] {
    let least = 4
    var bins: [Bin] = []
    var bin = Bin(sizes: [], pairs: [], mass: 0)
    func merge(_ other: Bin, into bin: inout Bin) {
      bin.sizes += other.sizes
      bin.pairs += other.pairs
      bin.mass += other.mass
    }
    for size in counts.indices.dropFirst() where !isKnown[size] {
      merge(
        Bin(
          sizes: [size], pairs: (0..<pairs).filter { draws.sizes[$0] == size },
          mass: draws.masses[size]), into: &bin)
      if bin.pairs.count >= least {
        if bin.sizes.count == 1 { bin.left = 1 - Double(counts[size]) / draws.available[size] }
        bins.append(bin)
        bin = Bin(sizes: [], pairs: [], mass: 0)
      }
    }
    guard !bin.sizes.isEmpty else { return bins }
    if bins.isEmpty { return [bin] }
    merge(bin, into: &bins[bins.count - 1])
    bins[bins.count - 1].left = 1
    return bins
  }

  /// How much every segment matters by itself: the squares of a linear fit to the odd part.
  private static func effects(
    _ draws: SizedDraws, _ pairs: Int, _ outputs: [Double]
  ) throws -> [Double] {
    let d = draws.coalitions.segments
    var matrix = [Double](repeating: 0, count: d * d)
    var right = [Double](repeating: 0, count: d)
    for pair in 0..<pairs {
      let signs = (0..<d).map { draws.coalitions[2 * pair + 2, $0] ? 1.0 : -1.0 }
      let value = (outputs[2 * pair + 2] - outputs[2 * pair + 3]) / 2
      for i in 0..<d {
        right[i] += signs[i] * value
        for j in 0..<d { matrix[i * d + j] += signs[i] * signs[j] }
      }
    }
    for i in 0..<d { matrix[i * d + i] += 1 + 0.01 * Double(pairs) }
    guard let factor = try Cholesky(matrix, size: d) else {
      return [Double](repeating: 0, count: d)
    }
    return try factor.solve(right).map { $0 * $0 }
  }

  /// The standard errors of sums of what the pairs of each bin add.
  private static func errors(_ terms: [Double], _ bins: [Bin], _ rows: Int) -> [Double] {
    guard !bins.isEmpty else { return [Double](repeating: 0, count: rows) }
    guard bins.allSatisfy({ $0.pairs.count > 1 }) else {
      return [Double](repeating: .infinity, count: rows)
    }
    return (0..<rows).map { row in
      bins.reduce(0.0) { sum, bin in
        let n = Double(bin.pairs.count)
        let squares = bin.pairs.reduce(0.0) { sum, pair in
          let term = terms[pair * rows + row]
          return sum + term * term
        }
        return sum + squares * n / (n - 1) * bin.left
      }.squareRoot()
    }
  }
}
