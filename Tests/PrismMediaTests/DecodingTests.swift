import PrismFiles
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismMedia

@Suite("PNG decoding")
struct PNGTests {
  @Test("every kind has Pillow's pixels", arguments: Fixtures.names(ending: ".png"))
  func kinds(name: String) throws {
    let difference = try Fixtures.image(name).largestDifference(
      to: try #require(Fixtures.expected[name]))
    // Composition may round the other way; nothing else may differ.
    let isComposed = name.contains("rgba") || name.contains("alpha")
    #expect(try #require(difference) <= (isComposed ? 1 : 0))
  }

  @Test("there are fixtures of every kind")
  func coverage() {
    #expect(Fixtures.names(ending: ".png").count == 22)
    #expect(Fixtures.names(ending: ".jpg").count == 14)
  }

  @Test("transparency shows the stated background")
  func background() throws {
    let image = try Image(
      contentsOf: Fixtures.folder + "rgba.png",
      options: PictureOptions(background: RGB(200, 10, 30)))
    let expected = try #require(Fixtures.expected["rgba.png-on-red"])
    #expect(try #require(image.largestDifference(to: expected)) <= 1)
  }

  @Test("a file that is cut off is an error, wherever it is cut")
  func cut() throws {
    let bytes = try Files.read(Fixtures.samples + "husky.png")
    #expect(throws: Never.self) { try Image(decoding: bytes) }
    for count in stride(from: 1, to: bytes.count, by: 97) {
      let error = #expect(throws: ImageError.self) {
        try Image(decoding: Array(bytes[..<count]), name: "cut.png")
      }
      #expect(error == (count < 8 ? .unrecognised("cut.png") : .truncated("cut.png")))
    }
    #expect(throws: ImageError.truncated("x")) { try Image(decoding: [], name: "x") }
  }

  @Test("data that ends early inside an intact frame is an error")
  func shortData() throws {
    // Half of the compressed rows, with a correct length but the check sum of the whole.
    var bytes = try Fixtures.bytes("rgb.png")
    let length = Int(bytes[35]) << 8 | Int(bytes[36])
    let half = length / 2
    bytes.removeSubrange((41 + half)..<(41 + length))
    (bytes[35], bytes[36]) = (UInt8(half >> 8), UInt8(half & 255))
    #expect(throws: ImageError.self) { try Image(decoding: bytes) }
  }

  @Test("a header of 30000×30000 pixels is refused before memory is taken")
  func hugeHeader() throws {
    let path = Fixtures.folder + "huge-header.png"
    #expect(
      throws: ImageError.tooLarge(path, width: 30000, height: 30000, limit: 100_000_000)
    ) { try Image(contentsOf: path) }
    // And with a limit that allows it, for want of data.
    #expect(throws: ImageError.self) {
      try Image(contentsOf: path, options: PictureOptions(limits: Limits([.pixels: 1_000_000_000])))
    }
  }

  @Test("what is written can be read again")
  func roundTrip() throws {
    for name in ["one.png", "rgb.png", "crop.png"] {
      let image = try Fixtures.image(name)
      #expect(try Image(decoding: image.pngData()) == image)
      let (first, second) = (try image.pngData(), try image.pngData())
      #expect(first == second)
    }
  }

  @Test("pictures of every statistic can be written and read again")
  func encoding() throws {
    var random = SplitMix(state: 5)
    let fills: [(String, () -> UInt8)] = [
      ("constant", { 7 }), ("runs", { UInt8.random(in: 0...20, using: &random) / 20 }),
      ("noise", { UInt8.random(in: 0...255, using: &random) }),
    ]
    for (name, next) in fills {
      for (width, height) in [(1, 1), (1, 300), (22_000, 1), (257, 101), (700, 300), (30_000, 2)] {
        let pixels = (0..<(width * height * 3)).map { _ in next() }
        let image = try Image(width: width, height: height, pixels: pixels)
        #expect(try Image(decoding: image.pngData()) == image, "\(name) \(width)×\(height)")
      }
    }
  }
}

@Suite("JPEG decoding")
struct JPEGTests {
  @Test("every kind has Pillow's pixels, upright", arguments: Fixtures.names(ending: ".jpg"))
  func kinds(name: String) throws {
    let image = try Fixtures.image(name)
    let expected = try #require(Fixtures.expected[name])
    #expect(try #require(image.largestDifference(to: expected)) <= 1)
  }

