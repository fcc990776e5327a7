import Foundation
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

/// What methods that draw at random make of their draws.
@Suite("few draws")
struct CertaintyTests {
  static let segments = 9
  static let image = ExplainedImage(Tensor([1, 3, 3, 1], repeating: 1))
  static let grid = Segmenter.grid(rows: 3, columns: 3)
  /// Of all orders.
  static let model = Function([1, 3, 3, 1]) { x in
    let products = 2 * x[0] * x[4] - 1.5 * x[1] * x[2] * x[5] + x[3] * x[6] * x[7] * x[8]
    return [
      3 * x[0] - x[1] + 0.5 * x[2] + products, max(x.reduce(0, +) - 4, 0) - x[4] * x[8],
    ]
  }

  /// The output for every subset, a bit a segment.
  static func table(_ target: Int) -> [Double] {
    (0..<1 << segments).map { subset in
      model.body((0..<segments).map { subset >> $0 & 1 == 1 ? 1 : 0 })[target]
    }
  }

  /// The weighted linear regression over all subsets, by the normal equations.
  static func regression(_ target: Int, width: Double) throws -> [Double] {
    let (d, table) = (segments + 1, table(target))
    var (matrix, right) = ([Double](repeating: 0, count: d * d), [Double](repeating: 0, count: d))
    for (subset, y) in table.enumerated() {
      let x = (0..<segments).map { Double(subset >> $0 & 1) } + [1]
      let distance = 1 - ((x.reduce(0, +) - 1) / Double(segments)).squareRoot()
      let weight = exponential(-distance * distance / (2 * width * width))
      for i in 0..<d {
        right[i] += weight * x[i] * y
        for j in 0..<d { matrix[i * d + j] += weight * x[i] * x[j] }
      }
    }
    return try #require(try Cholesky(matrix, size: d)).solve(right)
  }

