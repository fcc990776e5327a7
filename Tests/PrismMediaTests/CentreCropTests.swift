import PrismCard
import PrismFiles
import PrismTensor
import Testing

@testable import PrismMedia

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What torchvision's `Resize` and `CenterCrop` make of a picture (Tools/fixtures/crops.py).
struct CropCase: Decodable, CustomTestStringConvertible, Sendable {
  let columns, rows, side, width, height: Int
  let resize: String
  /// All pixels of the result, of a small one.
  let pixels: Data?
  /// The network's input after `ToTensor` and `Normalize`, 32-bit little-endian numbers
  /// `[H, W, 3]`.
  let tensor: Data?
  /// The FNV-1a hash of the pixels, of a large one.
  let hash: String?

  var testDescription: String { "\(columns)×\(rows) → \(side) → \(width)×\(height), \(resize)" }

  static let all =
    (try? JSONDecoder().decode(
      [CropCase].self, from: Data(Files.read(Fixtures.folder + "crops.json")))) ?? []

  /// The picture that the script has too.
  func image() throws -> Image {
    if hash != nil { return try Image(contentsOf: Fixtures.samples + "coffee.jpg") }
    var pixels: [UInt8] = []
    for y in 0..<rows {
      for x in 0..<columns {
        for c in 0..<3 { pixels.append(UInt8((31 * x + 17 * y + 7 * x * y + 89 * c) % 251)) }
      }
    }
    return try Image(width: columns, height: rows, pixels: pixels)
  }

  func input() throws -> ModelCard.ImageInput {
    ModelCard.ImageInput(
      height: height, width: width, resize: try #require(ModelCard.Resize(rawValue: resize)),
      resizeSide: side, scale: 1.0 / 255, mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225])
  }
}

