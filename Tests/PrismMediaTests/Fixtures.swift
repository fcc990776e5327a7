import PrismFiles
import PrismTensor

@testable import PrismMedia

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The files of `Fixtures`, and what Pillow and torch make of them (written by
/// Tools/fixtures/media.py).
enum Fixtures {
  static let folder = String(#filePath.dropLast("Fixtures.swift".count)) + "Fixtures/"
  static let samples = folder + "../../../Samples/"

  static func bytes(_ name: String) throws -> [UInt8] { try Files.read(folder + name) }
  static func image(_ name: String) throws -> Image { try Image(contentsOf: folder + name) }

  /// Every expected picture by name.
  static let expected: [String: Image] = {
    guard let values = try? ArrayFile.integers(contentsOf: folder + "expected.npy").values else {
      return [:]
    }
    var images: [String: Image] = [:]
    for fields in lines("expected.txt") where fields.count == 4 {
      guard let offset = Int(fields[1]), let height = Int(fields[2]), let width = Int(fields[3])
      else { continue }
      let pixels = values[offset..<(offset + height * width * 3)].map { UInt8($0) }
      images[fields[0]] = Image(width: width, height: height, exactly: pixels)
    }
    return images
  }()

  /// The words of every line of a text file.
  static func lines(_ name: String) -> [[String]] {
    guard let bytes = try? bytes(name) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: " ").map(String.init) }
  }

  static func names(ending suffix: String) -> [String] {
    expected.keys.filter { $0.hasSuffix(suffix) }.sorted()
  }
}

extension Image {
  /// The largest difference of a sample, or `nil` where the sizes differ.
  func largestDifference(to other: Image) -> Int? {
    guard width == other.width, height == other.height else { return nil }
    return zip(pixels, other.pixels).map { abs(Int($0) - Int($1)) }.max()
  }

  /// The FNV-1a hash of the pixels.
  var hash: UInt64 {
    pixels.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

/// A folder of its own for one test, removed with the value.
final class Scratch {
  let path: String

  init() {
    var template = Array("/tmp/prism-media-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress, let made = mkdtemp(start) else { return "/tmp" }
      return String(cString: made)
    }
  }

  /// The names in the folder, in order.
  var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  deinit {
    for name in names { remove(path + "/" + name) }
    rmdir(path)
  }
}
