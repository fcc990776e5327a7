import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("Shapley values by permutation")
struct PermutationSHAPTests {
  /// One pixel a feature.
  static func model(_ features: Int) -> any Classifier {
    Function([1, 1, features, 1]) { MaskingReferences.outputs($0) }
  }

  static func method(samples: Int?, seed: UInt64 = 0, stopping: StoppingRule? = nil, features: Int)
    -> PermutationSHAP
  {
    PermutationSHAP(
      samples: samples, segmenter: .grid(rows: 1, columns: features), masker: .constant([0]),
      seed: seed, stopping: stopping)
  }

  @Test("contributions of orders are those of the package shap")
  func orders() throws {
    let it = try MaskingReferences.load().shapley
    let d = it.features
    var sums = [[Double]](repeating: [Double](repeating: 0, count: d), count: 2)
    for order in it.orders {
      var samples = Coalitions(segments: d)
      samples.append(order)
      #expect(samples.count == 2 * (d - 1))
      let scores = (0..<samples.count).map { row in
        MaskingReferences.outputs((0..<d).map { samples[row, $0] ? 1 : 0 })
      }
      let ends = [0.0, 1].map { MaskingReferences.outputs([Double](repeating: $0, count: d)) }
      for t in 0..<2 {
        let found = SegmentOrders.contributions(
          of: order, scores.map { $0[t] }, base: ends[0][t], full: ends[1][t])
        for j in 0..<d { sums[t][j] += found[j] / Double(it.orders.count) }
      }
    }
    for t in 0..<2 {
      for j in 0..<d { #expect(abs(sums[t][j] - it.sampled[t][j]) < 1e-12) }
    }
  }

  @Test("with evaluations for all orders the values are exact, and say so")
  func exact() throws {
    let it = try MaskingReferences.load().shapley
    let image = ExplainedImage(Tensor([1, 1, it.features, 1], repeating: 1))
    let maps = try Self.method(samples: 3602, features: it.features).explain(
      image, targets: [0, 1], of: Self.model(it.features))
    for (map, expected) in zip(maps, it.exact) {
      let segments = try #require(map.segments)
      for (a, b) in zip(segments.values, expected) { #expect(abs(a - b) < 1e-9) }
      #expect(segments.standardErrors.allSatisfy { $0 == 0 })
      #expect(map.evaluations == 3602 && map.diagnostics.contains { $0.contains("exact") })
      #expect(abs(map.completenessGap ?? 1) < 1e-9)
    }
  }

  @Test("sums close for any budget, and few evaluations are an error")
  func sums() throws {
    let image = ExplainedImage(Tensor([1, 1, 12, 1], repeating: 1))
    for samples in [24, 60, 300, nil] {
      let maps = try Self.method(samples: samples, features: 12).explain(
        image, targets: [0, 1], of: Self.model(12))
      for map in maps {
        #expect(abs(map.completenessGap ?? 1) < 1e-9)
        #expect(map.evaluations <= samples ?? 222)
      }
    }
    for samples in [0, 23] {
      #expect(throws: ExplanationError.self) {
        try Self.method(samples: samples, features: 12).explain(
          image, targets: [0], of: Self.model(12))
      }
    }
    #expect(throws: ExplanationError.tooFewSegments(1)) {
      try Self.method(samples: 100, features: 1).explain(image, targets: [0], of: Self.model(12))
    }
  }

  @Test("standard errors are honest: seeds scatter as they say")
  func errors() throws {
    // The second function bends, so that orders matter.
    let image = ExplainedImage(Tensor([1, 1, 9, 1], repeating: 1))
    let runs = try (0..<40).map { seed in
      let map = try Self.method(samples: 2 + 16 * 20, seed: UInt64(seed), features: 9).explain(
        image, targets: [1], of: Self.model(9))[0]
      return try #require(map.segments)
    }
    for j in 0..<9 {
      let values = runs.map { $0.values[j] }
      let mean = values.reduce(0, +) / 40
      let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 39).squareRoot()
      let squares = runs.reduce(0) { $0 + $1.standardErrors[j] * $1.standardErrors[j] }
      let told = (squares / 40).squareRoot()
      if told < 1e-9 {
        #expect(spread < 1e-9)
      } else {
        // Of forty numbers, the deviation is off by 11 % (one deviation).
        #expect(abs(spread / told - 1) < 0.45, "segment \(j): \(spread), told \(told)")
      }
    }
  }

  @Test("drawing stops as soon as the ranking is sure, and goes to the limit where it never is")
  func stopping() throws {
    let image = ExplainedImage(Tensor([1, 1, 9, 1], repeating: 1))
    let clear = Function([1, 1, 9, 1]) { x in
      [100 * x[3] + 50 * x[6] + 25 * x[1] + max(x[0] + x[2] - x[8], 0)]
    }
    let sure = try Self.method(samples: 20_000, stopping: StoppingRule(), features: 9).explain(
      image, targets: [0], of: clear as any Classifier)[0]
    #expect(sure.evaluations < 1000 && sure.diagnostics.contains { $0.contains("is sure") })
    let even = Function([1, 1, 9, 1]) { x in [max(x.reduce(0, +) - 4, 0)] }
    let unsure = try Self.method(samples: 2000, stopping: StoppingRule(), features: 9).explain(
      image, targets: [0], of: even as any Classifier)[0]
    #expect(unsure.evaluations > 1900 && unsure.diagnostics.contains { $0.contains("not sure") })
  }
}