@Suite("the centre of pictures")
struct CentreCropTests {
  @Test("has torchvision's pixels", arguments: CropCase.all)
  func torchvision(_ item: CropCase) throws {
    let (image, input) = (try item.image(), try item.input())
    let result = input.pixels(of: image)
    #expect((result.width, result.height) == (item.width, item.height))
    if let pixels = item.pixels { #expect(result.pixels == Array(pixels)) }
    if let hash = item.hash { #expect(result.hash == UInt64(hash, radix: 16)) }
    // The network's input is made of exactly these pixels.
    let tensor = input.tensor(of: image).scalars
    let expected = item.tensor.map(Self.floats) ?? Self.normalised(result.pixels, input)
    try #require(tensor.count == expected.count)
    #expect(zip(tensor, expected).allSatisfy { abs($0 - $1) <= 2e-6 })
  }

  /// 32-bit little-endian numbers.
  private static func floats(_ data: Data) -> [Float] {
    stride(from: 0, to: data.count, by: 4).map { at -> Float in
      var bits: UInt32 = 0
      for k in 0..<4 { bits |= UInt32(data[at + k]) << UInt32(8 * k) }
      return Float(bitPattern: bits)
    }
  }

  /// `ToTensor` and `Normalize`.
  private static func normalised(_ pixels: [UInt8], _ input: ModelCard.ImageInput) -> [Float] {
    pixels.indices.map { at -> Float in
      let value = Double(pixels[at]) / 255
      return Float((value - input.mean[at % 3]) / input.std[at % 3])
    }
  }

  @Test("there are cases of every filter, small and large")
  func coverage() {
    for method in ModelCard.Resize.allCases where method != .bilinear {
      #expect(CropCase.all.count { $0.resize == method.rawValue && $0.hash == nil } == 10)
      #expect(CropCase.all.count { $0.resize == method.rawValue && $0.hash != nil } == 1)
    }
    #expect(CropCase.all.count { $0.tensor != nil } == 1)
  }

  // Filters that overshoot are left out: Pillow cuts them off after the first of its two passes.
  @Test(
    "samples of 16 bits are cut as those of 8 are",
    arguments: CropCase.all.filter { $0.resize == "nearest" || $0.resize == "bilinear_antialias" })
  func deep(_ item: CropCase) throws {
    let image = try item.image()
    let deep = DeepSamples(
      channels: 3, values: image.pixels.map { UInt16($0) * 257 }, low: 0, high: 65535)
    let both = Image(
      width: image.width, height: image.height, pixels: image.pixels, deep: deep,
      origin: PictureOrigin())
    let input = try item.input()
    let (shallow, whole) = (input.tensor(of: image), input.tensor(of: both))
    try #require(shallow.shape == whole.shape)
    // Pillow rounds after each of two passes; 16 bits never.
    let steps = zip(shallow.scalars, whole.scalars).map { abs($0 - $1) * 255 * 0.229 }
    #expect((steps.max() ?? 1) <= 2.5)
  }

  @Test("the part that is computed is that of the whole", arguments: ResizeMethod.allCases)
  func part(_ method: ResizeMethod) throws {
    let image = try #require(CropCase.all.first).image()
    for (width, height) in [(29, 17), (60, 90), (120, 40), (33, 40)] {
      let whole = image.resized(width: width, height: height, method: method)
      var target = ResizeTarget(width: width, height: height)
      target.columns.range = 3..<20
      target.rows.range = 5..<16
      let part = image.resized(to: target, method: method)
      #expect(part == whole.cropped(x: 3, y: 5, width: 17, height: 11))
    }
  }

  @Test("a picture of a million columns and one row takes no memory for what is not looked at")
  func elongated() throws {
    let image = Image(width: 1_000_000, height: 1, filledWith: RGB(9, 8, 7))
    for method in ModelCard.Resize.allCases {
      let input = ModelCard.ImageInput(
        height: 224, width: 224, resize: method, resizeSide: 256, scale: 1, mean: [0, 0, 0],
        std: [1, 1, 1])
      let result = input.pixels(of: image)
      #expect(result.pixels == Image(width: 224, height: 224, filledWith: RGB(9, 8, 7)).pixels)
      #expect(input.area(of: image).box(width: 1_000_000, height: 1).width <= 2)
    }
  }

  @Test("areas and boxes are those of the original picture")
  func areas() {
    let crop = CentreCrop(side: 256, width: 224, height: 224)
    let area = crop.area(width: 600, height: 400)
    // 384 columns of which those from 80 on are kept.
    #expect(abs(area.x - 80.0 / 384) < 1e-12 && abs(area.width - 224.0 / 384) < 1e-12)
    #expect(abs(area.y - 16.0 / 256) < 1e-12 && abs(area.height - 224.0 / 256) < 1e-12)
    #expect(
      area.box(width: 600, height: 400) == PictureBox(x: 125, y: 25, width: 350, height: 350))
    let half = area.part(PictureArea(x: 0.5, y: 0.5, width: 0.5, height: 0.5))
    #expect(
      half.box(width: 600, height: 400) == PictureBox(x: 300, y: 200, width: 175, height: 175))
    #expect(
      PictureArea.whole.box(width: 1, height: 1) == PictureBox(x: 0, y: 0, width: 1, height: 1))
  }

  @Test("a map is laid over its part alone")
  func overlay() throws {
    let image = Image(width: 60, height: 40, filledWith: RGB(100, 100, 100))
    let area = PictureArea(x: 0.25, y: 0.25, width: 0.5, height: 0.5)
    let drawn = try Overlay().draw(Tensor([2, 2], [1, 2, 3, 4]), over: image, in: area)
    for y in 0..<40 {
      for x in 0..<60 {
        let isInside = (15..<45).contains(x) && (10..<30).contains(y)
        #expect((drawn[x, y] != RGB(100, 100, 100)) == isInside, "\(x), \(y)")
      }
    }
    let lines = Outline(of: Tensor([1, 1], [1]), in: area).lines
    #expect(lines.map(\.from.x).min() == 0.25 && lines.map(\.to.x).max() == 0.75)
    #expect(lines.map(\.from.y).min() == 0.25 && lines.map(\.to.y).max() == 0.75)
  }
}
