import Foundation
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("what is explained, and results that are written")
struct OutputTests {
  static func round<Value: Codable>(_ value: Value) throws -> Value {
    try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
  }

  @Test(
    "explained in probabilities, base value, sum and gap make the probability",
    arguments: [ExplainedOutput.logit, .softmax, .sigmoid])
  func probabilities(_ output: ExplainedOutput) throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    var settings = ExplanationMethodTests.settings()
    settings.output = output
    let logits = try classifier.logits(image.input).scalars.map(Double.init)
    let expected: Double =
      switch output {
      case .logit: logits[1]
      case .sigmoid: 1 / (1 + exp(-logits[1]))
      case .softmax: exp(logits[1]) / logits.reduce(0) { $0 + exp($1) }
      }
    for method in ExplanationMethod.allCases where method.choices.contains(.output) {
      let explainer = method.explainer(settings)
      #expect(explainer.parameters.contains(MethodParameter("output", .text(output.rawValue))))
      let map = try explainer.explain(image, targets: [1], of: classifier)[0]
      #expect(map.output == output)
      if ![.rise, .sobol, .hsic].contains(method) {
        let explained = try #require(map.explainedValue)
        #expect(abs(explained - expected) < 1e-6)
      }
      if let base = map.baseValue, let gap = map.completenessGap {
        // A map in Float, whose pixels are rounded one by one.
        let sum =
          map.segments?.values.reduce(0, +) ?? map.values.scalars.reduce(0) { $0 + Double($1) }
        #expect(abs(base + sum + gap - expected) < 1e-4, "\(method)")
      }
    }
  }

  @Test("gradient methods say the logit that they explain")
  func logits() throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    let logit = Double(try classifier.logits(image.input)[0, 1])
    for method in [ExplanationMethod.integratedGradients, .gradientSHAP, .deeplift] {
      let map = try method.explainer(ExplanationMethodTests.settings())
        .explain(image, targets: [1], of: classifier)[0]
      let explained = try #require(map.explainedValue)
      #expect(map.output == .logit && abs(explained - logit) < 1e-5)
    }
    #expect(ExplainedOutput.probability(labelsExcludeEachOther: true) == .softmax)
    #expect(ExplainedOutput.probability(labelsExcludeEachOther: false) == .sigmoid)
  }

  @Test("attributions of every method go through JSON", arguments: ExplanationMethod.allCases)
  func attributions(_ method: ExplanationMethod) throws {
    let (classifier, image) = try ExplanationMethodTests.network()
    let explainer = method.explainer(ExplanationMethodTests.settings())
    let map = try explainer.explain(image, targets: [1], of: classifier)[0]
    #expect(try Self.round(map) == map)
    #expect(try Self.round(explainer.facts) == explainer.facts)
    let parameters = try Self.round(explainer.parameters)
    #expect(parameters.map(\.name) == explainer.parameters.map(\.name))
    #expect(try Self.round(method) == method)
  }

  @Test("unknown standard errors are null in JSON, and infinite again")
  func unknownErrors() throws {
    let segments = SegmentAttribution(
      segmentation: try Segmentation(height: 1, width: 2, labels: [0, 1]), values: [1, -2],
      standardErrors: [.infinity, 0.5])
    #expect(try Self.round(segments) == segments)
    let text = String(decoding: try JSONEncoder().encode(segments), as: UTF8.self)
    #expect(text.contains("[null,0.5]"))
    #expect(throws: (any Error).self) {
      try JSONDecoder().decode(
        SegmentAttribution.self, from: Data(text.replacing("[null,0.5]", with: "[0.5]").utf8))
    }
  }

  @Test("settings and their parts go through JSON")
  func settings() throws {
    let labels = try Segmentation(height: 1, width: 2, labels: [0, 1])
    let segmenters: [Segmenter] = [
      .labels(labels), .grid(rows: 2, columns: 3), .quickshift(ratio: 0.5),
      .slic(count: 7, isConnected: false), .felzenszwalb(sigma: 0.25),
    ]
    let maskers: [Masker] = [
      .constant([1, 2.5]), .black, .mean, .segmentMean, .blur(rows: 3, columns: 4),
      .noise(seed: .max), .image(Tensor([1, 1, 2, 1], [.pi, -0])), .inpainting(sweeps: 3),
      .inpaintTelea(), .inpaintNavierStokes(radius: 5),
    ]
    for (segmenter, masker) in zip(segmenters + segmenters, maskers) {
      let settings = ExplanationMethod.Settings(
        layer: "a", samples: 5, seed: .max, segmenter: segmenter, masker: masker,
        stopping: StoppingRule(confidence: 0.9, top: 2), output: .softmax)
      #expect(try Self.round(settings) == settings)
    }
    #expect(try Self.round(ExplanationMethod.Settings()) == ExplanationMethod.Settings())
    let gap = #"{"kind":"labels","labels":{"height":1,"width":2,"labels":[0,2]}}"#
    #expect(throws: (any Error).self) {
      try JSONDecoder().decode(Segmenter.self, from: Data(gap.utf8))
    }
  }

  @Test("errors say the same line to who asks for a localised one")
  func errors() {
    let error = ExplanationError.tooFewSegments(1)
    #expect((error as any Error).localizedDescription == error.description)
  }
}
