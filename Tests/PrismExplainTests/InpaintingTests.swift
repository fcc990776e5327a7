import Foundation
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("filling in a region")
struct FillingTests {
  private let image = ExplainedImage(
    Tensor([1, 2, 3, 2], [9, 8, 9, 8, 1, 2, 9, 8, 3, 4, 5, 0]), black: [0, 0], white: [9, 9])

  @Test("with the mean of the rest nothing of a region or of its rim remains")
  func levelled() throws {
    let filled = try image.levelled(where: Tensor([2, 3], [1, 1, 0, 1, 0, 0]))
    #expect(filled.input == Tensor([1, 2, 3, 2], [3, 2, 3, 2, 1, 2, 3, 2, 3, 4, 5, 0]))
    // The rim of a part of something bright is bright.
    let rim = try image.filled(where: Tensor([2, 3], [1, 0, 0, 0, 0, 0]), noise: 0)
    #expect(rim.input[0, 0, 0, 0] > 5)
  }

  @Test("regions of other sizes and of everything are refused")
  func refused() {
    for region in [Tensor([3, 2], repeating: 0), Tensor([2, 3], repeating: 1)] {
      #expect(throws: ExplanationError.self) { try image.levelled(where: region) }
      #expect(throws: ExplanationError.self) { try image.filled(where: region) }
    }
  }
}

@Suite("inpainting by fast marching")
struct InpaintingTests {
  /// What OpenCV made of small pictures; written by `Tools/fixtures/inpainting.py`.
  struct Fixture: Decodable {
    struct Case: Decodable {
      let height, width: Int
      let pixels, hole, telea, navierStokes: [UInt8]
    }

    let cases: [Case]

    static func load() throws -> [Case] {
      let url = URL(filePath: Repository.fixtures + "inpainting.json")
      return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url)).cases
    }
  }

  @Test("every level is OpenCV's: holes inside, at borders and corners, and of single pixels")
  func opencv() throws {
    let cases = try Fixture.load()
    #expect(cases.count == 10)
    for (index, it) in cases.enumerated() {
      for (rule, expected) in [
        (FrontInpainting.Rule.telea, it.telea), (.navierStokes, it.navierStokes),
      ] {
        var pixels = it.pixels
        FrontInpainting(rule: rule, radius: 3).fill(
          it.hole.map { $0 == 1 }, of: &pixels, height: it.height, width: it.width)
        let wrong = zip(pixels, expected).count { $0 != $1 }
        #expect(wrong == 0, "case \(index), \(rule): \(wrong) of \(pixels.count) levels differ")
      }
    }
  }

  @Test("a masker counts in levels whatever the network's scale, and leaves what is kept alone")
  func maskers() throws {
    let it = try #require(try Fixture.load().first)
    let black: [Float] = [-2, -1.5, 3]
    let white: [Float] = [2, 0.5, -1]
    let levels = Tensor([1, it.height, it.width, 3], it.pixels.map(Float.init))
    let input = Tensor(
      levels.shape,
      levels.scalars.enumerated().map { i, v in
        black[i % 3] + v / 255 * (white[i % 3] - black[i % 3])
      })
    let image = ExplainedImage(input, black: black, white: white)
    for (masker, expected) in [
      (Masker.inpaintTelea(), it.telea), (.inpaintNavierStokes(), it.navierStokes),
    ] {
      let masked = try MaskedImage(image, masker: masker)
      let result = Tensor(uninitialized: input.shape) { target in
        masked.write(target) { it.hole[$0] == 0 }
      }
      for i in 0..<result.count {
        let level = black[i % 3] + Float(expected[i]) / 255 * (white[i % 3] - black[i % 3])
        #expect(result.scalars[i] == (it.hole[i / 3] == 0 ? input.scalars[i] : level))
      }
    }
    // Where nothing is kept, the channels' means stand, as in shap.
    let masked = try MaskedImage(image, masker: .inpaintTelea())
    let nothing = Tensor(uninitialized: input.shape) { masked.write($0) { _ in false } }
    #expect(nothing == (try Masker.mean.replacement(for: image)))
  }

  @Test("without black and white, and with a radius of nothing, the masker says so")
  func refusals() throws {
    let image = ExplainedImage(Tensor([1, 4, 4, 3]))
    #expect(throws: ExplanationError.self) {
      try MaskedImage(image, masker: .inpaintTelea())
    }
    let known = ExplainedImage(Tensor([1, 4, 4, 3]), black: [0, 0, 0], white: [1, 1, 1])
    #expect(
      throws: ExplanationError.parameter(
        "the radius of inpainting", "must lie between 1 and 100")
    ) {
      try MaskedImage(known, masker: .inpaintTelea(radius: 0))
    }
    #expect(Masker.inpaintTelea().description == "inpaint-telea:3")
  }
}
