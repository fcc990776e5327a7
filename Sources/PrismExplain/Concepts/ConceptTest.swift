internal import PrismKernels
public import PrismRuntime
public import PrismTensor

/// Whether a label's number grows in the direction of a concept: testing with concept activation
/// vectors, TCAV.
///
/// A concept is what examples of it have in common. In a layer's values, a plane is laid between
/// two thirds of the examples and as many random inputs (`LinearSeparator`); its normal, towards
/// the examples, is the concept's vector. The score is the share of inputs whose logit grows as
/// the layer's value moves along the vector. The other third tells how often the plane is right.
/// This is done in several runs, each with other random inputs and another third; as many runs set
/// random inputs against random inputs. Welch's two-sided t-test says how probable it is that both
/// kinds of scores have the same mean. Definition: Kim, Wattenberg, Gilmer, Cai, Wexler, Viegas and
/// Sayres, "Interpretability Beyond Feature Attribution: Quantitative Testing with Concept
/// Activation Vectors", ICML 2018, whose program has a hinge loss by stochastic descent in the
/// place of the logistic one, and the same penalty.
public struct ConceptTest: Sendable {
  /// The fewest examples of a concept, and random inputs, that are taken.
  public static let fewestExamples = 10
  /// The most values of examples: their products take eight bytes a pair.
  public static let mostExamples = 4096

  /// The runs.
  public let runs: Int
  /// The weight of the ridge penalty.
  public let penalty: Double
  /// Selects who is in which run.
  public let seed: UInt64
  /// Whether random inputs of several runs are the same, so that the runs are not independent.
  public let sharesRandom: Bool
  private let examples: [Tensor]
  private let distinct: Int
  private let planes: [Plane]
  private let randomPlanes: [Plane]

  /// A plane between some of the values, and how it did on others.
  private struct Plane: Sendable {
    let members: [Int]
    let shares: [Double]
    let length: Double
    let correct: Int
    let tested: Int
  }

  /// Lays the planes.
  ///
  /// - Parameters:
  ///   - positive: The layer's values for examples of the concept, of one shape.
  ///   - random: Those for other inputs.
  ///   - runs: The number of runs, at least 2.
  ///   - penalty: The weight of the ridge penalty.
  ///   - seed: Selects who is in which run.
  ///   - work: Is asked whether it goes on.
  /// - Throws: ``ExplanationError``; `CancellationError` in a cancelled task.
  public init(
    positive: [Tensor], random: [Tensor], runs: Int = 10, penalty: Double = 0.01,
    seed: UInt64 = 0, work: Work = .unwatched
  ) throws {
    for (name, count) in [
      ("examples of the concept", positive.count), ("random inputs", random.count),
    ] where count < Self.fewestExamples {
      throw ExplanationError.parameter(
        "the number of \(name)",
        "is \(count), and at least \(Self.fewestExamples) are needed; thirty and more are better")
    }
    guard positive.count + random.count <= Self.mostExamples else {
      throw ExplanationError.parameter(
        "the number of examples", "must be at most \(Self.mostExamples) with the random inputs")
    }
    guard (2...1000).contains(runs) else {
      throw ExplanationError.parameter("the number of runs", "must be from 2 to 1000")
    }
    guard penalty > 0, penalty.isFinite else {
      throw ExplanationError.parameter("the penalty", "must be above 0")
    }
    try self.init(
      positive + random,
      ConceptDraws(positive: positive.count, random: random.count, runs: runs, seed: seed),
      penalty: penalty, seed: seed, work: work)
  }

  /// Lays the planes between given values.
  ///
  /// - Parameters:
  ///   - examples: The values, of one shape.
  ///   - draws: Which of them are in which run.
  ///   - penalty: The weight of the ridge penalty.
  ///   - seed: What selected the runs.
  ///   - work: Is asked whether it goes on.
  /// - Throws: ``ExplanationError``; `CancellationError` in a cancelled task.
  init(
    _ examples: [Tensor], _ draws: ConceptDraws, penalty: Double, seed: UInt64, work: Work
  ) throws {
    runs = draws.concept.count
    self.penalty = penalty
    self.seed = seed
    self.examples = examples
    sharesRandom = draws.isShared
    distinct = draws.distinct
    let products = try Self.products(examples, examples, work: work)
    func laid(_ sides: [ConceptDraws.Sides]) throws -> [Plane] {
      try sides.map { sides in
        try work.check()
        return try Self.plane(sides, products, count: examples.count, penalty: penalty)
      }
    }
    planes = try laid(draws.concept)
    randomPlanes = try laid(draws.chance)
  }

  private static func plane(
    _ sides: ConceptDraws.Sides, _ products: [Double], count: Int, penalty: Double
  ) throws -> Plane {
    let members = sides.positive.seen + sides.negative.seen
    let isPositive = members.indices.map { $0 < sides.positive.seen.count }
    let separator = try LinearSeparator(
      products: members.flatMap { i in members.map { products[i * count + $0] } },
      isPositive: isPositive, penalty: penalty)
    func side(_ index: Int) -> Double {
      zip(members, separator.shares).reduce(separator.intercept) {
        $0 + $1.1 * products[index * count + $1.0]
      }
    }
    let correct =
      sides.positive.kept.count { side($0) > 0 } + sides.negative.kept.count { side($0) <= 0 }
    return Plane(
      members: members, shares: separator.shares, length: separator.length, correct: correct,
      tested: sides.positive.kept.count + sides.negative.kept.count)
  }

  /// The products of each vector with each of others, row by row; each is a sum in Double.
  private static func products(
    _ rows: [Tensor], _ columns: [Tensor], work: Work
  ) throws -> [Double] {
    let shape = columns.first?.shape
    guard (rows + columns).allSatisfy({ $0.shape == shape }) else {
      throw ExplanationError.unsuitable("the layer's values have different shapes")
    }
    try work.check()
    return try Workers.pool.map(rows.count) { row in columns.map { rows[row].dot($0) } }
      .flatMap { $0 }
  }

