import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("LRP")
struct LRPTests {
  /// What zennit makes of the reference networks; written by `Tools/fixtures/lrp.py`.
  struct Zennit: Decodable {
    struct Case: Decodable {
      let network: ReferenceNetwork
      let logits: [Double]
      let target: Int
      let maps: [String: [Float]]
    }
    let low, high: [Float]
    let cases: [Case]
  }

  @Test(
    "zennit's maps, of every composite", arguments: ReferenceNetwork.allCases,
    LRP.Composite.allCases)
  func zennit(_ network: ReferenceNetwork, _ composite: LRP.Composite) throws {
    let reference = try fixture("relevance.json", as: Zennit.self)
    let expected = try #require(reference.cases.first { $0.network == network })
    let (classifier, input) = try network.make()
    let logits = try classifier.logits(input).scalars
    for (a, b) in zip(logits, expected.logits) { #expect(abs(Double(a) - b) < 1e-5 * (1 + abs(b))) }
    // Black and white the other way round in one channel: the box is made of both.
    let image = ExplainedImage(
      input, black: [reference.low[0], reference.low[1], reference.high[2]],
      white: [reference.high[0], reference.high[1], reference.low[2]])
    let map = try LRP(composite: composite).explain(
      image, targets: [expected.target], of: classifier)[0]
    let values = Tensor([16, 16], try #require(expected.maps[composite.rawValue]))
    let largest = max(abs(values.minimum), values.maximum)
    let difference = (map.values - values).map { abs($0) }.maximum / largest
    #expect(difference < 1e-4, "\(difference) of the largest value")
    #expect(map.diagnostics.allSatisfy { $0.contains("is no sum") } && map.baseValue == 0)
    let gap = try #require(map.completenessGap)
    #expect(abs(expected.logits[expected.target] - gap - map.values.sum) < 1e-4)
  }

  @Test(
    "what is missing of the logit is told, however much it is",
    arguments: [
      (0.3, 1.0, ""), (0.6, 1, "60 % of the relevance stays in biases"),
      (-3, 2, "adds up to 5.0 where the output is 2.0"),
      (1.5, 1, "adds up to -0.5 where"), (-3e19, 1, "grown beyond all bounds"),
      (1e40, -0.1, "grown beyond all bounds"), (.infinity, 1, "grown beyond all bounds"),
      (.nan, 1, ""), (1, 0, ""),
    ])
  func missing(gap: Double, output: Double, note: String) {
    let notes = LRP.notes(gap, of: output)
    #expect(note.isEmpty ? notes.isEmpty : notes.count == 1 && notes[0].contains(note), "\(notes)")
  }

  @Test("shares of any size in whole percent")
  func percent() {
    #expect(0.304.wholePercent == "30 %" && (-1.0).wholePercent == "-100 %")
    #expect(Double.infinity.wholePercent == "inf %" && 1e30.wholePercent == "1e+32 %")
  }

  @Test("without biases the sum is the logit", arguments: LRP.Composite.allCases)
  func conservation(_ composite: LRP.Composite) throws {
    var random = SeededRandom(seed: 4)
    let first = Tensor.uniform([6, 3, 3, 3], in: -1..<1, using: &random)
    let second = Tensor.uniform([6, 6, 3, 3], in: -1..<1, using: &random)
    let gate = Tensor.uniform([6, 6], in: -1..<1, using: &random)
    let head = Tensor.uniform([3, 6], in: -1..<1, using: &random)
    let classifier = try DeepLIFTTests.classifier([1, 8, 8, 3]) { x in
      let a = x.convolution(x.parameter(first, named: "a"), padding: .symmetric(1)).silu()
      let b = a.convolution(x.parameter(second, named: "b"), padding: .symmetric(1)).relu()
      // Squeeze-and-excitation, a residual sum and pools.
      let gate = b.globalAveragePool().dense(x.parameter(gate, named: "g")).sigmoid()
      let gated = b * gate.reshaped(to: [1, 1, 1, 6])
      return (a + gated).maxPool(kernel: 2).globalAveragePool()
        .dense(x.parameter(head, named: "h"))
    }
    let image = ExplainedImage(
      Tensor.uniform([1, 8, 8, 3], in: 0..<1, using: &random), black: [0, 0, 0], white: [1, 1, 1])
    let maps = try LRP(composite: composite).explain(image, targets: [0, 1, 2], of: classifier)
    for map in maps {
      let whole = try #require(map.explainedValue)
      // Where a sum of both signs is nearly zero, what stabilises the division takes its part.
      #expect(try abs(#require(map.completenessGap)) < 1e-3 * max(1, abs(whole)))
    }
    // All labels from one pass are those of one label at a time.
    for target in 0..<3 {
      let alone = try LRP(composite: composite).explain(image, targets: [target], of: classifier)
      #expect(alone[0].values == maps[target].values)
    }
  }

  @Test("a gate takes nothing, and two signals take half each, by hand")
  func products() throws {
    func map(_ body: (Value, Value) -> Value) throws -> [Float] {
      let classifier = try DeepLIFTTests.classifier([1, 1, 2, 1]) { x in
        let row = x.reshaped(to: [1, 2])
        func pick(_ weights: [Float], _ name: String) -> Value {
          row.dense(x.parameter(Tensor([1, 2], weights), named: name))
        }
        return body(pick([1, 0], "first"), pick([0, 1], "second"))
      }
      return try LRP(composite: .epsilon).explain(
        ExplainedImage(Tensor([1, 1, 2, 1], [3, 2])), targets: [0], of: classifier)[0].values
        .scalars
    }
    let gated = try map { $0 * $1.sigmoid() }
    #expect(abs(gated[0] - 3 * 0.880797) < 1e-5 && gated[1] == 0)
    #expect(try map { $1.sigmoid() * $0 }[1] == 0)
    let both = try map { $0 * $1 }
    #expect(abs(both[0] - 3) < 1e-5 && abs(both[1] - 3) < 1e-5)
    // A sum in proportion, 3 to 2.
    let sum = try map { $0 + $1 }
    #expect(abs(sum[0] - 3) < 1e-5 && abs(sum[1] - 2) < 1e-5)
  }

  @Test("a normalisation and a constant behind a layer are merged into it, in any order")
  func merging() throws {
    var random = SeededRandom(seed: 6)
    let weight = Tensor.uniform([4, 3, 3, 3], in: -1..<1, using: &random)
    let vectors = (0..<5).map { _ in Tensor.uniform([4], in: 0.5..<1.5, using: &random) }
    let head = Tensor.uniform([2, 4], in: -1..<1, using: &random)
    func classifier(_ body: (Value) -> Value) throws -> PlannedClassifier {
      try DeepLIFTTests.classifier([1, 6, 6, 3]) { x in
        body(x).relu().globalAveragePool().dense(x.parameter(head, named: "head"))
      }
    }
    let apart = try classifier { x in
      func p(_ i: Int) -> Value { x.parameter(vectors[i], named: "v\(i)") }
      let row = x.parameter(vectors[0].reshaped(to: [1, 1, 1, 4]), named: "v0")
      return (x.convolution(x.parameter(weight, named: "w")) + row)
        .batchNormalized(scale: p(1), offset: p(2), mean: p(3), variance: p(4), epsilon: 0)
    }
    let together = try classifier { x in
      let v = vectors.map(\.scalars)
      let factors = (0..<4).map { v[1][$0] / v[4][$0].squareRoot() }
      let scaled = (0..<weight.count).map { weight.scalars[$0] * factors[$0 / 27] }
      let bias = (0..<4).map { (v[0][$0] - v[3][$0]) * factors[$0] + v[2][$0] }
      return x.convolution(
        x.parameter(Tensor([4, 3, 3, 3], scaled), named: "w"),
        bias: x.parameter(Tensor([4], bias), named: "b"))
    }
    let image = ExplainedImage(Tensor.uniform([1, 6, 6, 3], in: -1..<1, using: &random))
    for composite in LRP.Composite.allCases {
      let maps = try [apart, together].map {
        try LRP(composite: composite).explain(image, targets: [0, 1], of: $0).map(\.values)
      }
      for t in 0..<2 {
        expectClose(
          maps[0][t], maps[1][t], tolerance: 1e-4)
      }
    }
  }

  @Test("the box is the input's own range where black and white are not known, and that is said")
  func range() throws {
    let (classifier, input) = try ReferenceNetwork.plain.make()
    let map = try LRP(composite: .epsilonGammaBox).explain(
      ExplainedImage(input), targets: [0], of: classifier)[0]
    #expect(map.diagnostics.contains { $0.contains("not known") })
    for (epsilon, gamma) in [(-1, 0.25), (Double.nan, 0.25), (1e-6, -0.1), (1e-6, .infinity)] {
      #expect(throws: ExplanationError.self) {
        try LRP(epsilon: epsilon, gamma: gamma).explain(
          ExplainedImage(input), targets: [0], of: classifier)
      }
    }
  }
}
