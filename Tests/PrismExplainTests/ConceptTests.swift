import Foundation
import PrismAutodiff
import PrismKernels
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

/// What Python packages made of small concepts; written by `Tools/fixtures/concepts.py`.
struct ConceptReferences: Decodable {
  struct TCAV: Decodable {
    struct Weights: Decodable {
      let convolution, bias, first, second: [Float]
    }
    struct Score: Decodable {
      let sign, magnitude: Double
    }
    let weights: Weights
    let positive, negative, inputs: [[Float]]
    let vector: [Double]
    let scores: [Score]
  }

  struct Factorisation: Decodable {
    struct Case: Decodable {
      let limit, rounds: Int
      let coefficients, basis: [Double]
    }
    let columns: Int
    let matrix, coefficients, basis: [Double]
    let cases: [Case]
  }

  struct Tests: Decodable {
    struct Pair: Decodable {
      let first, second: [Double]
      let p: Double
    }
    struct Tail: Decodable {
      let t, freedom, p: Double
    }
    let pairs: [Pair]
    let tails: [Tail]
  }

  let tcav: TCAV
  let factorisation: Factorisation
  let tests: Tests

  static func load() throws -> ConceptReferences {
    let url = URL(filePath: Repository.fixtures + "concepts.json")
    return try JSONDecoder().decode(ConceptReferences.self, from: Data(contentsOf: url))
  }
}

@Suite("concepts")
struct ConceptTests {
  // MARK: TCAV

  /// The script's network, with the layer `relu`.
  static func network(_ it: ConceptReferences.TCAV) throws -> PlannedClassifier {
    let recording = try Recording(input: [1, 4, 5, 2]) { x in
      x.named("input").convolution(
        x.parameter(Tensor([3, 2, 3, 3], it.weights.convolution), named: "w"),
        bias: x.parameter(Tensor([3], it.weights.bias), named: "b"), padding: .symmetric(1)
      ).relu().named("relu").globalAveragePool()
        .dense(x.parameter(Tensor([4, 3], it.weights.first), named: "first")).silu()
        .dense(x.parameter(Tensor([2, 4], it.weights.second), named: "second"))
    }
    return PlannedClassifier(recording, defaultLayer: "relu")
  }

  static func values(
    _ classifier: PlannedClassifier, _ inputs: [[Float]], targets: [Int] = []
  ) throws -> [BackwardPass] {
    try classifier.backward(
      from: targets, to: "relu", passes: inputs.map { ForwardPass(Tensor([1, 4, 5, 2], $0)) },
      rule: ExactRule())
  }

