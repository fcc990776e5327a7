import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismExplain

@Suite("segments and maskers")
struct PartsTests {
  static func picture() throws -> (ExplainedImage, ReferenceValues.Segments) {
    let it = try ReferenceValues.load().segmentation
    let pixels = Tensor([it.height, it.width, 3], it.pixels)
    return (
      ExplainedImage(pixels.reshaped(to: [1, it.height, it.width, 3]), pixels: pixels), it
    )
  }

  @Test("quickshift is scikit-image's on a picture without ties")
  func quickshift() throws {
    let (image, it) = try Self.picture()
    let small = try Segmenter.quickshift(kernelSize: 2, maximumDistance: 8, ratio: 0.2)
      .segments(of: image)
    #expect(small.labels == it.quickshift)
    let lime = try Segmenter.quickshift().segments(of: image)
    #expect(lime.labels == it.quickshiftLime)
  }

  @Test(
    "quickshift is its definition, pixel by pixel, whatever the size",
    arguments: [(1, 1), (1, 7), (6, 1), (5, 3), (9, 14), (31, 33)])
  func quickshiftByDefinition(height: Int, width: Int) throws {
    var random = SeededRandom(seed: UInt64(height * 100 + width))
    let pixels = Tensor.uniform([height, width, 3], in: 0..<255, using: &random)
    let image = ExplainedImage(pixels.reshaped(to: [1, height, width, 3]), pixels: pixels)
    let colors = try LabImage(image, for: "quickshift").values.map { $0 * 0.2 }
    let count = height * width
    func distance(_ p: Int, _ q: Int) -> Double {
      let place = [Double(p / width - q / width), Double(p % width - q % width)]
      let color = (0..<3).map { colors[3 * p + $0] - colors[3 * q + $0] }
      return (color + place).reduce(0) { $0 + $1 * $1 }
    }
    func neighbors(_ p: Int) -> [Int] {
      (0..<count).filter {
        abs($0 / width - p / width) <= 6 && abs($0 % width - p % width) <= 6
      }
    }
    let densities = (0..<count).map { p in
      neighbors(p).reduce(0) { $0 + exponential(-distance(p, $1) / 8) }
    }
    var roots = (0..<count).map { p in
      let higher = neighbors(p).filter { densities[$0] > densities[p] }
      let nearest = higher.min { distance(p, $0) < distance(p, $1) }
      return nearest.flatMap { distance(p, $0).squareRoot() <= 5 ? $0 : nil } ?? p
    }
    for _ in 0..<count { for p in 0..<count { roots[p] = roots[roots[p]] } }
    let found = try Segmenter.quickshift(kernelSize: 2, maximumDistance: 5, ratio: 0.2)
      .segments(of: image)
    #expect(found == Segmentation(renumbering: roots, height: height, width: width))
  }

  @Test("SLIC is scikit-image's, before and after parts are connected")
  func slic() throws {
    let (image, it) = try Self.picture()
    let loose = try Segmenter.slic(count: 12, isConnected: false).segments(of: image)
    // scikit-image leaves gaps where centres have lost all pixels.
    let expected = Segmentation(
      renumbering: it.slic.map(Int.init), height: it.height, width: it.width)
    #expect(loose == expected)
    let whole = try Segmenter.slic(count: 12).segments(of: image)
    #expect(whole.labels == it.slicConnected)
  }

  @Test("Felzenszwalb's method is scikit-image's")
  func felzenszwalb() throws {
    let (image, it) = try Self.picture()
    let segments = try Segmenter.felzenszwalb(scale: 100, sigma: 0.5, minimumSize: 20)
      .segments(of: image)
    #expect(segments.labels == it.felzenszwalb)
  }

  @Test("a constant picture is one segment for quickshift")
  func constant() throws {
    let flat = Tensor([9, 7, 3], repeating: 100)
    let image = ExplainedImage(flat.reshaped(to: [1, 9, 7, 3]), pixels: flat)
    #expect(try Segmenter.quickshift().segments(of: image).count == 1)
  }

