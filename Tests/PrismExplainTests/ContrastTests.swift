import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("contrasts of two labels")
struct ContrastTests {
  @Test(
    "every method explains a difference of logits, and the labels beside it as without it",
    arguments: ExplanationMethod.allCases)
  func methods(_ method: ExplanationMethod) throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    let contrasted = classifier.contrasting([Contrast(2, against: 0), Contrast(1, against: 2)])
    let explainer = method.explainer(ExplanationMethodTests.settings())
    let plain = try explainer.explain(image, targets: [0, 2], of: classifier)
    let beside = try explainer.explain(image, targets: [0, 3, 2, 4], of: contrasted)
    #expect(beside.map(\.target) == [0, 3, 2, 4])
    // Partition SHAP looks for the parts that matter to all targets together.
    if method != .partitionSHAP {
      #expect(beside[0].values == plain[0].values && beside[2].values == plain[1].values)
    }
    for map in [beside[1], beside[3]] { #expect(map.values.isFinite) }
    let logits = try classifier.logits(image.input).scalars.map(Double.init)
    for (map, difference) in [
      (beside[1], logits[2] - logits[0]), (beside[3], logits[1] - logits[2]),
    ]
    where map.output == .logit {
      if let whole = map.explainedValue { #expect(abs(whole - difference) < 1e-5) }
      if let sum = map.sum, let base = map.baseValue, let gap = map.completenessGap {
        #expect(abs(base + sum + gap - difference) < 1e-4)
      }
    }
    #expect(throws: ExplanationError.unknownTarget(5, count: 5)) {
      try explainer.explain(image, targets: [5], of: contrasted)
    }
  }

  @Test(
    "of methods that are linear in the logits the map is the difference of both labels' maps",
    arguments: [
      InputXGradient(), IntegratedGradients(steps: 8), DeepLIFT(), LRP(composite: .epsilon),
      Occlusion(window: 4, stride: 4), HiResCAM(isRectified: false),
      GradCAM(isRectified: false), KernelSHAP(samples: 40, segmenter: .grid(rows: 2, columns: 2)),
    ] as [any Explainer])
  func linearity(_ explainer: any Explainer) throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    let maps = try explainer.explain(
      image, targets: [2, 0, 3], of: classifier.contrasting([Contrast(2, against: 0)]))
    let difference = maps[0].values - maps[1].values
    expectClose(maps[2].values, difference, tolerance: 1e-4)
  }

  @Test("the probability of a contrast is that of the one label where only two are possible")
  func probability() throws {
    let logits: [Float] = [1, 3, 0.5, 2.5]
    func numbers(_ output: ExplainedOutput) -> [Double] {
      logits.withUnsafeBufferPointer { output($0, targets: [0, 3], contrasts: 1) }
    }
    let shares = [0, 1, 2].map { exponential(Double(logits[$0])) }
    let (softmax, sigmoid) = (numbers(.softmax), numbers(.sigmoid))
    #expect(abs(softmax[0] - shares[0] / shares.reduce(0, +)) < 1e-12)
    #expect(abs(softmax[1] - shares[1] / (shares[1] + shares[2])) < 1e-12)
    #expect(softmax[1] == sigmoid[1] && numbers(.logit) == [1, 2.5])
  }

  @Test("a contrast of a logit that does not exist is an error, also of a black box")
  func unknown() throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    let broken = classifier.contrasting([Contrast(0, against: 3)])
    #expect(throws: UnknownOutputError(index: 3, count: 3)) {
      try InputXGradient().explain(image, targets: [3], of: broken)
    }
    #expect(throws: UnknownOutputError(index: 3, count: 3)) { try broken.logits(image.input) }
    let box = Function([1, 2, 2, 1]) { [$0[0], $0[1]] }
    let contrasted = box.contrastingOutputs([Contrast(0, against: 1)])
    let logits = try contrasted.logits(Tensor([2, 2, 2, 1], [5, 3, 0, 0, 1, 2, 0, 0]))
    #expect(logits == Tensor([2, 3], [5, 3, 2, 1, 2, -1]))
  }
}
