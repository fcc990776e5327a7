import PrismAutodiff
import PrismExplain
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@Suite("CAM family")
struct ClassActivationMapTests {
  /// What a method's map is before rectification and enlargement.
  static func raw(
    _ method: some GradientActivationMap, at layer: String, target: Int = 0,
    _ classifier: PlannedClassifier, _ image: ExplainedImage
  ) throws -> Tensor {
    let (activation, gradients) = try classifier.gradients(
      of: [target], at: layer, image: image.input)
    return method.map(activation: activation, gradient: gradients[0])
  }

  @Test("Grad-CAM on captum's convolution network has captum's numbers")
  func captum() throws {
    let (classifier, image) = try Toy.captumConvolution()
    // Small whole numbers and quarters: exact in Float.
    #expect(
      try Self.raw(GradCAM(), at: "conv", classifier, image)
        == Tensor([2, 2], [11.25, 13.5, 20.25, 22.5]))
    #expect(
      try Self.raw(GradCAM(), at: "relu", classifier, image) == Tensor([2, 2], [0, 4, 28, 32.5]))
  }

  @Test("HiResCAM adds up to the logit without its bias for pooled linear heads, and Grad-CAM too")
  func hiResIdentity() throws {
    let (classifier, image, bias) = try Toy.pooledHead()
    let logits = try classifier.logits(image.input)
    for target in 0..<3 {
      let hiRes = try Self.raw(HiResCAM(), at: "features", target: target, classifier, image)
      let plain = try Self.raw(GradCAM(), at: "features", target: target, classifier, image)
      // The gradient is the head's weight over the number of positions, everywhere: both maps are
      // one.
      expectClose(hiRes, plain, tolerance: 16 * epsilon)
      let sum = Double(bias.scalars[target]) + hiRes.sum
      #expect(abs(sum - Double(logits[0, target])) < 64 * epsilon)
    }
  }

  @Test("after a prediction no method of the family needs a second forward pass for its layer")
  func evaluations() throws {
    let counted = CountedIdentity()
    let recording = try Recording(input: [1, 4, 4, 2]) { x in
      let map = x.named("input").applying(counted).relu().named("features")
      return map.globalAveragePool()
        .dense(x.parameter(Tensor([2, 2], [1, 2, 3, -1]), named: "head"))
    }
    let classifier = PlannedClassifier(recording, defaultLayer: "features")
    var random = SeededRandom(seed: 1)
    var image = ExplainedImage(Tensor.uniform([1, 4, 4, 2], using: &random))
    let unseen = image
    let logits = try image.logits(by: BatchedClassifier(classifier, batch: 4))
    #expect(logits == (try classifier.logits(image.input)))
    var before = counted.evaluations
    for method: any Explainer in [
      GradCAM(), GradCAMPlusPlus(), HiResCAM(), XGradCAM(), LayerCAM(), EigenCAM(),
      EigenGradCAM(), FinerCAM(), AblationCAM(),
    ] {
      let map = try method.explain(image, targets: [0, 1], of: classifier)
      #expect(counted.evaluations == before)
      #expect(
        map.map(\.values)
          == (try method.explain(unseen, targets: [0, 1], of: classifier).map(\.values)))
      // The picture that was not predicted needs one.
      #expect(counted.evaluations == before + 1)
      before = counted.evaluations
    }
  }

  @Test("the weighting formulas agree with a naive evaluation on random tensors")
  func formulas() {
    var random = SeededRandom(seed: 8)
    let (h, w, channels) = (3, 4, 5)
    let a = Tensor.uniform([1, h, w, channels], in: -0.5..<1, using: &random)
    let g = Tensor.uniform([1, h, w, channels], in: -1..<1, using: &random)
    func plane(_ t: Tensor, _ c: Int) -> [Double] {
      (0..<h * w).map { Double(t.scalars[$0 * channels + c]) }
    }
    func check(_ method: some GradientActivationMap, _ term: ([Double], [Double]) -> [Double]) {
      var expected = [Double](repeating: 0, count: h * w)
      for c in 0..<channels {
        for (i, value) in term(plane(a, c), plane(g, c)).enumerated() { expected[i] += value }
      }
      // Weights are rounded to Float once, sums are in Double: a few roundings of each term.
      expectClose(
        method.map(activation: a, gradient: g), Tensor([h, w], expected.map(Float.init)),
        tolerance: 8 * epsilon, Comment(rawValue: method.name))
    }
    check(GradCAM()) { a, g in
      a.map { $0 * g.reduce(0, +) / Double(g.count) }
    }
    check(HiResCAM()) { a, g in zip(a, g).map { $0 * $1 } }
    check(LayerCAM()) { a, g in zip(a, g).map { $0 * max($1, 0) } }
    check(XGradCAM()) { a, g in
      let weight = zip(a, g).map { $0 * $1 }.reduce(0, +) / (a.reduce(0, +) + 1e-7)
      return a.map { $0 * weight }
    }
    check(GradCAMPlusPlus()) { a, g in
      let sum = a.reduce(0, +)
      let weight = g.map { g in
        g == 0 ? 0 : g * g / (2 * g * g + sum * g * g * g + 1e-6) * max(g, 0)
      }.reduce(0, +)
      return a.map { $0 * weight }
    }
  }

  @Test("Eigen-CAM finds a component that was put in, with the sign that makes its peak positive")
  func eigen() throws {
    // Rank one after centring: a pattern with mean zero times a direction of length one.
    let pattern: [Float] = [-1, -1, -1, -1, -1, 5]
    for (direction, offset) in [([0.6, 0.8] as [Float], Float(3)), ([-0.6, 0, -0.8], -2)] {
      let values = pattern.flatMap { p in direction.map { p * $0 + offset } }
      let activation = Tensor([1, 2, 3, direction.count], values)
      let map = try EigenCAM().map(activation: activation)
      expectClose(map, Tensor([2, 3], pattern), tolerance: 16 * epsilon)
    }
    // More channels than positions: the other Gram matrix.
    var random = SeededRandom(seed: 5)
    let wide = Tensor.uniform([1, 1, 3, 7], using: &random)
    let centred = wide.scalars
    let map = try EigenCAM().map(activation: wide).scalars.map(Double.init)
    // The projection on a unit vector is an eigenvector of X Xᵀ: X Xᵀ m is a multiple of m.
    let x = (0..<3).map { r in
      (0..<7).map { c in
        Double(centred[r * 7 + c]) - (0..<3).reduce(0.0) { $0 + Double(centred[$1 * 7 + c]) } / 3
      }
    }
    let image = (0..<3).map { i in
      (0..<3).reduce(0.0) { s, j in s + zip(x[i], x[j]).reduce(0) { $0 + $1.0 * $1.1 } * map[j] }
    }
    let eigenvalue = map.reduce(0) { $0 + $1 * $1 }  // |S₁ U₁|² = S₁²
    for i in 0..<3 { #expect(abs(image[i] - eigenvalue * map[i]) < 1e-5 * eigenvalue) }
  }

  @Test("Ablation-CAM's weights are exact for a linear head: each channel's share of the logit")
  func ablation() throws {
    let (classifier, image, _) = try Toy.pooledHead()
    let method = AblationCAM(isRectified: false)
    let maps = try method.explain(image, targets: [0, 2], of: classifier)
    let (activation, gradients) = try classifier.gradients(
      of: [0, 2], at: "features", image: image.input)
    let logits = try classifier.logits(image.input)
    for (map, (gradient, target)) in zip(maps, zip(gradients, [0, 2])) {
      // y − y_c is the contribution Σ G_c ⊙ A_c of a channel.
      let channels = activation.shape[3]
      let weights = (0..<channels).map { c in
        stride(from: c, to: activation.count, by: channels).reduce(0.0) {
          $0 + Double(activation.scalars[$1]) * Double(gradient.scalars[$1])
        } / Double(logits[0, target])
      }
      var expected = Tensor([4, 3])
      for p in 0..<12 {
        expected[p / 3, p % 3] = Float(
          (0..<channels).reduce(0.0) {
            $0 + weights[$1] * Double(activation.scalars[p * channels + $1])
          })
      }
      // Differences of logits of order one lose digits: 32 roundings of a logit over a share of it.
      expectClose(
        map.values, expected.resizedBilinear(height: 8, width: 6), tolerance: 256 * epsilon)
    }
  }

  @Test("Score-CAM weights the channel whose region raises the logit")
  func score() throws {
    // Two channels copy the left and the right half; the logit is the mean of the left half.
    var left = Tensor([1, 4, 4, 1])
    for y in 0..<4 { for x in 0..<2 { left[0, y, x, 0] = 1 } }
    let right = left.map { 1 - $0 }
    let recording = try Recording(input: [1, 4, 4, 1]) { x in
      let halves = (x.named("input") * x.parameter(left, named: "left"))
        .concatenated(with: [x * x.parameter(right, named: "right")]).named("halves")
      return (halves * x.parameter(Tensor([1, 1, 1, 2], [1, 0]), named: "pick"))
        .globalAveragePool().dense(x.parameter(Tensor([1, 2], [8, 8]), named: "head"))
    }
    let classifier = PlannedClassifier(recording, defaultLayer: "halves")
    let image = ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1))
    let map = try ScoreCAM().explain(image, targets: [0], of: classifier)[0].values
    // The masks are the halves themselves (scaled to 0…1), the logits 8 · 8 / 16 = 4 and 0: softmax
    // by hand.
    let share = 1 / (1 + 0.018_315_638_888_734_18)
    #expect(abs(Double(map[0, 0]) - share) < 8 * epsilon)
    #expect(abs(Double(map[3, 3]) - (1 - share)) < 8 * epsilon)
  }

  @Test("layers without rows and columns, broken models and other sizes are refused in one line")
  func refusals() throws {
    let (classifier, image, _) = try Toy.pooledHead()
    let flat = try Recording(input: [1, 2, 2, 1]) { x in
      x.named("input").globalAveragePool().named("pooled")
    }
    let methods: [any Explainer] = [
      GradCAM(layer: "pooled"), EigenCAM(layer: "pooled"), ScoreCAM(layer: "pooled"),
      AblationCAM(layer: "pooled"),
    ]
    for method in methods {
      #expect(throws: ExplanationError.layerWithoutExtent(layer: "pooled", shape: [1, 1])) {
        try method.explain(
          ExplainedImage(Tensor([1, 2, 2, 1])), targets: [0],
          of: PlannedClassifier(flat, defaultLayer: "pooled"))
      }
    }
    #expect(throws: ExplanationError.imageSize(given: [1, 2, 2, 2], expected: [1, 8, 6, 2])) {
      try HiResCAM().explain(ExplainedImage(Tensor([1, 2, 2, 2])), targets: [0], of: classifier)
    }
    let nan = ExplainedImage(image.input.map { _ in Float.nan })
    #expect(throws: ExplanationError.notFinite(layer: "the input")) {
      try LayerCAM().explain(nan, targets: [0], of: classifier)
    }
  }
}