  @Test("vector, sign and magnitude are captum's with scikit-learn's logistic regression")
  func captum() throws {
    let it = try ConceptReferences.load().tcav
    let classifier = try Self.network(it)
    let examples = try Self.values(classifier, it.positive + it.negative).map(\.value)
    let products = examples.flatMap { a in
      examples.map { b in
        zip(a.scalars, b.scalars).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
    }
    let isPositive = examples.indices.map { $0 < it.positive.count }
    let plane = try LinearSeparator(products: products, isPositive: isPositive, penalty: 0.01)
    var vector = [Double](repeating: 0, count: it.vector.count)
    for (share, example) in zip(plane.shares, examples) {
      for (i, value) in example.scalars.enumerated() { vector[i] += share * Double(value) }
    }
    let scale = it.vector.map(abs).max() ?? 0
    // Activations of both are in Float.
    for (a, b) in zip(vector, it.vector) { #expect(abs(a - b) < 1e-5 * scale) }
    let length = it.vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(abs(plane.length - length) < 1e-5 * length)

    let all = ConceptDraws.Sides(
      positive: .init(seen: Array(0..<12), kept: [0]),
      negative: .init(seen: Array(12..<24), kept: [12]))
    let test = try ConceptTest(
      examples, ConceptDraws(concept: [all, all], chance: [all, all]), penalty: 0.01, seed: 0,
      work: .unwatched)
    let looks = try Self.values(classifier, it.inputs, targets: [0, 1])
    for t in 0..<2 {
      let score = try test.score(looks.map { $0.cotangents[t] })
      #expect(abs(score.mean - it.scores[t].sign) < 1e-6)
      #expect(abs(score.magnitude * length - it.scores[t].magnitude) < 1e-5)
      #expect(
        score.deviation == 0 && score.inputs == 9 && score.tested == [2, 2] && score.distinct == 2)
    }
  }

  @Test("Welch's test and Student's t are SciPy's")
  func welch() throws {
    let it = try ConceptReferences.load().tests
    for pair in it.pairs {
      let p = try #require(welchTest(pair.first, pair.second))
      #expect(abs(p - pair.p) < 1e-10 * pair.p + 1e-300)
    }
    for tail in it.tails {
      #expect(abs(twoSidedStudentT(tail.t, freedom: tail.freedom) - tail.p) < 1e-10 * tail.p)
    }
    #expect(welchTest([1], [1, 2]) == nil && welchTest([1, 1], [2, 2]) == nil)
  }

  /// Vectors whose first element tells the concept, if it is there.
  static func vectors(_ count: Int, shift: Float, seed: UInt64) -> [Tensor] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in
      Tensor([20], (0..<20).map { random.normal() + ($0 == 0 ? shift : 0) })
    }
  }

  @Test("a label that depends on the concept is told from one that does not, and from its opposite")
  func verdicts() throws {
    let test = try ConceptTest(
      positive: Self.vectors(30, shift: 6, seed: 1), random: Self.vectors(300, shift: 0, seed: 2),
      seed: 3)
    #expect(!test.sharesRandom)
    var random = SeededRandom(seed: 4)
    func gradients(_ first: Float) -> [Tensor] {
      (0..<40).map { _ in
        Tensor([20], (0..<20).map { $0 == 0 ? first : 0.3 * random.normal() })
      }
    }
    let towards = try test.score(gradients(1))
    #expect(towards.isBetterThanChance && towards.accuracy > 0.95)
    #expect(towards.mean > 0.9 && towards.magnitude > 0.5)
    #expect(towards.verdict(tests: 3) == .towards)
    #expect(try test.score(gradients(-1)).verdict(tests: 3) == .away)
    // Bonferroni: enough tests make anything insignificant.
    let p = try #require(towards.probability)
    #expect(towards.verdict(tests: Int(min(0.06 / p, 1e15)) + 1) == .nothing)
  }

  @Test("what is no concept is said to mean nothing, for most seeds of random data")
  func chance() throws {
    var meaningless = 0
    for seed in 0..<20 {
      let test = try ConceptTest(
        positive: Self.vectors(15, shift: 0, seed: UInt64(100 + seed)),
        random: Self.vectors(40, shift: 0, seed: UInt64(200 + seed)), runs: 5,
        seed: UInt64(seed))
      #expect(test.sharesRandom)
      let score = try test.score(Self.vectors(10, shift: 0, seed: 7))
      if score.verdict(tests: 1) == .meaningless { meaningless += 1 }
    }
    #expect(meaningless >= 18, "\(meaningless)")
  }

  @Test("the same seed gives the same bits for one thread and two, another seed other runs")
  func determinism() throws {
    let positive = Self.vectors(12, shift: 2, seed: 1)
    let random = Self.vectors(40, shift: 0, seed: 2)
    let gradients = Self.vectors(9, shift: 1, seed: 3)
    func score(_ seed: UInt64) throws -> ConceptScore {
      try ConceptTest(positive: positive, random: random, seed: seed).score(gradients)
    }
    let threads = Workers.count
    defer { Workers.count = threads }
    Workers.count = 1
    let first = try score(5)
    Workers.count = 2
    #expect(try score(5) == first)
    #expect(try score(6) != first)
  }

  @Test("too few examples, too few runs and values of several shapes are errors")
  func errors() throws {
    let some = Self.vectors(10, shift: 0, seed: 1)
    for count in [0, 2, 9] {
      #expect(throws: ExplanationError.self) {
        try ConceptTest(positive: Array(some.prefix(count)), random: some)
      }
      #expect(throws: ExplanationError.self) {
        try ConceptTest(positive: some, random: Array(some.prefix(count)))
      }
    }
    for runs in [-1, 1, 1001] {
      #expect(throws: ExplanationError.self) {
        try ConceptTest(positive: some, random: some, runs: runs)
      }
    }
    for penalty in [0, -1, Double.nan] {
      #expect(throws: ExplanationError.self) {
        try ConceptTest(positive: some, random: some, penalty: penalty)
      }
    }
    let test = try ConceptTest(positive: some, random: some)
    #expect(throws: ExplanationError.self) { try test.score([]) }
    #expect(throws: ExplanationError.self) { try test.score([Tensor([3])]) }
    let infinite = [Tensor([20], repeating: .infinity)] + some.dropFirst()
    #expect(throws: ExplanationError.self) { try ConceptTest(positive: infinite, random: some) }
    // Values that are all alike tell nothing, and break nothing.
    let alike = [Tensor](repeating: Tensor([20], repeating: 1), count: 10)
    let blank = try ConceptTest(positive: alike, random: alike).score(some)
    #expect(blank.verdict(tests: 1) == .meaningless)
  }

  // MARK: Factorisation

  @Test("factors are scikit-learn's after one round, five and all")
  func factorisation() throws {
    let it = try ConceptReferences.load().factorisation
    for reference in it.cases {
      let found = try NonnegativeFactorization(
        it.matrix, columns: it.columns, rank: 3, coefficients: it.coefficients, basis: it.basis,
        rounds: reference.limit)
      #expect(found.rounds == reference.rounds)
      for (a, b) in zip(found.coefficients, reference.coefficients) { #expect(abs(a - b) < 1e-9) }
      for (a, b) in zip(found.basis, reference.basis) { #expect(abs(a - b) < 1e-9) }
    }
  }

  @Test("a product of thin factors is found again, and its rows divided among them")
  func product() throws {
    let (u, w): ([Double], [Double]) = (
      [1, 0, 0, 2, 1, 1, 3, 0, 0, 1], [1, 2, 0, 0, 0, 1, 0, 0, 3, 1, 0, 0]
    )
    var matrix: [Double] = []
    for i in 0..<5 { for j in 0..<6 { matrix.append(u[2 * i] * w[j] + u[2 * i + 1] * w[6 + j]) } }
    let found = try NonnegativeFactorization(
      matrix, columns: 6, rank: 2, seed: 1, rounds: 2000, tolerance: 1e-10)
    #expect(found.error(of: matrix) < 1e-4)
    let again = found.coefficients(of: matrix)
    for (a, b) in zip(again, found.coefficients) { #expect(abs(a - b) < 1e-3) }
    #expect(
      try NonnegativeFactorization(matrix, columns: 6, rank: 2, seed: 1)
        == NonnegativeFactorization(matrix, columns: 6, rank: 2, seed: 1))
    let negative: [Double] = matrix.map { -$0 }
    let cases: [([Double], Int)] = [(matrix, 0), (matrix, 6), ([], 1), (negative, 2)]
    for (matrix, rank) in cases {
      #expect(throws: ExplanationError.self) {
        try NonnegativeFactorization(matrix, columns: 6, rank: rank)
      }
    }
  }

  // MARK: Discovery

  /// A network of two channels that tell red from green; the first logit is red, the second both.
  static func colours() throws -> PlannedClassifier {
    PlannedClassifier(
      try Recording(input: [1, 8, 8, 2]) { x in
        x.named("input").convolution(
          x.parameter(Tensor([2, 2, 1, 1], [1, 0, 0, 1]), named: "w")
        ).relu().named("features").globalAveragePool()
          .dense(x.parameter(Tensor([2, 2], [3, 0, 1, 1]), named: "head"))
      }, defaultLayer: "features")
  }

  /// Pictures that are red in the left half, or green in the right.
  static func halves(_ count: Int) -> [Tensor] {
    (0..<count).map { n in
      Tensor(
        [1, 8, 8, 2],
        (0..<128).map { i in
          let (x, c) = (i / 2 % 8, i % 2)
          let level = 1 + Float(n) / 8
          return n.isMultiple(of: 2)
            ? (x < 4 && c == 0 ? level : 0) : (x >= 4 && c == 1 ? level : 0)
        })
    }
  }

  @Test("two colours are two concepts, where they are and with what hangs on them")
  func discovery() throws {
    let search = ConceptDiscovery(count: 2, crop: 0.5, crops: 3, seed: 2)
    let inputs = Self.halves(6)
    let found = try search.find(in: inputs, targets: [0, 1], of: Self.colours())
    #expect(found.crops == 54 && found.error < 0.02 && found.negativeShare == 0)
    let (red, green) = (found.concepts[0], found.concepts[1])
    // The first logit knows red alone, and half of the pictures have any.
    #expect(abs(red.importance[0] - 0.5) < 0.05 && green.importance[0] < 0.01)
    #expect(abs(green.importance[1] - 0.5) < 0.05)
    // Half of the pictures are red in half of their area: 3/4 of their levels 1, 1.25 and 1.5.
    #expect(abs(red.effects[0] - 3 * 1.25 / 4) < 0.05 && abs(green.effects[0]) < 0.01)
    #expect(red.crops.count == 3 && red.crops.allSatisfy { $0.input.isMultiple(of: 2) })
    #expect(red.crops.allSatisfy { $0.box.columns == 0..<4 })
    #expect(green.crops.allSatisfy { !$0.input.isMultiple(of: 2) && $0.box.columns == 4..<8 })
    let map = red.maps[0]
    #expect(map.shape == [8, 8] && map[3, 0] > 0 && abs(map[3, 7]) < 0.02 * map[3, 0])
    #expect(red.maps[1].maximum < 0.02 * map.maximum)
  }

  @Test("discovery is the same for one thread and two, and refuses what makes no sense")
  func discoveryErrors() throws {
    let classifier = try Self.colours()
    let threads = Workers.count
    defer { Workers.count = threads }
    Workers.count = 1
    let search = ConceptDiscovery(count: 2, crop: 0.5, crops: 2)
    let first = try search.find(in: Self.halves(4), targets: [0], of: classifier)
    Workers.count = 2
    #expect(try search.find(in: Self.halves(4), targets: [0], of: classifier) == first)
    for search in [
      ConceptDiscovery(count: 0), ConceptDiscovery(count: 3), ConceptDiscovery(count: 65),
      ConceptDiscovery(count: 2, crop: 0), ConceptDiscovery(count: 2, crops: 0),
    ] {
      #expect(throws: ExplanationError.self) {
        try search.find(in: Self.halves(4), targets: [0], of: classifier)
      }
    }
    #expect(throws: UnknownValueError.self) {
      try ConceptDiscovery(count: 2, layer: "nowhere").find(
        in: Self.halves(4), targets: [0], of: classifier)
    }
    #expect(throws: ExplanationError.self) {
      try search.find(in: Self.halves(2), targets: [2], of: classifier)
    }
    #expect(throws: ExplanationError.self) {
      try search.find(in: [], targets: [0], of: classifier)
    }
  }
}