  @Test("LIME with all subsets is the regression over all subsets, and so is its limit")
  func limeLimit() throws {
    func maps(_ samples: Int, _ draws: LIME.Draws) throws -> [Attribution] {
      try LIME(samples: samples, segmenter: Self.grid, masker: .constant([0]), draws: draws)
        .explain(Self.image, targets: [0, 1], of: Self.model as any Classifier)
    }
    let all = try maps(1000, .stratified)
    let some = try maps(200, .stratified)
    let plain = try maps(100_000, .independent)
    for target in 0..<2 {
      let expected = try Self.regression(target, width: 0.25)
      #expect(all[target].evaluations == 512)
      let values = try #require(all[target].segments)
      #expect(values.standardErrors.allSatisfy { $0 == 0 })
      for j in 0..<Self.segments { #expect(abs(values.values[j] - expected[j]) < 1e-6) }
      #expect(try abs(#require(all[target].baseValue) - expected[Self.segments]) < 1e-6)
      for map in [some[target], plain[target]] {
        let values = try #require(map.segments)
        for j in 0..<Self.segments {
          let bound = 5 * values.standardErrors[j] + 1e-3
          #expect(abs(values.values[j] - expected[j]) < bound, "segment \(j)")
        }
      }
    }
  }

  @Test("draws are pairs without repetition, and fewer are the first of more")
  func draws() throws {
    for functional in [
      SizedFunctional.shapley(segments: 10),
      .regression(segments: 9) { 1 / (1 + Double($0)) }, .shapley(segments: 2),
    ] {
      let d = functional.segments
      let all = try SizedDraws(for: functional, samples: 4096, seed: 5)
      #expect(all.coalitions.count == 1 << d)
      #expect(Set((0..<1 << d).map { all.coalitions.active($0) }).count == 1 << d)
      for pair in 0..<all.sizes.count {
        let (a, b) = (2 * pair + 2, 2 * pair + 3)
        #expect(all.coalitions.active(a).count == all.sizes[pair])
        #expect((0..<d).allSatisfy { all.coalitions[a, $0] != all.coalitions[b, $0] })
      }
      let few = try SizedDraws(for: functional, samples: 30, seed: 5)
      #expect(few.coalitions == all.coalitions.prefix(few.coalitions.count))
    }
  }

  @Test(
    "narrow kernels keep the slopes of a linear model, and the narrowest are told",
    arguments: [4, 9, 20])
  func narrowKernels(_ d: Int) throws {
    for width in [0.25, 0.05, 0.01, 0.005, 0.003, 0.002, 0.001] {
      let functional = SizedFunctional.regression(segments: d) { size in
        let distance = 1 - (Double(size) / Double(d)).squareRoot()
        return exp(-distance * distance / (2 * width * width))
      }
      guard functional.isDefined else {
        #expect(width <= 0.005)
        continue
      }
      // The slope of a bit by itself is 1, and that of another bit 0.
      var (own, other) = (0.0, 0.0)
      for size in 0...d {
        let (s, n) = (Double(size), Double(d))
        own += functional.inside[size] * s / n
        let both = s * (s - 1) / (n * (n - 1))
        other += functional.inside[size] * both + functional.outside[size] * (s / n - both)
      }
      #expect(abs(own - 1) < 1e-9 && abs(other) < 1e-9, "\(width): \(own), \(other)")
    }
    let grid = Segmenter.grid(rows: 2, columns: 2)
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let linear: any Classifier = Function([1, 4, 4, 1]) { [$0.reduce(0, +)] }
    for width in [0.05, 0.01, 1e-4] {
      let map = try LIME(
        samples: 20, segmenter: grid, masker: .constant([0]), kernelWidth: width, ridge: 1e-9
      ).explain(image, targets: [0], of: linear)[0]
      #expect(map.values.isFinite)
      #expect(map.diagnostics.contains { $0.contains("so narrow") } == (width < 0.005))
    }
  }

  @Test(
    "the complement of a sample is on where the sample is off", arguments: [1, 63, 64, 65, 130])
  func complements(_ d: Int) {
    var samples = Coalitions(segments: d)
    for k in 2..<5 {
      samples.append { $0.isMultiple(of: k) }
      samples.appendComplement()
    }
    for sample in stride(from: 0, to: 6, by: 2) {
      #expect((0..<d).allSatisfy { samples[sample, $0] != samples[sample + 1, $0] })
    }
    #expect(samples.active(1) == (0..<d).filter { $0 % 2 == 1 })
  }

  @Test("the sums of a guess are those over all subsets", arguments: [6, 7])
  func guess(_ d: Int) throws {
    var random = SeededRandom(seed: 3)
    let functional = SizedFunctional.regression(segments: d) { 1 + 0.3 * Double($0 * $0) }
    let draws = try SizedDraws(for: functional, samples: 26, seed: 1)
    let pairs = draws.sizes.count
    let signs = (0..<pairs).map { pair in
      (0..<d).map { draws.coalitions[2 * pair + 2, $0] ? 1.0 : -1.0 }
    }
    let values = (0..<pairs).map { _ in Double(random.normal()) }
    for parity in SizedFunctional.Parity.allCases {
      func surrogate(_ signs: [[Double]], _ values: [Double]) throws -> CoalitionSurrogate {
        try CoalitionSurrogate(
          values, at: signs.flatMap(\.self), segments: d, parity: parity,
          effects: (0..<d).map { 1 + Double($0) },
          importance: [Double](repeating: 1, count: values.count))
      }
      let found = try surrogate(signs, values)
      // What is foretold of a pair without it is missed by its error.
      let coefficients = functional.pairs(parity)
      let sizes = Array(1...d / 2)
      let weights = found.weights(leavingOutOneOf: Array(0..<pairs))
      let sums = try #require(
        found.sums([.init(sizes: sizes, weights: weights)], coefficients: coefficients))
      var expected = [Double](repeating: 0, count: d + 1)
      for subset in 0..<1 << d {
        let size = subset.nonzeroBitCount
        guard sizes.contains(size) else { continue }
        let bits = (0..<d).map { subset >> $0 & 1 == 1 }
        let own = bits.map { $0 ? 1.0 : -1.0 }
        let guess = found.guess(at: own, weights: weights)
        let share = guess / SizedFunctional.subsets(d, size: size)
        for j in 0..<d {
          expected[j] +=
            share * (bits[j] ? coefficients[size].inside : coefficients[size].outside)
        }
        expected[d] += share * coefficients[size].level
      }
      for (a, b) in zip(sums, expected) { #expect(abs(a - b) < 1e-8 * (1 + abs(b))) }
    }
  }

  @Test("a guess learns what is not linear, so that few samples tell more")
  func fewer() throws {
    var (own, plain) = (0.0, 0.0)
    let exact = try Self.regression(0, width: 0.25)
    for seed in 0..<20 {
      for draws in [LIME.Draws.stratified, .independent] {
        let map = try LIME(
          samples: draws == .stratified ? 100 : 300, segmenter: Self.grid, masker: .constant([0]),
          draws: draws, seed: UInt64(seed)
        ).explain(Self.image, targets: [0], of: Self.model as any Classifier)[0]
        let values = try #require(map.segments).values
        var square = 0.0
        for j in 0..<Self.segments {
          let miss = values[j] - exact[j]
          square += miss * miss
        }
        if draws == .stratified { own += square } else { plain += square }
      }
    }
    #expect(own < plain)
  }

  // MARK: Arithmetic

  @Test(
    "means over subsets that hold a segment are those of the others, with any number of segments",
    arguments: [(1, 0.9), (2, 0.3), (80, 0.003), (80, 0.3), (80, 0.95), (200, 0.05), (500, 0.3)])
  func subsetMeans(_ segments: Int, _ largest: Double) {
    var random = SeededRandom(seed: 4)
    for isMixed in [true, false] {
      let shares = (0..<segments).map { _ in
        largest * Double(isMixed ? 2 * random.uniform() - 1 : random.uniform())
      }
      let means = SubsetMeans(shares: shares)
      let bound = 1e-9 * (means.means.max() ?? 0)
      var holding = [Double](repeating: 0, count: segments + 1)
      for j in [0, segments / 2, segments - 1] {
        var others = shares
        others.remove(at: j)
        let rest = SubsetMeans(shares: others).means
        means.holding(j, into: &holding)
        for size in 1...segments {
          let expected = (1 + shares[j]) * rest[size - 1]
          #expect(abs(holding[size] - expected) <= bound, "segment \(j), size \(size)")
        }
      }
    }
  }

  /// A picture of 80 segments, and a model of it that saturates and has products.
  static let many = ExplainedImage(Tensor([1, 8, 10, 1], repeating: 1))
  static let manySegments = Segmenter.grid(rows: 8, columns: 10)
  static let manyModel = Function([1, 8, 10, 1]) { x in
    var sum = 0.0
    for j in 0..<80 {
      sum += x[j] * Double(j % 7) / 20
      if j % 3 == 0, j < 78 { sum += x[j] * (x[j + 1] - x[j + 2]) / 8 }
    }
    // Saturates.
    return [5 * sum / (1 + abs(sum)), 3]
  }

  @Test(
    "with 80 segments the numbers stay within what the model can do, and add up",
    arguments: [82, 130, 700, 2208])
  func manySegmentsOfSHAP(_ samples: Int) throws {
    let maps = try KernelSHAP(
      samples: samples, segmenter: Self.manySegments, masker: .constant([0]), draws: .stratified
    ).explain(Self.many, targets: [0, 1], of: Self.manyModel as any Classifier)
    let plain = try KernelSHAP(
      samples: 20_000, segmenter: Self.manySegments, masker: .constant([0]), draws: .weighted
    ).explain(Self.many, targets: [0], of: Self.manyModel as any Classifier)[0]
    #expect(try abs(#require(maps[0].completenessGap)) < 1e-9)
    #expect(maps.allSatisfy { !$0.diagnostics.contains { $0.contains("rounding") } })
    let (found, expected) = try (#require(maps[0].segments), #require(plain.segments))
    for j in 0..<80 {
      let error = (found.standardErrors[j], expected.standardErrors[j])
      let bound = 5 * (error.0 * error.0 + error.1 * error.1).squareRoot()
      #expect(abs(found.values[j] - expected.values[j]) < max(bound, 1e-6), "segment \(j)")
      // The largest is about 0.3.
      #expect(samples < 700 || error.0 < 0.05)
    }
    #expect(try #require(maps[1].segments).values.allSatisfy { $0 == 0 })
  }

  @Test("LIME of 80 segments stays within what the model can do", arguments: [81, 300, 1000])
  func manySegmentsOfLIME(_ samples: Int) throws {
    let maps = try LIME(
      samples: samples, segmenter: Self.manySegments, masker: .constant([0]), draws: .stratified
    ).explain(Self.many, targets: [0, 1], of: Self.manyModel as any Classifier)
    let plain = try LIME(
      samples: 20_000, segmenter: Self.manySegments, masker: .constant([0]), ridge: 0,
      draws: .paired
    ).explain(Self.many, targets: [0], of: Self.manyModel as any Classifier)[0]
    #expect(!maps[0].diagnostics.contains { $0.contains("rounding") })
    let (found, expected) = try (#require(maps[0].segments), #require(plain.segments))
    for j in 0..<80 {
      let error = (found.standardErrors[j], expected.standardErrors[j])
      let bound = 5 * (error.0 * error.0 + error.1 * error.1).squareRoot()
      #expect(abs(found.values[j] - expected.values[j]) < max(bound, 1e-6), "segment \(j)")
    }
    #expect(try #require(maps[1].segments).values.allSatisfy { $0 == 0 })
  }

  @Test("pairs that are the same, and values of any size, are learned from without harm")
  func nearDuplicates() throws {
    let d = 80
    let functional = SizedFunctional.shapley(segments: d)
    for scale in [1e-30, 1, 1e30] {
      let values = (0..<40).map { scale * (3 + 0.01 * Double($0 % 5)) }
      let signs = (0..<40).flatMap { i in
        (0..<d).map { $0 < 20 || i % 20 == 0 && $0 == 79 ? 1.0 : -1.0 }
      }
      for parity in SizedFunctional.Parity.allCases {
        let surrogate = try CoalitionSurrogate(
          values, at: signs, segments: d, parity: parity,
          effects: (0..<d).map { $0 == 7 ? 1 : 0 },
          importance: [Double](repeating: 1, count: values.count))
        let weights = surrogate.weights(leavingOutOneOf: Array(0..<40))
        let sums = try #require(
          surrogate.sums(
            [.init(sizes: Array(1...40), weights: weights)],
            coefficients: functional.pairs(parity)))
        #expect(sums.allSatisfy { abs($0) < 100 * scale })
        #expect(surrogate.errors.allSatisfy { abs($0) < 4 * scale })
      }
    }
  }

  // MARK: Masks and noise

  static let field = ExplainedImage(Tensor([1, 12, 10, 1], repeating: 1))
  static let fieldModel = Function([1, 12, 10, 1]) { x in
    [4 * x[55] - 2 * x[17] * x[18] + x[100] * x[55] * x[3] + 5]
  }

  @Test("RISE's two kinds of draws have the same limit", arguments: [0.5, 0.3])
  func riseLimit(_ probability: Double) throws {
    func map(_ draws: RISE.Draws, _ samples: Int, _ seed: UInt64) throws -> Attribution {
      try RISE(
        samples: samples, cells: 4, probability: probability, output: .logit, draws: draws,
        seed: seed
      ).explain(Self.field, targets: [0], of: Self.fieldModel as any Classifier)[0]
    }
    let plain = try map(.independent, 60_000, 1)
    let error = try #require(plain.standardError)
    var outside = 0
    for samples in [801, 6000] {
      let own = try map(.paired, samples, 2)
      let stated = try #require(own.standardError)
      for p in 0..<own.values.count {
        let (a, b) = (Double(stated.scalars[p]), Double(error.scalars[p]))
        let bound = (a * a + b * b).squareRoot()
        let difference = Double(abs(own.values.scalars[p] - plain.values.scalars[p]))
        #expect(difference < 5 * bound, "pixel \(p) of \(samples) samples")
        if difference > 2.5 * bound { outside += 1 }
      }
      // A tenth of the plain map's samples know as much, and a seventy-fifth no less than a third.
      #expect(stated.maximum < error.maximum * (samples > 1000 ? 1 : 3))
    }
    #expect(outside < 40)
  }

  @Test("RISE's stated errors are the deviations over seeds")
  func riseErrors() throws {
    var (results, errors) = ([[Double]](), [[Double]]())
    for seed in 0..<60 {
      let map = try RISE(samples: 400, cells: 4, output: .logit, draws: .paired, seed: UInt64(seed))
        .explain(Self.field, targets: [0], of: Self.fieldModel as any Classifier)[0]
      results.append([17, 55, 100].map { Double(map.values.scalars[$0]) })
      let stated = try #require(map.standardError)
      errors.append([17, 55, 100].map { Double(stated.scalars[$0]) })
    }
    PerturbationTests.expectHonest(results, errors)
  }
}