  @Test(
    "a file that is cut off is an error, wherever it is cut",
    arguments: ["colour-420.jpg", "progressive.jpg", "grey.jpg", "orientation6.jpg"])
  func cut(name: String) throws {
    let bytes = try Fixtures.bytes(name)
    for count in 3..<(bytes.count - 2) {
      let error = #expect(throws: ImageError.self) {
        try Image(decoding: Array(bytes[..<count]), name: name)
      }
      #expect(error == .truncated(name), "cut to \(count) of \(bytes.count)")
    }
  }

  @Test("a picture of more pixels than the limit is refused")
  func limit() throws {
    let path = Fixtures.folder + "colour-420.jpg"
    #expect(throws: ImageError.tooLarge(path, width: 37, height: 29, limit: 1000)) {
      try Image(contentsOf: path, options: PictureOptions(limits: Limits([.pixels: 1000])))
    }
  }

  @Test("orientation blocks of nonsense state nothing")
  func nonsense() {
    var random = SplitMix(state: 1)
    for _ in 0..<20_000 {
      var block = (0..<Int.random(in: 0...60, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let start: [UInt8] = Bool.random(using: &random) ? [0x49, 0x49, 42, 0] : [0x4D, 0x4D, 0, 42]
      block.replaceSubrange(0..<min(4, block.count), with: start)
      let orientation = EXIF.orientation(in: block[...])
      #expect(orientation.map { (1...8).contains($0) } ?? true)
    }
  }
}

@Suite("Bad pictures")
struct BadPictureTests {
  @Test("a text file is no picture, whatever its name")
  func text() {
    let path = Fixtures.folder + "text.png"
    let error = #expect(throws: ImageError.self) { try Image(contentsOf: path) }
    #expect(error == .unrecognised(path))
    #expect(
      error?.description
        == "\(path): not a picture in a known format; give a PNG, JPEG, TIFF, WebP, BMP or DICOM file"
    )
  }

  @Test("missing files and folders are named")
  func missing() {
    #expect(throws: ImageError.notFound("/nowhere/a.png")) {
      try Image(contentsOf: "/nowhere/a.png")
    }
    #expect(throws: ImageError.unreadable("/tmp", reason: "it is a folder")) {
      try Image(contentsOf: "/tmp")
    }
  }

  @Test("random bytes never trap")
  func randomBytes() throws {
    var random = SplitMix(state: 2)
    let heads: [[UInt8]] = [
      [], Array(try Fixtures.bytes("rgb.png").prefix(8)),
      Array(try Fixtures.bytes("rgb.png").prefix(41)), [0xFF, 0xD8, 0xFF],
      Array(try Fixtures.bytes("colour-420.jpg").prefix(300)),
    ]
    for round in 0..<5000 {
      let tail = (0..<Int.random(in: 0...400, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      _ = try? Image(
        decoding: heads[round % heads.count] + tail,
        options: PictureOptions(limits: Limits([.pixels: 1_000_000])))
    }
  }

  @Test(
    "flipped bits give a picture or an error",
    arguments: [
      "rgb-interlaced.png", "palette8-alpha.png", "rgba16.png", "colour-420.jpg",
      "progressive.jpg", "cmyk.jpg", "orientation5.jpg",
    ])
  func flippedBits(name: String) throws {
    let intact = try Fixtures.bytes(name)
    var random = SplitMix(state: 3)
    for _ in 0..<1000 {
      var bytes = intact
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
          1 << UInt8.random(in: 0...7, using: &random)
      }
      _ = try? Image(decoding: bytes, options: PictureOptions(limits: Limits([.pixels: 1_000_000])))
    }
  }
}

@Suite("Image")
struct ImageTests {
  @Test("a crop has the rectangle's pixels, and none outside the picture")
  func cropping() throws {
    let image = try Fixtures.image("crop.png")
    let part = try #require(image.cropped(x: 3, y: 5, width: 7, height: 2))
    #expect(part.width == 7 && part.height == 2)
    #expect(part[6, 1] == image[9, 6])
    #expect(image.cropped(x: 31, y: 0, width: 7, height: 1) == nil)
    #expect(image.cropped(x: -1, y: 0, width: 7, height: 1) == nil)
    #expect(image.cropped(x: 0, y: 0, width: Int.max, height: 1) == nil)
    #expect(image.cropped(x: 0, y: 0, width: 0, height: 1) == nil)
  }

  @Test("a tensor has rows, columns and channels")
  func tensor() throws {
    let image = try Fixtures.image("crop.png")
    let tensor = image.tensor()
    #expect(tensor.shape == [29, 37, 3])
    #expect(tensor[5, 3, 1] == Float(image[3, 5].green))
  }
}
