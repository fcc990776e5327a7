import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("ways of integrated gradients, and regions")
struct PathTests {
  /// What Google PAIR's package makes; written by `Tools/fixtures/saliency_maps.py`.
  struct Reference: Decodable {
    struct Case: Decodable {
      let network: ReferenceNetwork
      let blur: [Float]
      let guided: [Float]
    }
    let cases: [Case]
    let regions: [Float]
    let parts: Int
  }

  static func expect(_ map: Tensor, equals expected: [Float], _ comment: Comment) {
    expectClose(map, Tensor(map.shape, expected), tolerance: 1e-4, comment)
  }

  @Test("Blur-IG and Guided IG of the package saliency", arguments: ReferenceNetwork.allCases)
  func ways(_ network: ReferenceNetwork) throws {
    let reference = try fixture("saliency.json", as: Reference.self)
    let expected = try #require(reference.cases.first { $0.network == network })
    let (classifier, input) = try network.make()
    let image = ExplainedImage(input)
    func map(_ method: some Explainer) throws -> Attribution {
      try method.explain(image, targets: [1], of: classifier)[0]
    }
    let blur = try map(BlurIG(steps: 24, largestSigma: 6))
    Self.expect(blur.values, equals: expected.blur, "Blur-IG")
    let guided = try map(GuidedIG(steps: 30, largestDistance: 0.1))
    Self.expect(guided.values, equals: expected.guided, "Guided IG")
    // What the sum of small blurs lacks is little, and little of the straight way that guides nobody.
    for many in [
      try map(BlurIG(steps: 400, largestSigma: 6)),
      try map(GuidedIG(steps: 400, largestDistance: 0)), guided,
    ] {
      let gap = try #require(many.completenessGap)
      let whole = try #require(many.explainedValue) - #require(many.baseValue)
      if many != guided { #expect(abs(gap) < 0.05 * abs(whole), "\(gap) of \(whole)") }
      #expect(abs(whole - gap - many.values.sum) < 1e-4)
    }
  }

  @Test("XRAI of the package saliency, with its parts and their order")
  func regions() throws {
    let reference = try fixture("saliency.json", as: Reference.self)
    let side = 48
    let (classifier, noise) = try ReferenceNetwork.residual.make(side: side)
    let input = Tensor(
      noise.shape,
      noise.scalars.enumerated().map { i, value in
        let (y, x) = (i / 3 / side, i / 3 % side)
        return value / 8 + ((y / 16 + x / 12) % 2 == 0 ? -1 : 1)
      })
    let image = ExplainedImage(
      input, pixels: input.map { $0 * 60 + 120 }.reshaped(to: [side, side, 3]))
    let map = try XRAI().explain(image, targets: [1, 0], of: classifier)
    Self.expect(map[0].values, equals: reference.regions, "XRAI")
    #expect(Set(map[0].values.scalars).count > 5 && map[0].values != map[1].values)
    #expect(map[0].diagnostics.count == 1)
    #expect(throws: ExplanationError.noPixels(for: "XRAI")) {
      try XRAI().explain(ExplainedImage(input), targets: [1], of: classifier)
    }
  }

  @Test("parts in the order of their means, each with what earlier ones left, by hand")
  func ranking() {
    let pixels: [Double] = [4, 2, 0, 1, 1, 7]
    // {0, 1} has the mean 3; of {1, 2, 3} two are left with 0.5; {4} adds too little.
    let map = XRAI.ranked(pixels, [[1, 2, 3], [0, 1], [4]], addingAtLeast: 2)
    #expect(map == [3, 3, 0.5, 0.5, 4, 4])
    #expect(XRAI.ranked(pixels, [], addingAtLeast: 1) == [Double](repeating: 2.5, count: 6))
    let segmentation = Segmentation(
      renumbering: [0, 0, 0, 1, 1, 1, 1, 1, 1], height: 3, width: 3)
    #expect(
      XRAI.enlarged(segmentation, by: 1) == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6, 7, 8]])
    #expect(XRAI.enlarged(segmentation, by: 0)[0] == [0, 1, 2])
  }

  @Test("the blur with zeros around the image, by hand, and its limits")
  func blur() {
    let line = GaussianBlur(sigma: 0.5)([0, 1, 0, 0], height: 1, width: 4, channels: 1)
    // Weights exp(−2 k²) for k up to 2, in both directions.
    let weights = [1, exponential(-2.0 as Double), exponential(-8.0 as Double)]
    let total = weights[0] + 2 * weights[1] + 2 * weights[2]
    // The rows above and below are zeros.
    for (a, b) in zip(line, [weights[1], weights[0], weights[1], weights[2]]) {
      #expect(abs(a - b * weights[0] / (total * total)) < 1e-12)
    }
    #expect(GaussianBlur(sigma: 0)([1, 2, 3], height: 3, width: 1, channels: 1) == [1, 2, 3])
    // Kernels wider than the image end at its borders.
    let wide = GaussianBlur(sigma: 40)([1, 1], height: 1, width: 1, channels: 2)
    #expect(wide[0] == wide[1] && wide[0] > 0 && wide[0] < 0.001)
  }

  @Test("steps, shares and deviations that make no sense are errors")
  func parameters() throws {
    let (classifier, input) = try ReferenceNetwork.plain.make()
    let broken: [any Explainer] = [
      BlurIG(steps: 0), BlurIG(largestSigma: 0), BlurIG(largestSigma: .nan), GuidedIG(steps: 0),
      GuidedIG(fraction: 1.5), GuidedIG(largestDistance: -1), XRAI(steps: 0),
    ]
    for method in broken {
      #expect(throws: ExplanationError.self) {
        try method.explain(ExplainedImage(input), targets: [0], of: classifier)
      }
    }
    // From the image to itself there is no way to go.
    let still = try GuidedIG(steps: 3, baseline: .image(input)).explain(
      ExplainedImage(input), targets: [0], of: classifier)[0]
    #expect(still.values.isZero && still.completenessGap == 0)
  }
}
