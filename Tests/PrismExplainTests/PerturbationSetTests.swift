import Foundation
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("perturbations as data")
struct PerturbationSetTests {
  static let image = ExplainedImage(ReferenceValues.pixels([8, 9, 3]))
  static let model = ReferenceValues.polynomials([8, 9, 3])

  static func sets() throws -> [PerturbationSet] {
    let segmentation = try Segmenter.grid(rows: 4, columns: 3).segments(of: image)
    var random = SeededRandom(seed: 3)
    let map = Tensor.uniform([8, 9], in: -1..<1, using: &random)
    let value = Tensor.uniform([1, 2, 3, 5], in: -1..<1, using: &random)
    return [
      .coalitions(
        samples: try LIME().draw(segmentation.count, samples: 20), segmentation: segmentation),
      .coalitions(
        samples: try CoalitionDesign(segments: 12, samples: 40, seed: 1).coalitions,
        segmentation: segmentation),
      .windows(hidden: [.empty, PixelBox(rows: 2..<8, columns: 0..<3)]),
      .boxes(kept: [
        [], [PixelBox(rows: 0..<4, columns: 1..<9, channels: 1..<2)],
        [PixelBox(rows: 0..<8, columns: 0..<9), PixelBox(rows: 1..<2, columns: 1..<2)],
      ]),
      .removal(steps: PixelRemoval(by: map, step: 10, isInsertion: true)),
      .removal(steps: PixelRemoval(by: map, step: 72, isInsertion: false)),
      .softMasks(masks: SoftMasks(count: 7, cells: 3, probability: 0.5, seed: .max)),
      .softMasks(
        masks: SoftMasks(count: 5, cells: 3, probability: 0.3, seed: 2, arePaired: true)),
      .gridMasks(
        masks: GridMasks(
          rows: 2, columns: 3, values: [[0, 1, 0.5, 0.25, 1, 0], [1, 1, 1, 1, 1, 1]])),
      .channels(value: value),
    ]
  }

  @Test("a set that went through JSON gives the same logits, in whatever parts")
  func replay() throws {
    for set in try Self.sets() {
      let again = try JSONDecoder().decode(
        PerturbationSet.self, from: JSONEncoder().encode(set))
      #expect(again == set)
      for masker in [Masker.constant([3]), .blur(rows: 3, columns: 2), .inpainting(sweeps: 2)] {
        let images = try PerturbedImages(set, of: Self.image, masker: masker)
        let logits = try images.logits(by: Self.model)
        #expect(logits.shape == [set.count, 2])
        let masker = try JSONDecoder().decode(Masker.self, from: JSONEncoder().encode(masker))
        let others = try PerturbedImages(again, of: Self.image, masker: masker)
        #expect(try others.logits(by: Self.model) == logits)
        let last = try others.logits(by: Self.model, samples: set.count - 1..<set.count)
        #expect(last.scalars == Array(logits.scalars.suffix(2)))
      }
    }
  }

  @Test("LIME's fit can be replayed from its set")
  func limeReplay() throws {
    let method = LIME(
      samples: 60, segmenter: .grid(rows: 2, columns: 3), masker: .mean, draws: .paired, seed: 4)
    let map = try method.explain(Self.image, targets: [1], of: Self.model as any Classifier)[0]
    let segmentation = try method.segmenter.segments(of: Self.image)
    let coalitions = try method.draw(segmentation.count, samples: 60)
    let logits = try PerturbedImages(
      .coalitions(samples: coalitions, segmentation: segmentation), of: Self.image,
      masker: method.masker
    ).logits(by: Self.model)
    let scores = (0..<60).map { Double(logits[$0, 1]) }
    let fit = try method.fit(coalitions, scores: scores, targets: 1, work: .unwatched)
    #expect(map.segments?.values == fit.values[0])
    #expect(map.explainedValue == scores[0])
  }

  @Test("sets that do not fit the image are refused, wherever they come from")
  func misfits() throws {
    func expectMisfit(_ set: PerturbationSet, sourceLocation: SourceLocation = #_sourceLocation) {
      #expect(throws: ExplanationError.self, sourceLocation: sourceLocation) {
        try PerturbedImages(set, of: Self.image, masker: .mean)
      }
    }
    expectMisfit(.windows(hidden: [PixelBox(rows: 0..<9, columns: 0..<1)]))
    expectMisfit(.boxes(kept: [[PixelBox(rows: -1..<2, columns: 0..<1)]]))
    for (rows, values) in [(0, [[1]]), (9, [[1]]), (2, [[1]]), (1, [[2]]), (1, [[.nan]])]
      as [(Int, [[Float]])]
    {
      expectMisfit(.gridMasks(masks: GridMasks(rows: rows, columns: 1, values: values)))
    }
    expectMisfit(.boxes(kept: [[PixelBox(rows: 0..<2, columns: 0..<1, channels: 0..<4)]]))
    let small = try Segmentation(height: 1, width: 2, labels: [0, 1])
    expectMisfit(.coalitions(samples: Coalitions(segments: 2), segmentation: small))
    let grid = try Segmenter.grid(rows: 2, columns: 2).segments(of: Self.image)
    expectMisfit(.coalitions(samples: Coalitions(segments: 3), segmentation: grid))
    expectMisfit(
      .removal(steps: PixelRemoval(by: Tensor([2, 2]), step: 1, isInsertion: true)))
    expectMisfit(
      .removal(steps: PixelRemoval(by: Tensor([8, 9]), step: 0, isInsertion: true)))
    expectMisfit(.softMasks(masks: SoftMasks(count: 1, cells: 9, probability: 0.5, seed: 0)))
    expectMisfit(.softMasks(masks: SoftMasks(count: 1, cells: 2, probability: 0, seed: 0)))
    expectMisfit(.channels(value: Tensor([4, 4])))
  }

  @Test(
    "text that is no set is an error, not a crash",
    arguments: [
      #"{"coalitions":{"samples":{"segments":2,"samples":["012"]},"segmentation":{}}}"#,
      #"{"coalitions":{"samples":{"segments":0,"samples":[]},"segmentation":{}}}"#,
      #"{"windows":{"hidden":[{"rows":[3,1],"columns":[0,1]}]}}"#,
      #"{"channels":{"value":{"shape":[1,-2],"float32":""}}}"#,
      #"{"channels":{"value":{"shape":[1,9223372036854775807,4],"float32":""}}}"#,
      #"{"channels":{"value":{"shape":[1],"float32":"AAA"}}}"#,
    ])
  func broken(_ text: String) {
    #expect(throws: (any Error).self) {
      try JSONDecoder().decode(PerturbationSet.self, from: Data(text.utf8))
    }
  }
}
