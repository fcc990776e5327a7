import PrismAutodiff
import PrismKernels
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("all methods by name")
struct ExplanationMethodTests {
  /// Two convolutions and a linear layer, on a picture with colours.
  static func network() throws -> (PlannedClassifier, ExplainedImage) {
    var random = SeededRandom(seed: 11)
    let first = Tensor.uniform([8, 3, 3, 3], in: -1..<1, using: &random)
    let second = Tensor.uniform([12, 8, 3, 3], in: -0.5..<0.5, using: &random)
    let head = Tensor.uniform([3, 12], in: -1..<1, using: &random)
    let recording = try Recording(input: [1, 16, 16, 3]) { x in
      x.named("input")
        .convolution(x.parameter(first, named: "a.weight"), padding: .symmetric(1)).relu6()
        .convolution(x.parameter(second, named: "b.weight"), stride: 2, padding: .symmetric(1))
        .silu().named("features")
        .globalAveragePool().dense(x.parameter(head, named: "c.weight")).named("logits")
    }
    let pixels = Tensor.uniform([16, 16, 3], in: 0..<255, using: &random)
    return (
      PlannedClassifier(recording, defaultLayer: "features"),
      ExplainedImage(
        pixels.map { $0 / 64 - 2 }.reshaped(to: [1, 16, 16, 3]), pixels: pixels,
        black: [-2, -2, -2])
    )
  }

  static func settings(seed: UInt64 = 0) -> ExplanationMethod.Settings {
    ExplanationMethod.Settings(
      samples: 70, seed: seed, segmenter: .grid(rows: 4, columns: 4), masker: .mean)
  }

  @Test(
    "the same bits in every run, whatever the batch and the number of threads",
    arguments: ExplanationMethod.allCases)
  func determinism(_ method: ExplanationMethod) throws {
    let (classifier, image) = try Self.network()
    let explainer = method.explainer(Self.settings())
    let first = try explainer.explain(image, targets: [0, 2], of: classifier)
    #expect(first.count == 2 && first.map(\.target) == [0, 2])
    #expect(first.allSatisfy { $0.values.shape == [16, 16] && $0.values.isFinite })
    let threads = Workers.count
    defer { Workers.count = threads }
    for (batch, threads) in [(1, 1), (16, 2), (33, 1), (33, 2)] {
      Workers.count = threads
      let again = try explainer.explain(
        image, targets: [0, 2], of: BatchedClassifier(classifier, batch: batch))
      for (a, b) in zip(first, again) {
        #expect(a.values == b.values, "batch \(batch), \(threads) threads")
        #expect(a.standardError == b.standardError && a.completenessGap == b.completenessGap)
      }
    }
  }

