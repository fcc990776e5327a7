import PrismTensor
import PrismFiles
import Testing

@testable import PrismMedia

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A file of `png.json`, `formats.json` or `dicom.json`, which Tools/fixtures/pictures.py writes.
struct PictureCase: Decodable, CustomTestStringConvertible, Sendable {
  let name: String
  let file: Data
  let width, height, channels: Int
  let samples: Data
  let depth: Int?
  let composed: Bool?
  let tolerance: Int?
  let frame: Int?

  var testDescription: String { name }
  var bytes: [UInt8] { Array(file) }

  /// The expected samples.
  var expected: [Int] {
    stride(from: 0, to: samples.count, by: 2).map { Int(samples[$0]) | Int(samples[$0 + 1]) << 8 }
  }

  static func all(_ file: String) -> [PictureCase] {
    (try? JSONDecoder().decode(
      [PictureCase].self, from: Data(Files.read(Fixtures.folder + file)))) ?? []
  }

  /// The largest difference between the samples of a picture and the expected ones.
  func difference(_ image: Image) throws -> Int {
    try #require((image.width, image.height) == (width, height))
    let found: [Int]
    if let deep = image.deep {
      try #require(deep.channels == channels)
      found = deep.values.map(Int.init)
    } else {
      found = stride(from: 0, to: image.pixels.count, by: 3).flatMap { at in
        (0..<channels).map { Int(image.pixels[at + $0]) }
      }
    }
    try #require(found.count == expected.count)
    return zip(found, expected).map { abs($0 - $1) }.max() ?? 0
  }
}

@Suite("picture formats")
struct PictureFormatTests {
  @Test(
    "a TIFF whose list of pages cannot be followed is damaged, whichever page is asked for",
    arguments: [nil, 1, 2])
  func brokenPages(_ frame: Int?) {
    // What the fuzzer found: nine entries, and a list of pages that leads nowhere.
    let words: [UInt64] = [
      0x4949_2a00_0800_0000, 0x0900_0001_0400_0100, 0x0000_0b00_0000_0101, 0x0400_0100_0000_0900,
      0x0000_0601_0300_0100, 0xfff7_0100_0000_1101, 0x0400_0100_0000_7a00, 0x0000_0000_6300_0000,
      0x1c01_0300_0100_0000, 0x0100_0000_0000_0040, 0x9276_3876_0100_0000, 0x0000_0001_b682_4aa4,
      0x0996_c65e_aceb_14f1, 0x496c_4cb1_6435_08c2, 0x2ea2_fb9a_bcb0_d0c9,
    ]
    let bytes = words.flatMap { word in (0..<8).map { UInt8(word >> (56 - 8 * $0) & 0xFF) } }
    #expect(throws: ImageError.corrupt("x", reason: "its list of pages is broken")) {
      try Image(decoding: bytes + [0xB7], name: "x", options: PictureOptions(frame: frame))
    }
  }

  @Test("every kind of PNG has its samples", arguments: PictureCase.all("png.json"))
  func png(_ item: PictureCase) throws {
    let image = try Image(
      decoding: item.bytes, options: PictureOptions(range: .full))
    #expect(image.origin.format == "PNG")
    #expect((image.deep != nil) == (item.depth == 16))
    // Composition may round the other way; nothing else may differ.
    #expect(try item.difference(image) <= (item.composed == true ? 1 : 0))
  }

  @Test("TIFF, WebP and BMP have their samples", arguments: PictureCase.all("formats.json"))
  func formats(_ item: PictureCase) throws {
    let image = try Image(decoding: item.bytes, options: PictureOptions(range: .full))
    #expect((image.deep != nil) == (item.depth == 16))
    #expect(try item.difference(image) <= item.tolerance ?? 0)
  }

  @Test("DICOM has pydicom's tones", arguments: PictureCase.all("dicom.json"))
  func dicom(_ item: PictureCase) throws {
    let frame = item.frame.flatMap { $0 > 0 ? $0 : nil }
    let image = try Image(decoding: item.bytes, options: PictureOptions(frame: frame))
    #expect(image.origin.format == "DICOM")
    if item.channels == 3 {
      #expect(image.pixels.map { Int($0) * 257 } == item.expected)
    } else {
      #expect(try item.difference(image) <= item.tolerance ?? 1)
    }
  }

  @Test(
    "the samples of DICOM are its numbers",
    arguments: [
      ("explicit little endian, 12 bits, no window", [506, 2047, 4087], 655_584),
      ("explicit little endian, window", [485, 2085, 4095], 655_235),
      ("MONOCHROME1, window", [505, 2114, 4095], 655_026),
      ("CT, rescaled, the first of two windows", [-533, 1043, 3030], 327_174),
      ("signed, rescaled", [-12_471, 240, 16_393.5], 3811.5),
    ] as [(String, [Float], Double)])
  func numbers(name: String, some: [Float], sum: Double) throws {
    // By pydicom's apply_modality_lut: three of the numbers, and the sum of all.
    let item = try #require(PictureCase.all("dicom.json").first { $0.name == name })
    let image = try Image(decoding: item.bytes, options: PictureOptions(range: .full))
    let samples = image.samples
    #expect(samples.shape == [image.height, image.width, 1])
    #expect([37, 161, 319].map { samples.scalars[$0] } == some)
    #expect(samples.scalars.reduce(0) { $0 + Double($1) } == sum)
  }

  @Test("there are cases of every kind")
  func coverage() {
    #expect(PictureCase.all("png.json").count == 104)
    #expect(PictureCase.all("formats.json").count == 20)
    #expect(PictureCase.all("dicom.json").count >= 24)
  }

  @Test("no file that is cut off is taken", arguments: ["png.json", "formats.json"])
  func cut(_ file: String) throws {
    for item in PictureCase.all(file) {
      let bytes = item.bytes
      for count in [bytes.count / 3, bytes.count / 2, bytes.count - 3] {
        #expect(throws: ImageError.self, "\(item.name), \(count) of \(bytes.count) bytes") {
          try Image(decoding: Array(bytes[..<count]))
        }
      }
    }
  }

  @Test("several frames are refused unless one is chosen")
  func frames() throws {
    let movie = try #require(PictureCase.all("dicom.json").first { $0.frame == 2 })
    #expect(throws: ImageError.severalFrames("m", count: 3)) {
      try Image(decoding: movie.bytes, name: "m")
    }
    #expect(throws: ImageError.noFrame("m", frame: 4, count: 3)) {
      try Image(decoding: movie.bytes, name: "m", options: PictureOptions(frame: 4))
    }
  }

  @Test("names of patients reach no origin")
  func privacy() throws {
    for item in PictureCase.all("dicom.json") {
      let frame = item.frame.flatMap { $0 > 0 ? $0 : nil }
      let image = try Image(decoding: item.bytes, options: PictureOptions(frame: frame))
      let text = "\(image.origin)"
      #expect(!text.contains("Geheim") && !text.contains("12345"))
    }
  }
}

