import Prism
import PrismReport
import PrismTestSupport
import PrismSmallModels
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

private let cases = Repository.fixtures + "cases/picture/"

/// Pictures of kinds that were read wrongly without a word (Tools/fixtures/crops.py makes those of
/// 16 bits and the turned one).
@Suite("pictures that were read wrongly", .serialized)
struct PictureCaseTests {
  private func classified(_ name: String, _ more: String...) throws -> JSON {
    let outcome = Outcome(
      ["classify", cases + name, "--model", SmallModel.softmax, "--json"] + more)
    try #require(outcome.status == .done, "\(outcome.diagnostics)")
    let inputs = try #require(try JSONReader.parse(outcome.output)["inputs"])
    return try #require(inputs.elements.first)
  }

  private func notes(_ document: JSON) -> [String] {
    document["picture"]?["notes"]?.elements.compactMap(\.string) ?? []
  }

  @Test("16 bits are the same with and without Adam7, and kept")
  func interlaced() throws {
    let (plain, interlaced) = (try classified("plain.png"), try classified("interlaced.png"))
    #expect(plain["predictions"] == interlaced["predictions"])
    #expect(plain["picture"] == interlaced["picture"])
    #expect(plain["picture"]?["bitDepth"] == .integer(16))
    let images = try ["plain.png", "interlaced.png"].map { try Image(contentsOf: cases + $0) }
    #expect(images[0] == images[1])
  }

  @Test("12 bits in 16 are scaled to what is used, with a note, and by option")
  func twelveBits() throws {
    let usual = try classified("g12in16.png")
    #expect(usual["picture"]?["range"] == .array([.number(0), .number(4095)]))
    #expect(notes(usual).contains { $0.contains("12 of 16 bits") })
    let full = try classified("g12in16.png", "--range", "full")
    #expect(full["picture"]?["range"] == .array([.number(0), .number(65535)]))
    #expect(full["predictions"] != usual["predictions"] && notes(full).isEmpty)
    let given = try classified("g12in16.png", "--range", "0:4095")
    #expect(given["predictions"] == usual["predictions"])
    // DICOM's linear function of a window.
    let window = try classified("g12in16.png", "--window-level", "2048:4096")
    #expect(window["predictions"] == usual["predictions"])
    // The picture is 16 times that of 8 bits: white is 4080 or 4095, not 65535.
    let image = try Image(contentsOf: cases + "g12in16.png")
    let mean = image.pixels.reduce(0) { $0 + Int($1) } / image.pixels.count
    #expect((100...250).contains(mean))
  }

  @Test("ranges are for 8 bits too")
  func eightBits() throws {
    let usual = try classified("exifpng6.png")
    let stretched = try classified("exifpng6.png", "--range", "50:200")
    #expect(usual["picture"]?["range"] == .null)
    #expect(stretched["picture"]?["range"] == .array([.number(50), .number(200)]))
    #expect(usual["predictions"] != stretched["predictions"])
  }

  @Test("an eXIf orientation turns the picture, and is said")
  func turned() throws {
    let document = try classified("exifpng6.png")
    #expect(document["picture"]?["width"] == .integer(37))
    #expect(document["picture"]?["height"] == .integer(45))
    #expect(notes(document) == ["turned as its EXIF orientation 6 says"])
    let outcome = Outcome("classify", cases + "exifpng6.png", "--model", SmallModel.softmax)
    #expect(outcome.output.contains("picture: turned as its EXIF orientation 6 says"))
  }

  @Test(
    "damage is refused in one line",
    arguments: [
      ("trns_crc.png", "damaged"), ("unk_crit.png", "damaged"), ("manyscans.jpg", "scans"),
    ])
  func damaged(_ name: String, _ word: String) {
    let outcome = Outcome("classify", cases + name, "--model", SmallModel.softmax)
    #expect(outcome.status == .failed && outcome.output.isEmpty)
    #expect(outcome.diagnostics.contains(word), "\(outcome.diagnostics)")
    #expect(outcome.diagnostics.count { $0 == "\n" } == 1)
  }

  @Test("a method that cannot explain a flat picture does not take the other's map away")
  func flat() throws {
    try Repository.withFolder { folder in
      let outcome = Outcome(
        "explain", cases + "flat.png", "--model", SmallModel.softmax, "--method", "gradcam,lime",
        "--output", folder)
      #expect(outcome.status == .someInputsFailed)
      #expect(outcome.diagnostics.contains("lime"))
      #expect(Repository.names(in: folder).contains("flat.gradcam.png"))
    }
  }

  @Test("figures take labels of any script, however long")
  func labels() throws {
    let text = try String(contentsOfFile: cases + "labels-cjk-arabic.txt", encoding: .utf8)
    let image = Image(width: 320, height: 200, filledWith: .white)
    func figure(_ label: String) throws -> Image {
      try Figure(
        image: image, map: Tensor([2, 2], [0, 1, 2, 3]), label: label, probability: 0.5,
        method: "Grad-CAM"
      ).rendered()
    }
    let short = try figure("pug")
    for line in text.split(separator: "\n").map(String.init) {
      let drawn = try figure(String(repeating: line, count: 40))
      #expect(drawn.width == short.width)
      #expect(drawn != short)
    }
  }