  @Test("an output that the model does not have is an error", arguments: ExplanationMethod.allCases)
  func unknownTargets(_ method: ExplanationMethod) throws {
    let (classifier, image) = try Self.network()
    for target in [3, -1, .max] {
      #expect(throws: ExplanationError.unknownTarget(target, count: 3)) {
        try method.explainer(Self.settings()).explain(image, targets: [0, target], of: classifier)
      }
    }
    #expect(throws: UnknownOutputError(index: 3, count: 3)) {
      try classifier.gradients(of: [3], at: "features", image: image.input)
    }
    #expect(throws: UnknownOutputError(index: -1, count: 3)) {
      try classifier.gradients(
        of: [-1], image: image.input, rule: DeepLIFTRule(reference: [image.input]))
    }
  }

  @Test("what users choose changes the parameters of those methods alone that have the choice")
  func choices() {
    let plain = ExplanationMethod.Settings()
    let chosen: [(ExplanationMethod.Choice, ExplanationMethod.Settings)] = [
      (.layer, .init(layer: "x")), (.samples, .init(samples: 77)), (.seed, .init(seed: 5)),
      (.segments, .init(segmenter: .grid(rows: 2, columns: 3))), (.mask, .init(masker: .mean)),
      (.stopping, .init(stopping: StoppingRule())), (.output, .init(output: .sigmoid)),
      (.composite, .init(composite: .gamma)), (.draws, .init(draws: .published)),
    ]
    for method in ExplanationMethod.allCases {
      let usual = method.explainer(plain)
      #expect(usual.name == method.rawValue && !usual.title.isEmpty && !usual.facts.paper.isEmpty)
      for (choice, settings) in chosen {
        let isChanged = method.explainer(settings).parameters != usual.parameters
        #expect(isChanged == method.choices.contains(choice), "\(method), \(choice)")
      }
    }
  }

  @Test("what does not fit a model is said with the reason")
  func obstacles() throws {
    let (classifier, _) = try Self.network()
    for method in ExplanationMethod.allCases {
      #expect(method.obstacle(for: classifier) == nil)
      let isCAM = method.choices.contains(.layer)
      let obstacle = method.obstacle(for: classifier, layer: "logits")
      #expect((obstacle?.contains("rows and columns") ?? false) == isCAM)
      #expect((method.obstacle(for: classifier, layer: "nowhere") != nil) == isCAM)
      let blackBox = method.obstacle(for: Function([1, 2, 2, 1]) { $0 })
      #expect((blackBox == nil) == (method.explainer() is any BlackBoxExplainer))
    }
    let linear = PlannedClassifier(
      try Recording(input: [1, 2, 2, 1]) {
        $0.reshaped(to: [1, 4]).dense($0.parameter(Tensor([2, 4]), named: "w"))
      }, defaultLayer: "input")
    #expect(ExplanationMethod.guidedBackpropagation.obstacle(for: linear) != nil)
  }

  // MARK: Guided backpropagation

  @Test("guided backpropagation passes what is positive on both sides of a rectifier, by hand")
  func guided() throws {
    // Four pixels, each through its own rectifier, with the weights 2, −3, 4 and 5 behind it.
    let recording = try Recording(input: [1, 2, 2, 1]) { x in
      x.named("input").reshaped(to: [1, 4]).relu()
        .dense(x.parameter(Tensor([1, 4], [2, -3, 4, 5]), named: "w"))
    }
    let classifier = PlannedClassifier(recording, defaultLayer: "input")
    let image = ExplainedImage(Tensor([1, 2, 2, 1], [1, 1, -1, 3]))
    func map(_ method: some Explainer) throws -> [Float] {
      try method.explain(image, targets: [0], of: classifier)[0].values.scalars
    }
    #expect(try map(GuidedBackpropagation(reduction: .sum)) == [2, 0, 0, 5])
    #expect(try map(Saliency(reduction: .sum)) == [2, -3, 0, 5])
  }

  // MARK: Integrated Gradients until the gap is small

  @Test("without a number of steps the gap of Integrated Gradients is at most 1 %")
  func refinement() throws {
    let (classifier, image) = try Self.network()
    let logits = try classifier.logits(image.input)
    for target in 0..<3 {
      let map = try IntegratedGradients().explain(image, targets: [target], of: classifier)[0]
      let difference = try Double(logits[0, target]) - #require(map.baseValue)
      #expect(try abs(#require(map.completenessGap)) <= 0.01 * abs(difference))
      #expect(try abs(difference - map.values.sum - #require(map.completenessGap)) < 1e-4)
    }
    // Which labels are explained together changes no map.
    let together = try IntegratedGradients().explain(image, targets: [2, 0, 1], of: classifier)
    for map in together {
      let alone = try IntegratedGradients().explain(
        image, targets: [map.target], of: classifier)[0]
      #expect(map.values == alone.values && map.evaluations == alone.evaluations)
    }
    // x³ needs no refinement; a step half-way does.
    let smooth = try IntegratedGradients().explain(
      ExplainedImage(Tensor([1, 1, 1, 1], [2])), targets: [0], of: try InputGradientTests.cube())[0]
    #expect(smooth.evaluations == 52 && smooth.diagnostics.isEmpty)
    let fixed = try IntegratedGradients(steps: 7).explain(image, targets: [0], of: classifier)[0]
    #expect(fixed.evaluations == 9 && fixed.diagnostics.isEmpty)
  }

  // MARK: Until the ranking is sure

  @Test("the normal quantile is that of the tables")
  func quantile() {
    for (p, z) in [(0.5, 0), (0.975, 1.959963984540054), (0.999, 3.090232306167813)] {
      #expect(abs(normalQuantile(p) - z) < 1e-9)
      #expect(abs(normalQuantile(1 - p) + z) < 1e-9)
    }
  }

  @Test("a ranking is sure when every lead is many standard errors wide")
  func rule() {
    let rule = StoppingRule(confidence: 0.95, top: 2)
    // Two leads and one look: z = 1.96, the standard error of a difference √2.
    #expect(rule.isSure([10, -6, 1], errors: [1, 1, 1], looks: 1))
    #expect(!rule.isSure([10, -6, 3.5], errors: [1, 1, 1], looks: 1))
    #expect(!rule.isSure([7, -6, 1], errors: [1, 1, 1], looks: 1))
    #expect(!rule.isSure([10, -6, 3.1], errors: [1, 1, 1], looks: 20))
    #expect(!rule.isSure([1, 1, 0], errors: [0, 0, 0], looks: 1))
    #expect(!rule.isSure([2, 1, 0], errors: [.infinity, 0, 0], looks: 1))
    #expect((nil as StoppingRule?).looks(limit: 500) == [500])
    #expect((rule as StoppingRule?).looks(limit: 500) == [128, 256, 500])
    #expect((rule as StoppingRule?).looks(limit: 12) == [12])
    #expect((rule as StoppingRule?).looks(limit: .max).last == .max)
  }

  @Test("LIME and KernelSHAP stop when the ranking is sure, and tell")
  func stopping() throws {
    let (model, image, segmenter) = PerturbationTests.interaction()
    let rule = StoppingRule(confidence: 0.95, top: 2)
    let lime = try LIME(
      samples: 100_000, segmenter: segmenter, masker: .constant([0]), stopping: rule
    ).explain(image, targets: [0], of: model as any Classifier)[0]
    #expect(lime.evaluations < 100_000 && lime.evaluations % 128 == 0)
    #expect(lime.diagnostics.count == 1 && lime.diagnostics[0].contains("is sure (95 %)"))
    // The same as if so many samples had been asked for.
    let same = try LIME(samples: lime.evaluations, segmenter: segmenter, masker: .constant([0]))
      .explain(image, targets: [0], of: model as any Classifier)[0]
    #expect(same.values == lime.values && same.standardError == lime.standardError)
    // Twelve samples are the limit here, and too few.
    let short = try LIME(samples: 12, segmenter: segmenter, masker: .constant([0]), stopping: rule)
      .explain(image, targets: [0], of: model as any Classifier)[0]
    #expect(short.diagnostics[0].contains("not sure") && short.evaluations == 12)

    let even = Function([1, 2, 4, 1]) { x in [x.reduce(0, +) + x[0] * x[1] * x[2]] }
    let tied = try KernelSHAP(
      samples: 150, segmenter: segmenter, masker: .constant([0]), stopping: rule
    ).explain(
      ExplainedImage(Tensor([1, 2, 4, 1], repeating: 1)), targets: [0], of: even as any Classifier)[
        0]
    #expect(tied.diagnostics[0].contains("not sure"))
    #expect(try abs(#require(tied.completenessGap)) < 1e-9)
    #expect(throws: ExplanationError.self) {
      try LIME(segmenter: segmenter, stopping: StoppingRule(confidence: 1))
        .explain(image, targets: [0], of: model as any Classifier)
    }
  }

  @Test("what stopped early ranked rightly, with the stated confidence")
  func confidence() throws {
    // Three pixels that stand apart, and interactions that make samples noisy.
    let model = Function([1, 2, 4, 1]) { x in
      let noise = 2 * x[3] * x[4] * x[5] - 1.5 * x[6] * x[7] + x[0] * x[6] * x[4]
      return [5 * x[0] + 3 * x[1] - 1.9 * x[2] + 0.2 * x[3] + noise]
    }
    let image = ExplainedImage(Tensor([1, 2, 4, 1], repeating: 1))
    let segmenter = Segmenter.grid(rows: 2, columns: 4)
    func top(_ seed: UInt64, samples: Int, _ rule: StoppingRule?) throws -> ([Int], Bool) {
      let map = try LIME(
        samples: samples, segmenter: segmenter, masker: .constant([0]), seed: seed, stopping: rule
      ).explain(image, targets: [0], of: model as any Classifier)[0]
      let values = try #require(map.segments).values
      let order = values.indices.sorted { abs(values[$0]) > abs(values[$1]) }
      return (Array(order.prefix(3)), map.diagnostics.contains { $0.contains("is sure") })
    }
    let truth = try top(1000, samples: 60_000, nil).0
    var (sure, wrong) = (0, 0)
    for seed in 0..<40 {
      let (order, isSure) = try top(UInt64(seed), samples: 4000, StoppingRule())
      guard isSure else { continue }
      sure += 1
      if order != truth { wrong += 1 }
    }
    // Of 40 at 95 %, more than six wrong ones have a chance of one in a thousand.
    #expect(sure >= 20 && wrong <= 6, "\(sure) sure, \(wrong) wrong")
  }

  @Test("RISE, SmoothGrad, VarGrad and GradientSHAP stop at what so many samples give")
  func stoppingMaps() throws {
    let (classifier, image) = try Self.network()
    let rule = StoppingRule(confidence: 0.6, top: 1)
    for method in [ExplanationMethod.rise, .smoothgrad, .vargrad, .gradientSHAP] {
      var settings = ExplanationMethod.Settings(samples: 1024, stopping: rule)
      let map = try method.explainer(settings).explain(image, targets: [1], of: classifier)[0]
      let note = try #require(map.diagnostics.first)
      #expect(note.contains("top 1 cells"))
      let ends = method == .gradientSHAP ? 2 : 0
      if note.contains("not sure") { #expect(map.evaluations == 1024 + ends) }
      settings = ExplanationMethod.Settings(samples: map.evaluations - ends)
      if method != .gradientSHAP {
        let same = try method.explainer(settings).explain(image, targets: [1], of: classifier)[0]
        #expect(same.values == map.values)
      }
    }
  }

  // MARK: Stability and sanity

  @Test("a method without draws is stable, one with few draws less than one with many")
  func stability() throws {
    let (classifier, image) = try Self.network()
    func value(_ body: @escaping (UInt64) -> any Explainer) throws -> Double {
      try #require(
        try SeedStability()(targets: [1], image: image, of: classifier, body)[0])
    }
    #expect(try value { _ in Saliency() } == 1)
    let few = try value { RISE(samples: 20, seed: $0) }
    let many = try value { RISE(samples: 800, seed: $0) }
    #expect(few < many && many < 1, "\(few), \(many)")
    #expect(throws: ExplanationError.self) {
      try SeedStability(seeds: 1)(targets: [0], image: image, of: classifier) { _ in Saliency() }
    }
  }

  /// A map that looks at the image alone.
  struct Edges: Explainer {
    let name = "edges"
    let title = "Edges"
    let facts = MethodFacts(needs: [], cost: "nothing", paper: "none")
    let parameters: [MethodParameter] = []

    func explain(
      _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
      work: Work
    ) throws -> [Attribution] {
      let (height, width) = (image.input.shape[1], image.input.shape[2])
      let red = stride(from: 0, to: image.input.count, by: 3).map { image.input.scalars[$0] }
      return targets.map {
        Attribution(
          target: $0,
          values: Tensor([height, width], red.indices.map { red[$0] - red[max($0 - 1, 0)] }),
          evaluations: 0)
      }
    }
  }

  @Test("randomised layers destroy maps that tell about the network, and not those of the image")
  func sanity() throws {
    let (classifier, image) = try Self.network()
    let test = ParameterRandomization(stages: 3)
    let methods: [any Explainer] = [Edges(), Saliency(), GradCAM(layer: "features")]
    let results = try test(methods, target: 2, image: image, of: classifier)
    for result in results {
      let result = try #require(result)
      #expect(result.stages.map(\.layers) == [1, 2, 3])
      #expect(result.stages.map(\.lowest) == ["c", "b", "a"])
    }
    let (edges, saliency) = (try #require(results[0]), try #require(results[1]))
    #expect(edges.stages.allSatisfy { $0.correlation == 1 } && !edges.isPassed)
    #expect(saliency.isPassed, "\(saliency.stages.map(\.correlation))")
    // The network itself has not changed.
    #expect(try test(methods, target: 2, image: image, of: classifier) == results)
    #expect(throws: ExplanationError.self) {
      try ParameterRandomization(stages: 0)(methods, target: 0, image: image, of: classifier)
    }
  }
}
