import PrismTensor
import Testing

@testable import PrismMedia

@Suite("Resize")
struct ResizeTests {
  static let cases = Fixtures.expected.keys.filter { $0.hasPrefix("crop-") }.sorted()

  @Test("agrees with Pillow, or torch for plain bilinear", arguments: cases)
  func agreement(name: String) throws {
    let expected = try #require(Fixtures.expected[name])
    let source = try Fixtures.image(name.hasPrefix("crop-one-") ? "crop-one.png" : "crop.png")
    let method = try #require(
      ResizeMethod.allCases.first {
        name.hasSuffix("-\($0.rawValue)-\(expected.width)x\(expected.height)")
      })
    let result = source.resized(width: expected.width, height: expected.height, method: method)
    let difference = try #require(result.largestDifference(to: expected))
    #expect(difference <= (method == .bilinear ? 1 : 0))
  }

  @Test("there are cases for every method")
  func coverage() { #expect(Self.cases.count == 40) }

  @Test("whole pictures are Pillow's, bit for bit", arguments: Fixtures.lines("hashes.txt"))
  func wholePictures(fields: [String]) throws {
    let words = try #require(fields.first).split(separator: "-", maxSplits: 1).map(String.init)
    let size = try #require(words[1].split(separator: "-").last.flatMap { Int($0) })
    let method = try #require(ResizeMethod(rawValue: String(words[1].dropLast(4))))
    let image = try Image(contentsOf: Fixtures.samples + words[0])
    let result = image.resized(width: size, height: size, method: method)
    #expect(result.hash == UInt64(fields[1], radix: 16))
  }

  @Test("maps agree with torch", arguments: [(29, 33), (3, 2), (7, 40)])
  func maps(height: Int, width: Int) throws {
    let map = try ArrayFile.tensor(contentsOf: Fixtures.folder + "map.npy")
    let expected = try ArrayFile.tensor(
      contentsOf: Fixtures.folder + "map-\(height)x\(width).npy")
    let result = map.resizedBilinear(height: height, width: width)
    #expect(result.shape == expected.shape)
    #expect((result - expected).map(abs).maximum <= 1e-6)
  }
}