@Suite("tones of deep pictures")
struct ToneTests {
  /// A grey picture of 16 bits.
  func picture(_ values: [UInt16]) -> PictureSamples {
    PictureSamples(
      width: values.count, height: 1, channels: 1, depth: 16, values: values, format: .png)
  }

  @Test("a picture that uses 12 of 16 bits is scaled, and says so")
  func twelveBits() throws {
    let image = try picture([0, 2048, 4095]).image(name: "x", options: PictureOptions())
    #expect(image.pixels[3] == 128 && image.pixels[6] == 255)
    #expect(image.origin.range == 0...4095)
    #expect(
      image.origin.notes == [
        "its samples use 12 of 16 bits (the largest is 4095), and are scaled to those"
      ])
  }

  @Test(
    "ranges by option",
    arguments: [
      (ToneRange.full, 0.0...65535.0), (.used, 100...4000),
      (.limits(low: 50, high: 5000), 50...5000),
      (.window(center: 1000, width: 201), 899.5...1099.5),
    ])
  func ranges(_ choice: ToneRange, _ expected: ClosedRange<Double>) throws {
    let image = try picture([100, 4000]).image(name: "x", options: PictureOptions(range: choice))
    #expect(image.origin.range == expected)
  }

  @Test("impossible ranges are refused")
  func impossible() {
    for choice in [
      ToneRange.limits(low: 5, high: 5), .window(center: 3, width: 1), .limits(low: .nan, high: 3),
    ] {
      #expect(throws: ImageError.self) {
        try picture([1, 2]).image(name: "x", options: PictureOptions(range: choice))
      }
    }
  }

  @Test("a black picture is black")
  func black() throws {
    let image = try picture([0, 0]).image(name: "x", options: PictureOptions())
    #expect(image.pixels.allSatisfy { $0 == 0 })
    #expect(image.origin.range == 0...65535)
  }

  @Test("resizing rounds nothing", arguments: ResizeMethod.allCases)
  func resizing(_ method: ResizeMethod) throws {
    // A ramp in steps below one grey level of 8 bits.
    let values = (0..<64).map { UInt16($0 * 100 + 1000) }
    let deep = DeepSamples(channels: 1, values: values, low: 0, high: 65535)
    let half = deep.resized(
      width: 8, height: 8, to: ResizeTarget(width: 4, height: 4), method: method)
    #expect(Set(half.scalars).count == 16)
    let same = deep.resized(
      width: 8, height: 8, to: ResizeTarget(width: 8, height: 8), method: method)
    for (i, value) in values.enumerated() {
      #expect(abs(same.scalars[3 * i] - Float(value) / 257) < 1e-3)
    }
  }
}
