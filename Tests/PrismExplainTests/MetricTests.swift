import PrismExplain
import PrismRuntime
import PrismTensor
import PrismTestSupport
import Testing

@Suite("metrics")
struct MetricTests {
  static let image = ExplainedImage(Tensor([1, 2, 2, 1], [1, 2, 3, 4]))
  static let sum = Function([1, 2, 2, 1]) { [$0.reduce(0, +)] }

  @Test("deletion and insertion on a sum of four pixels, by hand")
  func removal() throws {
    let map = Tensor([2, 2], [0.1, 0.2, 0.3, 0.4])
    let deletion = try RemovalCurve(.deletion, step: 1, output: .logit)(
      map, target: 0, image: Self.image, of: Self.sum)
    #expect(deletion.outputs == [10, 6, 3, 1, 0])
    #expect(deletion.area == 3.75)
    let insertion = try RemovalCurve(
      .insertion, step: 3, substrate: .constant([0]), output: .logit)(
        map, target: 0, image: Self.image, of: Self.sum)
    // Two steps of three pixels: the last one is short.
    #expect(insertion.outputs == [0, 9, 10])
    #expect(insertion.area == 7)
    // Equal values go in the order of the pixels.
    let even = try RemovalCurve(.deletion, step: 1, output: .logit)(
      Tensor([2, 2]), target: 0, image: Self.image, of: Self.sum)
    #expect(even.outputs == [10, 9, 7, 4, 0])
  }

  @Test(
    "infidelity is zero for the contributions of a linear model, and scaled for multiples of them")
  func infidelity() throws {
    let exact = Self.image.input.reshaped(to: [2, 2])
    func value(_ map: Tensor, scaled: Bool = false) throws -> Double {
      try Infidelity(samples: 50, side: 1, isScaled: scaled)(
        map, target: 0, image: Self.image, of: Self.sum)
    }
    #expect(try value(exact) == 0)
    #expect(try value(exact * 3, scaled: true) < 1e-20)
    #expect(try value(exact * 3) > 1)
    // A map of zeros errs by the square of what falls: 1, 4, 9 or 16.
    let blank = try value(Tensor([2, 2]))
    #expect(blank > 1 && blank < 16)
  }

  @Test("sensitivity is zero for a constant gradient and bounded by the curvature elsewhere")
  func sensitivity() throws {
    let (pooled, image, _) = try Toy.pooledHead()
    let smooth = try MaximumSensitivity()(Saliency(), targets: [0, 2], image: image, of: pooled)
    for value in smooth {
      let value = try #require(value)
      #expect(value > 0 && value < 0.5)
    }
    let still = try MaximumSensitivity(radius: 0)(
      Saliency(), targets: [0], image: image, of: pooled)
    #expect(still == [0])
  }

  @Test("the Gini index of constants, ramps and single pixels")
  func gini() {
    #expect(Tensor([2, 2], repeating: -3).giniSparseness == 0)
    #expect(Tensor([2, 2], [0, 0, -7, 0]).giniSparseness == 0.75)
    // 1 … 4: (−3 − 2 + 3 + 12) / (4 · 10).
    #expect(Tensor([2, 2], [3, 1, -4, 2]).giniSparseness == 0.25)
    #expect(Tensor([2, 2]).giniSparseness == nil)
    #expect(Tensor([1, 1], [.nan]).giniSparseness == nil)
  }

  @Test("rank correlation with ties and the overlap of the top pixels, by hand")
  func agreement() throws {
    let ramp = Tensor([1, 4], [1, 2, 3, 4])
    #expect(try Agreement(of: ramp, and: ramp.map { $0 * $0 * $0 }).rankCorrelation == 1)
    #expect(try Agreement(of: ramp, and: ramp.map { -$0 }).rankCorrelation == -1)
    #expect(try Agreement(of: ramp, and: Tensor([1, 4])).rankCorrelation == nil)
    // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5 · 5).
    let tied = try Agreement(of: Tensor([1, 4], [1, 2, 2, 3]), and: ramp, topShare: 0.5)
    let correlation = try #require(tied.rankCorrelation)
    #expect(abs(correlation - 0.9.squareRoot()) < 1e-15)
    // The tie goes to the first: {1, 3} against {2, 3}.
    #expect(abs(tied.topOverlap - 1.0 / 3) < 1e-15)
    #expect(throws: ExplanationError.self) { try Agreement(of: ramp, and: Tensor([2, 2])) }
    #expect(throws: ExplanationError.self) { try Agreement(of: ramp, and: ramp, topShare: 0) }
  }

  @Test("the pointing game and the mass inside a mask")
  func localization() throws {
    let map = Tensor([2, 3], [1, -5, 0, 0, 3, 0])
    let left = Tensor([2, 3], [1, 0, 0, 1, 0, 0])
    let result = try Localization(of: map, in: left)
    #expect(!result.isHit)
    #expect(result.massInside == 0.25)
    #expect(abs(result.area - 1.0 / 3) < 1e-15)
    #expect(try Localization(of: map, in: left, margin: 1).isHit)
    // Of four equal largest values one is inside, and two are at most a column away.
    let segment = Tensor([2, 4], [0, 2, 2, 2, 0, 0, 0, 2])
    let corner = Tensor([2, 4], [1, 1, 0, 0, 0, 0, 0, 0])
    let share = try Localization(of: segment, in: corner)
    #expect(share.hitShare == 0.25 && !share.isHit)
    let near = try Localization(of: segment, in: corner, margin: 1)
    #expect(near.hitShare == 0.5 && near.isHit)
    #expect(try Localization(of: Tensor([2, 3]), in: left).massInside == nil)
    #expect(throws: ExplanationError.maskSize(given: [3, 2], expected: [2, 3])) {
      try Localization(of: map, in: Tensor([3, 2], repeating: 1))
    }
    #expect(throws: ExplanationError.self) { try Localization(of: map, in: Tensor([2, 3])) }
  }

  @Test("maps of another size and parameters without sense are refused")
  func refusals() throws {
    let map = Tensor([2, 2])
    #expect(throws: ExplanationError.self) {
      try RemovalCurve(.deletion, step: 0)(map, target: 0, image: Self.image, of: Self.sum)
    }
    #expect(throws: ExplanationError.maskSize(given: [1, 4], expected: [2, 2])) {
      try RemovalCurve(.insertion)(
        map.reshaped(to: [1, 4]), target: 0, image: Self.image, of: Self.sum)
    }
    #expect(throws: ExplanationError.self) {
      try Infidelity(samples: 0)(map, target: 0, image: Self.image, of: Self.sum)
    }
    #expect(throws: ExplanationError.self) {
      try Infidelity(side: 3)(map, target: 0, image: Self.image, of: Self.sum)
    }
  }
}