  /// Scores the concept for a label.
  ///
  /// - Parameters:
  ///   - gradients: Of the label's logit at the layer, one for each input that is looked at.
  ///   - work: Is asked whether it goes on.
  /// - Returns: The scores.
  /// - Throws: ``ExplanationError``; `CancellationError` in a cancelled task.
  public func score(_ gradients: [Tensor], work: Work = .unwatched) throws -> ConceptScore {
    guard !gradients.isEmpty else {
      throw ExplanationError.unsuitable("there are no inputs to test the concept on")
    }
    let products = try Self.products(gradients, examples, work: work)
    let count = examples.count
    func derivatives(_ plane: Plane) -> [Double] {
      gradients.indices.map { input in
        let sum = zip(plane.members, plane.shares).reduce(0.0) {
          $0 + $1.1 * products[input * count + $1.0]
        }
        return plane.length > 0 ? sum / plane.length : 0
      }
    }
    func share(_ derivatives: [Double]) -> Double {
      Double(derivatives.count { $0 > 0 }) / Double(derivatives.count)
    }
    let found = planes.map(derivatives)
    return ConceptScore(
      scores: found.map(share), randomScores: randomPlanes.map { share(derivatives($0)) },
      magnitude: found.joined().reduce(0, +) / Double(found.count * gradients.count),
      correct: planes.map(\.correct), tested: planes.map(\.tested), distinct: distinct,
      inputs: gradients.count)
  }
}

/// How a label's number depends on a concept.
public struct ConceptScore: Sendable, Equatable, Codable {
  /// For each run, the share of inputs whose logit grows towards the concept.
  public let scores: [Double]
  /// The same for random inputs in the place of the concept.
  public let randomScores: [Double]
  /// By how much a logit grows on average as the layer's value moves by 1 towards the concept.
  public let magnitude: Double
  /// For each run, how many of the examples that were kept apart lie on their side of the plane.
  public let correct: [Int]
  /// For each run, how many were kept apart.
  public let tested: [Int]
  /// How many different ones were kept apart in any run: twice those of the side with fewer.
  public let distinct: Int
  /// The number of inputs.
  public let inputs: Int

  /// The mean score.
  public var mean: Double { scores.reduce(0, +) / Double(scores.count) }
  /// The mean score of random inputs.
  public var randomMean: Double { randomScores.reduce(0, +) / Double(randomScores.count) }
  /// The deviation of the scores between runs.
  public var deviation: Double {
    let mean = mean
    let squares = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(max(scores.count - 1, 1))).squareRoot()
  }

  /// The share of the examples kept apart on the right side, over all runs.
  public var accuracy: Double {
    Double(correct.reduce(0, +)) / Double(max(tested.reduce(0, +), 1))
  }

  /// Whether the plane tells examples from random inputs: whether so many right ones would come by
  /// chance with a probability of at most 5 %.
  ///
  /// An example that is kept apart in several runs counts once.
  public var isBetterThanChance: Bool {
    let right = Int((accuracy * Double(distinct)).rounded(.down))
    var tail = 0.0
    for k in right...max(distinct, right) {
      // The binomial coefficient by its logarithm, as there may be thousands.
      let (n, k) = (Double(distinct), Double(k))
      let ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
      tail += exponential(ways - n * logarithm(2.0))
    }
    return tail <= 0.05
  }

  /// Whether all inputs agree in every run, as where the logit is all but linear in the layer.
  public var isLinear: Bool {
    inputs > 1 && (scores + randomScores).allSatisfy { $0 == 0 || $0 == 1 }
  }

  /// The probability of scores so far from those of random inputs by chance (Welch's two-sided
  /// t-test), not corrected; `nil` where neither kind of scores varies.
  public var probability: Double? { welchTest(scores, randomScores) }

  /// What can be said with so many tests at once.
  ///
  /// - Parameters:
  ///   - tests: How many labels and layers are tested at once, by which the probability is
  ///     multiplied (Bonferroni).
  ///   - level: The probability of an error that is accepted.
  /// - Returns: The verdict.
  public func verdict(tests: Int, level: Double = 0.05) -> Verdict {
    guard isBetterThanChance else { return .meaningless }
    let isSignificant =
      probability.map { $0 * Double(max(tests, 1)) < level } ?? (mean != randomMean)
    guard isSignificant else { return .nothing }
    return mean > randomMean ? .towards : .away
  }

  /// What a test says.
  public enum Verdict: String, Sendable, CaseIterable, Codable {
    /// The label's number grows with the concept.
    case towards
    /// The label's number falls with the concept.
    case away
    /// The scores are those of random inputs.
    case nothing
    /// The layer does not tell the concept from random inputs, so that the scores mean nothing.
    case meaningless
  }
}

extension Tensor {
  /// The sum of the products of all elements, in Double, every fourth into one of four sums.
  fileprivate func dot(_ other: Tensor) -> Double {
    withUnsafePointer { a in
      other.withUnsafePointer { b in
        var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
        var i = 0
        while i &+ 4 <= count {
          s0 += Double(a[i]) * Double(b[i])
          s1 += Double(a[i &+ 1]) * Double(b[i &+ 1])
          s2 += Double(a[i &+ 2]) * Double(b[i &+ 2])
          s3 += Double(a[i &+ 3]) * Double(b[i &+ 3])
          i &+= 4
        }
        while i < count {
          s0 += Double(a[i]) * Double(b[i])
          i &+= 1
        }
        return (s0 + s1) + (s2 + s3)
      }
    }
  }
}
