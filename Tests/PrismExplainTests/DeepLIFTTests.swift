import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("DeepLIFT")
struct DeepLIFTTests {
  static func classifier(
    _ shape: Shape, _ body: (Value) -> Value
  ) throws -> PlannedClassifier {
    PlannedClassifier(
      try Recording(input: shape) { body($0.named("input")) }, defaultLayer: "input")
  }

  @Test("captum's ReLU network at (1, 2) against zero: (2, 1)")
  func captum() throws {
    // 2 ReLU(a) + 2 ReLU(b − 1.5)
    let model = try Self.classifier([1, 1, 2, 1]) { x in
      (x.reshaped(to: [1, 2]) + x.parameter(Tensor([1, 2], [0, -1.5]), named: "shift")).relu()
        .dense(x.parameter(Tensor([1, 2], [2, 2]), named: "w"))
    }
    let map = try DeepLIFT().explain(
      ExplainedImage(Tensor([1, 1, 2, 1], [1, 2])), targets: [0], of: model)[0]
    #expect(map.values == Tensor([1, 2], [2, 1]))
    #expect(map.completenessGap == 0)
  }

  @Test(
    "a max pool credits its rise to the new winner and its fall to the old one",
    arguments: [
      ([1, 5, 2, 0], [0, 3, 4, 0], [0, 1, 0, 0]), ([1, 2, 2, 0], [0, 3, 6, 0], [0, 0, -4, 0]),
    ] as [([Float], [Float], [Float])])
  func maxPool(_ image: [Float], _ baseline: [Float], _ expected: [Float]) throws {
    let model = try Self.classifier([1, 2, 2, 1]) { $0.maxPool(kernel: 2).reshaped(to: [1, 1]) }
    let map = try DeepLIFT(baselines: [.image(Tensor([1, 2, 2, 1], baseline))]).explain(
      ExplainedImage(Tensor([1, 2, 2, 1], image)), targets: [0], of: model)[0]
    #expect(map.values == Tensor([2, 2], expected))
  }

  @Test("a product follows the symmetric rule")
  func product() throws {
    let model = try Self.classifier([1, 1, 1, 2]) { x in
      let first = (x * x.parameter(Tensor([1, 1, 1, 2], [1, 0]), named: "a")).sum()
      let second = (x * x.parameter(Tensor([1, 1, 1, 2], [0, 1]), named: "b")).sum()
      return (first * second).reshaped(to: [1, 1])
    }
    let image = Tensor([1, 1, 1, 2], [5, 3])
    let multipliers = try model.gradients(
      of: [0], image: image, rule: DeepLIFTRule(reference: [Tensor([1, 1, 1, 2], [1, 2])])
    ).gradients
    // Half the sum of the other factor's values: (3 + 2) / 2 and (5 + 1) / 2.
    #expect(multipliers[0] == Tensor([1, 1, 1, 2], [2.5, 3]))
  }

  @Test(
    "the sum closes with SiLU, ReLU6, gates, skips, batch norm and pools, where gradients lose it")
  func additivity() throws {
    var random = SeededRandom(seed: 4)
    func tensor(_ shape: Shape, _ range: Range<Float> = -0.7..<0.7) -> Tensor {
      .uniform(shape, in: range, using: &random)
    }
    let weights = [
      tensor([4, 2, 3, 3]), tensor([4, 1, 3, 3]), tensor([2, 4]), tensor([4, 2]), tensor([3, 8]),
    ]
    let moments = [tensor([4], 0.5..<1.5), tensor([4]), tensor([4]), tensor([4], 0.5..<1.5)]
    let model = try Self.classifier([1, 9, 8, 2]) { x in
      let stem = x.convolution(x.parameter(weights[0], named: "stem"), padding: .symmetric(1))
        .relu6()
      let branch = stem.depthwiseConvolution(
        x.parameter(weights[1], named: "depthwise"), padding: .same
      ).batchNormalized(
        scale: x.parameter(moments[0], named: "scale"),
        offset: x.parameter(moments[1], named: "offset"),
        mean: x.parameter(moments[2], named: "mean"),
        variance: x.parameter(moments[3], named: "variance"), epsilon: 1e-3
      ).silu()
      let gate = branch.globalAveragePool().dense(x.parameter(weights[2], named: "squeeze")).silu()
        .dense(x.parameter(weights[3], named: "excite")).sigmoid().reshaped(to: [1, 1, 1, 4])
      return (stem + branch * gate).concatenated(with: [stem])
        .maxPool(kernel: 3, stride: 2, padding: .symmetric(1)).globalAveragePool()
        .dense(x.parameter(weights[4], named: "head"))
    }
    let image = ExplainedImage(tensor([1, 9, 8, 2], -6..<9))
    let maps = try DeepLIFT(baselines: [.constant([0]), .mean]).explain(
      image, targets: [0, 1, 2], of: model)
    let gradients = try InputXGradient().explain(image, targets: [0, 1, 2], of: model)
    for (map, gradient) in zip(maps, gradients) {
      let logit = Double(try model.logits(image.input)[0, map.target])
      let difference = logit - (try #require(map.baseValue))
      // Rounding of some twenty operations on values of the size of the credits that cancel in the
      // sum.
      let size = map.values.scalars.reduce(0.0) { $0 + Double(abs($1)) }
      #expect(try abs(#require(map.completenessGap)) < 256 * epsilon * size)
      #expect(abs(gradient.values.sum - difference) > 0.05 * abs(difference))
    }
  }

  @Test("no baselines are refused")
  func refusals() throws {
    let (classifier, image, _) = try Toy.pooledHead()
    #expect(throws: ExplanationError.self) {
      try DeepLIFT(baselines: []).explain(image, targets: [0], of: classifier)
    }
  }
}