  @Test("frames that are not there are refused, and choices that a model has no use for")
  func refused() {
    let outcome = Outcome(
      "classify", cases + "plain.png", "--model", SmallModel.softmax, "--frame", "2")
    #expect(outcome.status == .failed && outcome.diagnostics.contains("no frame 2"))
    let voice = Repository.samples + "voice-synthetic.wav"
    for command in ["classify", "explain"] {
      let outcome = Outcome(
        command, voice, "--model", SmallModel.voice, "--range", "full")
      #expect(outcome.status != .done && outcome.diagnostics.contains("this one listens"))
    }
    let nonsense = Outcome(
      "explain", cases + "plain.png", "--model", SmallModel.softmax, "--range", "9:3")
    #expect(nonsense.status == .wrongUsage)
  }
}

@Suite("regions and centres of pictures", .serialized)
struct PictureRegionTests {
  private func explain(_ model: String, _ more: String..., body: (String, JSON) throws -> Void)
    throws
  {
    try Repository.withFolder { folder in
      let picture = folder + "/wide.png"
      let husky = try Image(contentsOf: Repository.samples + "husky.png")
      try #require(husky.cropped(x: 0, y: 100, width: 480, height: 240)).write(to: picture)
      let outcome = Outcome(
        ["explain", picture, "--model", model, "--output", folder, "--method", "shap,ig"] + more)
      try #require(outcome.status == .done, "\(outcome.diagnostics)")
      let text = try String(contentsOfFile: folder + "/wide.json", encoding: .utf8)
      try body(folder, try JSONReader.parse(text))
    }
  }

  @Test("regions lie in the picture, the largest share first, in document and table")
  func regions() throws {
    try explain(SmallModel.softmax, "--samples", "8", "--format", "csv") { folder, document in
      var count = 0
      for explanation in document["explanations"]?.elements ?? [] {
        let regions = explanation["regions"]?.elements ?? []
        let shares = regions.compactMap { $0["share"]?.number }
        #expect(shares == shares.sorted(by: >) && shares.count == regions.count)
        #expect(shares.reduce(0, +) <= 1 && regions.count <= 5)
        for region in regions {
          let box = ["x", "y", "width", "height"].map { Int(region[$0]?.number ?? -1) }
          #expect(box[0] >= 0 && box[1] >= 0 && box[2] > 0 && box[3] > 0)
          #expect(box[0] + box[2] <= 480 && box[1] + box[3] <= 240)
        }
        count += regions.count
      }
      #expect(count > 0)
      let table = try String(contentsOfFile: folder + "/wide.regions.csv", encoding: .utf8)
      #expect(table.split(separator: "\n").count == count + 1)
    }
  }

  @Test("frames are drawn where they are asked for alone")
  func frames() throws {
    func figure(_ more: String...) throws -> [UInt8] {
      var bytes: [UInt8] = []
      try Repository.withFolder { folder in
        let outcome = Outcome(
          ["explain", Repository.samples + "husky.png", "--model", SmallModel.softmax] + more + [
            "--output", folder, "--method", "shap", "--samples", "8",
          ])
        try #require(outcome.status == .done, "\(outcome.diagnostics)")
        bytes = try Files.read(folder + "/husky.shap.png")
      }
      return bytes
    }
    #expect(try figure() == figure())
    #expect(try figure() != figure("--regions"))
  }

  @Test("the centre alone has attribution, regions and truth")
  func centre() throws {
    try explain(SmallModel.centre, "--samples", "8", "--regions") { folder, document in
      let seen = try #require(document["picture"]?["seen"])
      let box = ["x", "y", "width", "height"].map { Int(seen[$0]?.number ?? -1) }
      // The shorter side of 240 becomes larger than the network's input: less than all of it is
      // seen.
      #expect(box[3] < 240 && box[2] < 240 && box[0] > 120)
      for explanation in document["explanations"]?.elements ?? [] {
        for region in explanation["regions"]?.elements ?? [] {
          let part = ["x", "y", "width", "height"].map { Int(region[$0]?.number ?? -1) }
          #expect(part[0] >= box[0] && part[1] >= box[1])
          #expect(part[0] + part[2] <= box[0] + box[2] && part[1] + part[3] <= box[1] + box[3])
        }
      }
      // A mask of the whole picture that marks its left end alone has nothing in the centre.
      var mask = [UInt8](repeating: 0, count: 3 * 480 * 240)
      for y in 0..<240 { for x in 0..<180 { mask[3 * 480 * y + x] = 255 } }
      try Image(width: 480, height: 240, pixels: mask).write(to: folder + "/left.png")
      let outcome = Outcome(
        "compare", folder + "/wide.png", "--model", SmallModel.centre, "--truth",
        folder + "/left.png", "--output", folder + "/out", "--format", "csv")
      #expect(
        outcome.status != .done && outcome.diagnostics.contains("centre"), "\(outcome.diagnostics)")
    }
  }
}

extension JSON {
  /// The number, whole or not.
  fileprivate var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
