import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("extremal perturbation")
struct ExtremalPerturbationTests {
  /// The script's network and image.
  static func network(_ it: MaskingReferences.Extremal) throws -> (
    PlannedClassifier, ExplainedImage
  ) {
    let recording = try Recording(input: [1, it.height, it.width, 2]) { x in
      let weights = x.parameter(Tensor([3, 2, 3, 3], it.weights), named: "w")
      let head = x.parameter(Tensor([2, 3], it.head.map { 20 * $0 }), named: "head")
      return x.named("input").convolution(weights, padding: .symmetric(1)).silu()
        .named("features").globalAveragePool().dense(head)
    }
    return (
      PlannedClassifier(recording, defaultLayer: "features"),
      ExplainedImage(Tensor([1, it.height, it.width, 2], it.image))
    )
  }

  @Test("a smooth mask is torchray's")
  func smoothMask() throws {
    let it = try MaskingReferences.load().extremal
    let mask = SmoothMask(
      height: it.height, width: it.width, step: it.spacing, kernelWidth: 3 * it.spacing)
    let full = try mask.full([Float](repeating: 1, count: mask.rows * mask.columns))
    let first = try #require(it.cases.first { $0.steps == 0 })
    expectClose(
      Tensor([it.height, it.width], mask.cropped(full)),
      Tensor([it.height, it.width], first.mask.map { Float($0) }), tolerance: 2e-6)
  }

  @Test("the gradient of a smooth mask is that of central differences")
  func maskGradient() throws {
    let mask = SmoothMask(height: 7, width: 9, step: 2, kernelWidth: 5)
    var random = SeededRandom(seed: 4)
    let parameters = (0..<mask.rows * mask.columns).map { _ in 0.1 + 0.8 * random.uniform() }
    let weights = (0..<mask.fullHeight * mask.fullWidth).map { _ in random.uniform() - 0.5 }
    func value(_ parameters: [Float]) throws -> Double {
      zip(try mask.full(parameters), weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let gradient = try mask.gradient(at: parameters, of: weights)
    let largest = gradient.map(abs).max() ?? 0
    for i in parameters.indices {
      let step: Float = 1.0 / 256
      var (up, down) = (parameters, parameters)
      up[i] += step
      down[i] -= step
      let difference = try (value(up) - value(down)) / Double(2 * step)
      #expect(abs(difference - Double(gradient[i])) < 0.01 * Double(largest))
    }
  }

  @Test("masks are torchray's, with and without mirrored steps")
  func masks() throws {
    let it = try MaskingReferences.load().extremal
    let (classifier, image) = try Self.network(it)
    for reference in it.cases where reference.steps > 0 {
      var method = ExtremalPerturbation(
        area: Double(it.kept) / Double(it.height * it.width), steps: reference.steps,
        spacing: it.spacing, isMirrored: reference.mirrored)
      method.growth = power(1.0035, Double(reference.steps))
      let map = try method.explain(image, targets: [0], of: classifier)[0]
      // Both compute in Float, and thirty steps add up what is rounded.
      expectClose(
        map.values, Tensor([it.height, it.width], reference.mask.map { Float($0) }),
        tolerance: 5e-5, "mirrored: \(reference.mirrored)")
    }
  }

  /// A network that adds up what is bright, and a picture that is bright in one place.
  static func spot() throws -> (PlannedClassifier, ExplainedImage) {
    let recording = try Recording(input: [1, 16, 20, 1]) { x in
      let ones = x.parameter(Tensor([1, 1, 3, 3], repeating: 1), named: "w")
      let bias = x.parameter(Tensor([1], [-6]), named: "b")
      return x.named("input").convolution(ones, bias: bias, padding: .symmetric(1)).relu()
        .named("features").globalAveragePool()
        .dense(x.parameter(Tensor([1, 1], [4]), named: "head"))
    }
    var random = SeededRandom(seed: 6)
    let values = (0..<16 * 20).map { p -> Float in
      (4..<9).contains(p / 20) && (11..<16).contains(p % 20) ? 3 : random.uniform() - 0.5
    }
    return (
      PlannedClassifier(recording, defaultLayer: "features"),
      ExplainedImage(Tensor([1, 16, 20, 1], values))
    )
  }

  @Test("the area is reached, and what is kept keeps more than other parts of the same area")
  func preservation() throws {
    let (classifier, image) = try Self.spot()
    let pyramid = BlurPyramid(image.input, count: 8, deviation: 20)
    func score(_ mask: [Float]) throws -> Float {
      try classifier.logits(Tensor(image.input.shape, pyramid.image(through: mask))).scalars[0]
    }
    for area in [0.1, 0.25] {
      let map = try ExtremalPerturbation(area: area, steps: 400, spacing: 1).explain(
        image, targets: [0], of: classifier)[0]
      let share = map.values.sum / Double(map.values.count)
      #expect(abs(share - area) < 0.25 * area, "\(share)")
      #expect(map.values[6, 13] > 0.9 && map.values[14, 2] < 0.1)
      let kept = map.values.scalars
      let best = try score(kept)
      // The same mask elsewhere: rolled around.
      for shift in [5, 40, 87, 133, 170, 211, 260] {
        let rolled = kept.indices.map { kept[($0 + shift) % kept.count] }
        #expect(try score(rolled) < best)
      }
      #expect(map.diagnostics.contains { $0.contains("of the image kept") })
    }
  }

  @Test("parameters that make no sense are errors")
  func parameters() throws {
    let it = try MaskingReferences.load().extremal
    let (classifier, image) = try Self.network(it)
    for method in [
      ExtremalPerturbation(area: 0), ExtremalPerturbation(area: 1), ExtremalPerturbation(steps: 0),
      ExtremalPerturbation(steps: 1, spacing: 0), ExtremalPerturbation(steps: 1, spacing: 17),
      ExtremalPerturbation(area: .nan),
    ] {
      #expect(throws: ExplanationError.self) {
        try method.explain(image, targets: [0], of: classifier)
      }
    }
  }
}