  @Test("a grid covers the image with rectangles")
  func grid() throws {
    let image = ExplainedImage(Tensor([1, 5, 7, 1]))
    let grid = try Segmenter.grid(rows: 2, columns: 3).segments(of: image)
    #expect(grid.count == 6)
    #expect(grid.sizes == [9, 6, 6, 6, 4, 4])
    #expect(throws: ExplanationError.self) {
      try Segmenter.grid(rows: 6, columns: 1).segments(of: image)
    }
  }

  @Test("labels are checked: size, sign, gaps, whole numbers")
  func labels() throws {
    #expect(throws: ExplanationError.labels("has 3 labels for 2×2 pixels")) {
      try Segmentation(height: 2, width: 2, labels: [0, 1, 1])
    }
    #expect(throws: ExplanationError.labels("holds negative labels")) {
      try Segmentation(height: 1, width: 2, labels: [0, -1])
    }
    #expect(throws: ExplanationError.labels("has no pixel with the label 1")) {
      try Segmentation(height: 1, width: 3, labels: [0, 2, 2])
    }
    #expect(throws: ExplanationError.self) {
      try Segmentation(height: 1, width: 2, labels: [0, .max])
    }
    #expect(throws: ExplanationError.labels("holds 0.5")) {
      try Segmentation(Tensor([1, 2], [0, 0.5]))
    }
    #expect(throws: ExplanationError.labels("holds nan")) {
      try Segmentation(Tensor([1, 2], [0, .nan]))
    }
    let good = try Segmentation(Tensor([1, 3], [1, 0, 1]))
    #expect(good.sizes == [1, 2])
    #expect(good.map([5, -1]) == Tensor([1, 3], [-1, 5, -1]))
    #expect(good.borders == [true, true, false])
  }

  @Test("the blur is OpenCV's box with its reflected border")
  func blur() throws {
    let image = ExplainedImage(ReferenceValues.pixels([5, 6, 2]))
    let cases = try ReferenceValues.load().blur
    #expect(cases.count == 4)
    for it in cases {
      expectClose(
        try Masker.blur(rows: it.rows, columns: it.columns).replacement(for: image),
        Tensor([1, 5, 6, 2], it.values.map(Float.init)), tolerance: 2 * epsilon,
        "\(it.rows)×\(it.columns)")
    }
  }

  @Test("maskers are what they are called")
  func maskers() throws {
    let input = Tensor([1, 1, 4, 2], [1, 10, 2, 20, 3, 30, 6, 60])
    let image = ExplainedImage(input, black: [-1, -2])
    func values(_ masker: Masker, _ segments: Segmentation? = nil) throws -> [Float] {
      try masker.replacement(for: image, segmentation: segments).scalars
    }
    #expect(try values(.mean) == [3, 30, 3, 30, 3, 30, 3, 30])
    #expect(try values(.black) == [-1, -2, -1, -2, -1, -2, -1, -2])
    #expect(try values(.constant([4])) == .init(repeating: 4, count: 8))
    let segments = try Segmentation(height: 1, width: 4, labels: [0, 1, 0, 1])
    #expect(try values(.segmentMean, segments) == [2, 20, 4, 40, 2, 20, 4, 40])
    #expect(try values(.noise(seed: 1)) == values(.noise(seed: 1)))
    #expect(try values(.noise(seed: 1)) != values(.noise(seed: 2)))
  }

  @Test("inpainting a hole in a ramp restores the ramp")
  func inpainting() throws {
    // A linear ramp is what diffusion comes to rest at; the hole stays off the border.
    let (height, width) = (9, 9)
    let ramp = Tensor([1, height, width, 1], (0..<81).map { Float($0 % 9) + 2 * Float($0 / 9) })
    let masked = try MaskedImage(ExplainedImage(ramp), masker: .inpainting(sweeps: 60))
    var target = [Float](repeating: 0, count: 81)
    target.withUnsafeMutableBufferPointer { target in
      if let start = target.baseAddress {
        masked.write(start) { p in !((3..<6).contains(p / 9) && (2..<7).contains(p % 9)) }
      }
    }
    expectClose(
      Tensor([9, 9], target), ramp.reshaped(to: [9, 9]), tolerance: 1e-5,
      "the error shrinks by more than half a double sweep: 2⁻⁶⁰ is below the rounding of Float")
  }
}
