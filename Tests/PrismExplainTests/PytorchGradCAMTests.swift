import PrismAutodiff
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("maps of pytorch-grad-cam")
struct PytorchGradCAMTests {
  /// What the package makes of the reference networks; written by `Tools/fixtures/cams.py`.
  struct Case: Decodable {
    let network: ReferenceNetwork
    let target: Int
    let maps: [String: [Float]]
  }

  /// A map scaled to 0…1, as the package does.
  static func scaled(_ map: Tensor) -> Tensor {
    let low = map.minimum
    let high = map.maximum - low
    return map.map { ($0 - low) / (1e-7 + high) }
  }

  static func expect(_ map: Tensor, equals expected: [Float]?, _ comment: Comment) throws {
    let expected = Tensor([16, 16], try #require(expected))
    // The package's layers are rounded to single precision on the way, and Prism's too.
    expectClose(scaled(map), expected, tolerance: 1e-4, comment)
  }

  @Test(
    "Finer-CAM, FullGrad and Grad-CAM on reference networks", arguments: ReferenceNetwork.allCases)
  func maps(_ network: ReferenceNetwork) throws {
    let cases = try fixture("cams.json", as: [Case].self).filter { $0.network == network }
    let (classifier, input) = try network.make()
    #expect(!cases.isEmpty)
    for expected in cases {
      func map(_ method: some Explainer) throws -> Tensor {
        try method.explain(
          ExplainedImage(input), targets: [expected.target], of: classifier)[0].values
      }
      let methods: [(String, any Explainer)] = [
        ("gradcam", GradCAM()), ("finercam", FinerCAM()), ("finercam-0.6", FinerCAM(alpha: 0.6)),
        ("fullgrad", FullGrad()),
      ]
      for (name, method) in methods {
        try Self.expect(map(method), equals: expected.maps[name], "\(name) on \(network)")
      }
      // The paper's definition by torch, as it is. Adam divides gradients by their size: where one
      // changes its sign with the rounding, a step of the search goes the other way.
      let optimal = try map(OptiCAM(LayerChoice(), steps: 30))
      let searched = Tensor([16, 16], try #require(expected.maps["opticam"]))
      expectClose(optimal, searched, tolerance: 2e-2, "Opti-CAM on \(network)")
      // The package leaves the sign of a principal component to its decomposition.
      let (activation, gradients) = try classifier.gradients(
        of: [expected.target], at: "features", image: input)
      let raw = try EigenCAM().map(activation: activation * gradients[0])
      let reference = Tensor([16, 16], try #require(expected.maps["eigengradcam"]))
      let differences = [1, -1].map { (sign: Float) -> Float in
        let map = raw.map { max(sign * $0, 0) }.resizedBilinear(height: 16, width: 16)
        return (Self.scaled(map) - reference).map { abs($0) }.maximum
      }
      #expect(min(differences[0], differences[1]) < 1e-4, "\(differences)")
      // Prism's own choice: the larger end is positive.
      let low = raw.minimum, high = raw.maximum
      #expect(high >= -low)
      let map = try map(EigenGradCAM())
      #expect(map == raw.map { max($0, 0) }.resizedBilinear(height: 16, width: 16))
    }
  }

  @Test(
    "Finer-CAM of one look-alike without a weight is Grad-CAM, and of two labels their contrast")
  func limits() throws {
    let (classifier, input) = try ReferenceNetwork.residual.make()
    let image = ExplainedImage(input)
    let plain = try GradCAM(isRectified: false).explain(image, targets: [2], of: classifier)[0]
    let alone = try FinerCAM(isRectified: false, comparisons: 1, alpha: 0)
      .explain(image, targets: [2], of: classifier)[0]
    #expect(alone.values == plain.values)
    // The logits are -0.4, 1.9, -8.6 and -2.2: the last is nearest to the third.
    let finer = try FinerCAM(isRectified: false, comparisons: 1)
      .explain(image, targets: [2], of: classifier)[0].values
    let contrasted = classifier.contrasting([Contrast(2, against: 3)])
    let contrast = try GradCAM(isRectified: false).explain(image, targets: [4], of: contrasted)[0]
    expectClose(finer, contrast.values, tolerance: 1e-5)
    // A contrast is explained as it is.
    let same = try FinerCAM(isRectified: false).explain(image, targets: [4], of: contrasted)[0]
    #expect(same.values == contrast.values)
    for broken in [OptiCAM(LayerChoice(), steps: 0), OptiCAM(LayerChoice(), steps: 1, rate: 0)] {
      #expect(throws: ExplanationError.self) {
        try broken.explain(image, targets: [0], of: classifier)
      }
    }
    #expect(throws: ExplanationError.self) {
      try FinerCAM(comparisons: 0).explain(image, targets: [0], of: classifier)
    }
    let one = PlannedClassifier(
      try Recording(input: [1, 4, 4, 1]) {
        $0.relu().named("features").globalAveragePool()
          .dense($0.parameter(Tensor([1, 1], [2]), named: "w"))
      }, defaultLayer: "features")
    #expect(ExplanationMethod.finercam.obstacle(for: one) != nil)
    #expect(throws: ExplanationError.self) {
      try FinerCAM().explain(
        ExplainedImage(Tensor([1, 4, 4, 1], repeating: 1)), targets: [0], of: one)
    }
  }
}
