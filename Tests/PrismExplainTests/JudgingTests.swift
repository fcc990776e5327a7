import Foundation
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

/// What Quantus, SciPy and OpenCV make of small maps; written by `Tools/fixtures/judging.py`.
struct JudgingValues: Decodable {
  struct Located: Decodable {
    let height, width, marked: Int
    let map: [Float]
    let mask: [Float]
    let hit: Bool
    let inside, iou: Double
  }

  struct Imputed: Decodable {
    let image: [Float]
    let holes: [Int]
    let filled: [Double]
  }

  struct Edges: Decodable {
    let image: [Float]
    let edges: [Double]
  }

  let localisation: [Located]
  let imputation: [Imputed]
  let edges: Edges

  static func load() throws -> JudgingValues {
    let url = URL(filePath: Repository.fixtures + "judging.json")
    return try JSONDecoder().decode(JudgingValues.self, from: Data(contentsOf: url))
  }
}

@Suite("measures that judge maps over data")
struct JudgingTests {
  @Test("hits, shares inside and overlaps are those of Quantus and of OpenCV's Otsu threshold")
  func localisation() throws {
    for value in try JudgingValues.load().localisation {
      let shape = Shape([value.height, value.width])
      let (map, mask) = (Tensor(shape, value.map), Tensor(shape, value.mask))
      let found = try Localization(of: map, in: mask)
      #expect(found.isHit == value.hit)
      #expect(abs(try #require(found.massInside) - value.inside) < 1e-12)
      let overlap = try Overlap(of: map, in: mask)
      #expect(abs(overlap.intersectionOverUnion - value.iou) < 1e-12)
      #expect(overlap.area * Double(map.count) == Double(value.marked))
    }
  }

  @Test("a map that points nowhere overlaps with nothing, and a mask must mark something")
  func nothing() throws {
    let mask = Tensor([2, 3], [0, 1, 0, 0, 1, 0])
    for map in [Tensor([2, 3]), Tensor([2, 3], repeating: 4), Tensor([2, 3], repeating: -1)] {
      #expect(try Overlap(of: map, in: mask).intersectionOverUnion == 0)
    }
    #expect(try Overlap(of: mask * 2, in: mask).intersectionOverUnion == 1)
    #expect(throws: ExplanationError.self) { try Overlap(of: mask, in: Tensor([2, 3])) }
    #expect(throws: ExplanationError.self) {
      try Overlap(of: mask, in: Tensor([3, 2], repeating: 1))
    }
  }

  @Test("holes are filled as Quantus fills them, at borders and corners too")
  func imputation() throws {
    for value in try JudgingValues.load().imputation {
      // The fixture has its channels first.
      let (height, width, channels) = (11, 9, 2)
      let area = height * width
      let image = Tensor(
        [1, height, width, channels],
        (0..<area * channels).map { value.image[$0 % channels * area + $0 / channels] })
      var random = SeededRandom(seed: 0)
      let filled = NoisyLinearImputation(image)(filling: value.holes, noise: 0, using: &random)
      for (place, number) in filled.scalars.enumerated() {
        let expected = value.filled[place % channels * area + place / channels]
        #expect(abs(Double(number) - expected) < 2e-3, "\(place)")
      }
    }
  }

  @Test("ROAD of a sum: what goes first decides, and the order of the other map is mirrored")
  func road() throws {
    // Only the left half of the image counts.
    let half = Function([1, 8, 8, 1]) { pixels in
      [pixels.enumerated().reduce(0) { $1.offset % 8 < 4 ? $0 + $1.element : $0 }, 0]
    }
    var values = [Float](repeating: 0, count: 64)
    for place in values.indices where place % 8 < 4 { values[place] = 1 }
    let image = ExplainedImage(Tensor([1, 8, 8, 1], values))
    let map = Tensor([8, 8], values)
    let metric = RemoveAndDebias(noise: 0, output: .logit)
    let good = try metric(map, target: 0, image: image, of: half)
    let bad = try metric(map * -1, target: 0, image: image, of: half)
    #expect(good.mostRelevantOutputs.count == 9 && good.leastRelevantOutputs.count == 9)
    #expect(good.combined > 0 && bad.combined < 0)
    #expect(good.mostRelevantFirst < good.leastRelevantFirst)
    // With half of the pixels gone, those that count are all there or all imputed from zeros.
    #expect(abs(good.leastRelevantOutputs[4] - 32) < 1e-3)
    #expect(try metric(map, target: 0, image: image, of: half) == good)
    #expect(throws: ExplanationError.self) {
      try RemoveAndDebias(percentages: [0])(map, target: 0, image: image, of: half)
    }
    #expect(throws: ExplanationError.self) {
      try metric(Tensor([4, 16]), target: 0, image: image, of: half)
    }
  }

  @Test("the baselines: a bell in the centre, and Sobel's edges as OpenCV has them")
  func baselines() throws {
    let edges = try JudgingValues.load().edges
    let image = ExplainedImage(Tensor([1, 7, 9, 1], edges.image))
    let black = Function([1, 7, 9, 1]) { _ in [0, 1] }
    let found = try EdgeMap().explain(image, targets: [0, 1], of: black)
    #expect(found.count == 2 && found[0].values == found[1].values)
    for (number, expected) in zip(found[0].values.scalars, edges.edges) {
      #expect(abs(Double(number) - expected) < 1e-4)
    }
    let centre = try CentreMap().explain(image, targets: [1], of: black)[0].values
    #expect(centre.indexOfMaximum == 3 * 9 + 4 && centre.maximum == 1)
    #expect(centre[0, 0] == centre[6, 8] && centre[0, 4] > centre[0, 0])
  }

  @Test("squares are evaluated once for all maps, with the same numbers")
  func removals() throws {
    let (classifier, image, _) = try Toy.pooledHead()
    let metric = Infidelity(samples: 20, side: 2, isScaled: true)
    var random = SeededRandom(seed: 1)
    let map = Tensor.uniform([8, 6], using: &random)
    let removals = try metric.removals(target: 1, image: image, of: classifier)
    #expect(
      try metric(map, target: 1, image: image, of: classifier) == removals.error(of: map))
    #expect(
      try metric(Tensor([8, 6]), target: 1, image: image, of: classifier)
        == removals.errorOfNothing)
  }
}
