import PrismTestSupport
import PrismCard
import PrismTensor
import Testing

@testable import PrismWeights

/// A file that must be refused, and how.
struct Attack: CustomTestStringConvertible {
  let name: String
  let bytes: [UInt8]
  let error: WeightError
  let text: String
  var testDescription: String { name }

  init(_ name: String, _ bytes: [UInt8], _ error: WeightError, _ text: String) {
    self.name = name
    self.bytes = bytes
    self.error = error
    self.text = text
  }

  /// A file whose header is at fault.
  init(header name: String, _ header: String, _ reason: String) {
    self.init(
      name, fileBytes(header), .invalidHeader(file: Self.file, reason: reason),
      "w.safetensors: not a valid safetensors header: \(reason); "
        + "convert it again with Tools/convert.py")
  }

  static let file = "w.safetensors"

  static func entry(_ type: String, _ shape: String, _ offsets: String, name: String = "a")
    -> String
  {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  static let lengths: [Attack] = [
    Attack(
      "no bytes", [], .empty(file: file),
      "w.safetensors: the file is empty; copy or convert it again"),
    Attack(
      "five bytes", [1, 2, 3, 4, 5], .cutOff(file: file, needs: 8, has: 5),
      "w.safetensors: the file is cut off: needs 8 bytes, has 5; copy or convert it again"),
    Attack(
      "header length 2^63", fileBytes("{}", length: 1 << 63),
      .headerTooLong(file: file, length: 1 << 63),
      "w.safetensors: not a safetensors file: its header would be 9223372036854775808 bytes long, "
        + "the limit is 100000000; convert it with Tools/convert.py"),
    Attack(
      "header length 2^64 - 1", fileBytes("{}", length: .max),
      .headerTooLong(file: file, length: .max),
      "w.safetensors: not a safetensors file: its header would be 18446744073709551615 bytes long, "
        + "the limit is 100000000; convert it with Tools/convert.py"),
    Attack(
      "header length just above the limit", fileBytes("{}", length: 100_000_001),
      .headerTooLong(file: file, length: 100_000_001),
      "w.safetensors: not a safetensors file: its header would be 100000001 bytes long, "
        + "the limit is 100000000; convert it with Tools/convert.py"),
    Attack(
      "header longer than the file", fileBytes("{}", length: 50),
      .cutOff(file: file, needs: 58, has: 10),
      "w.safetensors: the file is cut off: needs 58 bytes, has 10; copy or convert it again"),
    Attack(
      "data cut off", fileBytes("{\(entry("F32", "[4]", "[0,16]"))}", data: [1, 2, 3]),
      .cutOff(file: file, needs: 79, has: 66),
      "w.safetensors: the file is cut off: needs 79 bytes, has 66; copy or convert it again"),
    Attack(
      "trailing byte", fileBytes("{}", data: [0]), .trailingBytes(file: file, count: 1),
      "w.safetensors: 1 byte after the last tensor belong to nothing; copy or convert it again"),
  ]

  static let headers: [Attack] = [
    Attack(header: "no header", "", "it does not begin with { at byte 0"),
    Attack(header: "white space first", " {}", "it does not begin with { at byte 0"),
    Attack(header: "a list", "[]", "it does not begin with { at byte 0"),
    Attack(header: "unfinished", "{\"a\":", "expected an object at byte 5"),
    Attack(header: "two values", "{}{}", "text after the end of the JSON at byte 2"),
    Attack(header: "trailing comma", "{\"__metadata__\":{},}", "expected a string at byte 19"),
    Attack(
      header: "metadata that are no strings", "{\"__metadata__\":{\"a\":1}}",
      "expected a string at byte 21"),
    Attack(
      header: "metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}",
      "__metadata__ appears twice at byte 34"),
    Attack(
      header: "metadata key twice", "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}",
      "metadata \"a\" appears twice at byte 30"),
    Attack(header: "a tensor that is a number", "{\"a\":7}", "expected an object at byte 5"),
    Attack(
      header: "no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}",
      "tensor \"a\" has no shape at byte 41"),
    Attack(
      header: "shape twice", "{\"a\":{\"shape\":[1],\"shape\":[2]}}",
      "tensor \"a\" has shape twice at byte 26"),
    Attack(
      header: "unknown key", "{\"a\":{\"strides\":[1]}}",
      "tensor \"a\" has the unknown key \"strides\" at byte 16"),
    Attack(
      header: "three offsets", "{\(entry("F32", "[1]", "[0,4,4]"))}",
      "tensor \"a\" has 3 data_offsets, not 2 at byte 55"),
    Attack(
      header: "a fraction", "{\"a\":{\"shape\":[1.0]}}",
      "expected an integer of at most 64 bits at byte 15"),
    Attack(
      header: "2^64", "{\"a\":{\"shape\":[18446744073709551616]}}",
      "expected an integer of at most 64 bits at byte 15"),
    Attack(
      header: "deep nesting", "{\"a\":{\"shape\":[" + String(repeating: "[", count: 100_000),
      "expected an integer at byte 15"),
    Attack(
      header: "deep nesting of metadata",
      "{\"__metadata__\":" + String(repeating: "{\"a\":", count: 100_000),
      "expected a string at byte 21"),
    Attack(header: "half a surrogate", #"{"\ud800":0}"#, "half a surrogate pair at byte 8"),
    Attack(
      header: "control character", "{\"a\u{1}\":0}", "control character in a string at byte 3"),
    Attack(header: "open string", "{\"a", "unfinished string at byte 3"),
  ]

  static func tensor(
    _ name: String, _ entries: String, _ error: WeightError, _ text: String
  ) -> Attack {
    Attack(name, fileBytes("{\(entries)}", data: [UInt8](repeating: 0, count: 16)), error, text)
  }

  static let tensors: [Attack] = [
    tensor(
      "duplicate name", entry("F32", "[2]", "[0,8]") + "," + entry("F32", "[2]", "[8,16]"),
      .duplicateName(file: file, tensor: "a"),
      "w.safetensors: two tensors are named \"a\"; give each its own name"),
    tensor(
      "unknown type", entry("F31", "[4]", "[0,16]"),
      .unknownType(file: file, tensor: "a", type: "F31"),
      "w.safetensors: tensor \"a\" has the unknown type \"F31\"; store it as F32 or F16"),
    tensor(
      "negative extent", entry("F32", "[-2,-2]", "[0,16]"),
      .invalidShape(file: file, tensor: "a", reason: "the extent -2 is negative"),
      "w.safetensors: tensor \"a\" has an impossible shape: the extent -2 is negative; "
        + "convert it again"),
    tensor(
      "product beyond 64 bits", entry("F32", "[4294967296,4294967296]", "[0,16]"),
      .invalidShape(
        file: file, tensor: "a", reason: "it has more elements than fit in memory"),
      "w.safetensors: tensor \"a\" has an impossible shape: "
        + "it has more elements than fit in memory; convert it again"),
    tensor(
      "product beyond 64 bits hidden by a zero",
      entry("F32", "[9223372036854775807,9223372036854775807,0]", "[0,0]"),
      .invalidShape(
        file: file, tensor: "a", reason: "it has more elements than fit in memory"),
      "w.safetensors: tensor \"a\" has an impossible shape: "
        + "it has more elements than fit in memory; convert it again"),
    tensor(
      "half a byte", entry("F4", "[3]", "[0,16]"),
      .invalidShape(file: file, tensor: "a", reason: "its data end within a byte"),
      "w.safetensors: tensor \"a\" has an impossible shape: its data end within a byte; "
        + "convert it again"),
    tensor(
      "begin after end", entry("F32", "[4]", "[16,0]"),
      .invalidOffsets(file: file, tensor: "a", reason: "it begins at 16 and ends at 0"),
      "w.safetensors: tensor \"a\" has impossible offsets: it begins at 16 and ends at 0; "
        + "convert it again"),
    tensor(
      "negative begin", entry("F32", "[4]", "[-16,0]"),
      .invalidOffsets(file: file, tensor: "a", reason: "it begins at -16 and ends at 0"),
      "w.safetensors: tensor \"a\" has impossible offsets: it begins at -16 and ends at 0; "
        + "convert it again"),
    tensor(
      "length is not that of the shape", entry("F32", "[2,2]", "[0,12]"),
      .invalidOffsets(
        file: file, tensor: "a", reason: "F32 2×2 takes 16 bytes, the offsets span 12"),
      "w.safetensors: tensor \"a\" has impossible offsets: "
        + "F32 2×2 takes 16 bytes, the offsets span 12; convert it again"),
    tensor(
      "beyond the address space",
      entry("F32", "[0]", "[9223372036854775807,9223372036854775807]"),
      .invalidOffsets(
        file: file, tensor: "a", reason: "no file is as long as 9223372036854775807 bytes"),
      "w.safetensors: tensor \"a\" has impossible offsets: "
        + "no file is as long as 9223372036854775807 bytes; convert it again"),
    tensor(
      "overlap", entry("F32", "[2]", "[0,8]") + "," + entry("F32", "[3]", "[4,16]", name: "b"),
      .invalidOffsets(
        file: file, tensor: "b", reason: "it overlaps the tensor before it by 4 bytes"),
      "w.safetensors: tensor \"b\" has impossible offsets: "
        + "it overlaps the tensor before it by 4 bytes; convert it again"),
    tensor(
      "the same place twice",
      entry("F32", "[4]", "[0,16]") + "," + entry("F32", "[4]", "[0,16]", name: "b"),
      .invalidOffsets(
        file: file, tensor: "b", reason: "it overlaps the tensor before it by 16 bytes"),
      "w.safetensors: tensor \"b\" has impossible offsets: "
        + "it overlaps the tensor before it by 16 bytes; convert it again"),
    tensor(
      "hole", entry("F32", "[1]", "[0,4]") + "," + entry("F32", "[2]", "[8,16]", name: "b"),
      .invalidOffsets(file: file, tensor: "b", reason: "4 bytes before it belong to nothing"),
      "w.safetensors: tensor \"b\" has impossible offsets: 4 bytes before it belong to nothing; "
        + "convert it again"),
    tensor(
      "bytes left over", entry("F32", "[1]", "[0,4]"), .trailingBytes(file: file, count: 12),
      "w.safetensors: 12 bytes after the last tensor belong to nothing; copy or convert it again"),
    tensor(
      "a name for the terminal", entry("F31", "[4]", "[0,16]", name: #"\u001b[2J\nx"#),
      .unknownType(file: file, tensor: "\u{1B}[2J\nx", type: "F31"),
      #"w.safetensors: tensor "\u{1b}[2J\u{a}x" has the unknown type "F31"; "#
        + "store it as F32 or F16"),
  ]
}

@Suite("files that must be refused")
struct AttackTests {
  @Test(
    "opening fails with the error and its text",
    arguments: Attack.lengths + Attack.headers + Attack.tensors)
  func refused(_ attack: Attack) {
    let error = weightError { _ = try opened(attack.bytes) }
    #expect(error == attack.error)
    #expect(error?.description == attack.text)
  }

  @Test("a string that is not UTF-8 is refused")
  func invalidUTF8() {
    let error = weightError {
      _ = try opened(fileBytes(header: Array("{\"".utf8) + [0xC3, 0x28] + Array("\":0}".utf8)))
    }
    let reason = "string that is not UTF-8 at byte 2"
    #expect(error == .invalidHeader(file: "w.safetensors", reason: reason))
  }

  @Test(
    "types without arithmetic open, and are refused by name when taken", arguments: ["BF16", "I16"])
  func unsupportedType(_ type: String) throws {
    let header = "{\(Attack.entry(type, "[2]", "[0,4]", name: "head.bias"))}"
    let file = try opened(fileBytes(header, data: [0, 0, 0, 0]))
    let error = weightError { _ = try file.tensor("head.bias") }
    #expect(error == .unsupportedType(file: "w.safetensors", tensor: "head.bias", type: type))
    #expect(
      error?.description
        == "w.safetensors: tensor \"head.bias\" is stored as \(type), which Prism does not read; "
        + "store it as F32 or F16")
  }

  @Test(
    "weights that are not finite are refused, naming the place",
    arguments: [
      (Float.nan, "NaN"), (-Float.signalingNaN, "NaN"), (.infinity, "+infinity"),
      (-.infinity, "-infinity"),
    ])
  func nonFinite(_ value: Float, _ text: String) throws {
    var floats = [Float](repeating: .greatestFiniteMagnitude, count: 2 * 3 * 50)
    floats[150 + 2 * 50 + 7] = value
    let header = "{\(Attack.entry("F32", "[2,3,50]", "[0,1200]"))}"
    let file = try opened(fileBytes(header, data: littleEndian(floats)))
    let error = weightError { _ = try file.tensor("a") }
    #expect(
      error == .nonFinite(file: "w.safetensors", tensor: "a", index: [1, 2, 7], value: text))
    #expect(
      error?.description
        == "w.safetensors: tensor \"a\" holds \(text) at [1, 2, 7]; "
        + "weights must be finite: use a checkpoint from before training diverged")
  }

  @Test("half-precision infinity is refused as well")
  func nonFiniteHalf() throws {
    let header = "{\(Attack.entry("F16", "[2]", "[0,4]"))}"
    let file = try opened(fileBytes(header, data: [0, 0, 0, 0x7C]))
    let error = weightError { _ = try file.tensor("a") }
    #expect(
      error == .nonFinite(file: "w.safetensors", tensor: "a", index: [1], value: "+infinity"))
  }

  @Test("paths that lead to no file")
  func paths() throws {
    let folder = try TemporaryFolder()
    let empty = try folder.write([], to: "empty")
    let none = folder.file("none")
    let cases: [(String, WeightError, String)] = [
      (none, .notFound(file: none), "\(none): no such file; check the path"),
      (
        folder.path, .notAFile(file: folder.path),
        "\(folder.path): not a file; name the .safetensors file itself"
      ),
      (
        "/dev/null", .notAFile(file: "/dev/null"),
        "/dev/null: not a file; name the .safetensors file itself"
      ),
      (
        empty, .empty(file: empty), "\(empty): the file is empty; copy or convert it again"
      ),
      (
        empty + "/x", .notFound(file: empty + "/x"), "\(empty)/x: no such file; check the path"
      ),
    ]
    for (path, expected, text) in cases {
      let error = weightError { _ = try SafetensorsFile(contentsOf: path) }
      #expect(error == expected)
      #expect(error?.description == text)
    }
  }
}

@Suite("files from chance")
struct ChanceTests {
  /// Opens a file and touches all memory that it hands out; returns whether it opened.
  private func visit(_ bytes: [UInt8]) -> Bool {
    guard let file = try? opened(bytes) else { return false }
    var end = file.entries.first?.range.lowerBound ?? bytes.count
    for entry in file.entries {
      #expect(entry.range.lowerBound == end)
      end = entry.range.upperBound
      if let tensor = try? file.tensor(entry.name) {
        #expect(tensor.count * (entry.type == "F16" ? 2 : 4) == entry.range.count)
        #expect(!tensor.scalars.contains { !$0.isFinite })
      }
    }
    #expect(end == bytes.count)
    _ = try? file.card()
    return true
  }

  private func sample() throws -> [UInt8] {
    var random = SeededRandom(seed: 5)
    var writer = SafetensorsWriter(card: .example())
    writer.add("a.weight", .normal([3, 5], using: &random))
    writer.add("a.bias", .normal([3], using: &random), as: .float16)
    writer.add("b", .normal([2, 2, 2], using: &random))
    return try writer.bytes()
  }

  @Test("flipped bits and bytes never give memory outside the file", arguments: 0..<8)
  func flips(_ seed: UInt64) throws {
    let original = try sample()
    var random = SeededRandom(seed: seed)
    var openedCount = 0
    for _ in 0..<400 {
      var bytes = original
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        if Bool.random(using: &random) {
          bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        } else {
          bytes[place] = UInt8.random(in: 0...255, using: &random)
        }
      }
      if visit(bytes) { openedCount += 1 }
    }
    // Otherwise nothing but the first check would be tried.
    #expect(openedCount > 20 && openedCount < 400)
  }

  @Test("a file cut anywhere is refused")
  func cuts() throws {
    let original = try sample()
    for count in original.indices { #expect(!visit(Array(original[..<count])), "\(count) bytes") }
    #expect(visit(original))
  }

  @Test("random headers put together from plausible pieces never crash", arguments: 0..<8)
  func headers(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"a\"", "\"dtype\"", "\"F32\"", "\"shape\"",
      "\"data_offsets\"",
      "0", "4", "-1", "9223372036854775807", "1e999", "\"\\ud834\\udd1e\"", "\"__metadata__\"",
      "[0,4]", "[1]", "null", " ", "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}",
    ]
    for _ in 0..<2000 {
      var header = "{"
      for _ in 0..<Int.random(in: 0..<24, using: &random) {
        header += pieces[Int.random(in: 0..<pieces.count, using: &random)]
      }
      _ = visit(fileBytes(header, data: [0, 0, 0, 0]))
    }
  }

  @Test("random offsets and shapes never give memory outside the file", arguments: 0..<8)
  func offsets(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let numbers = [0, 0, 1, 2, 4, 4, 8, 8, 12, 16, 16, -4, 1 << 31, 1 << 62, .max, .min]
    var number: Int { numbers[Int.random(in: 0..<numbers.count, using: &random)] }
    for _ in 0..<2000 {
      let count = Int.random(in: 1..<4, using: &random)
      let entries = (0..<count).map { i in
        let shape = (0..<Int.random(in: 0..<3, using: &random)).map { _ in number }
        let type = Bool.random(using: &random) ? "F32" : "F16"
        return Attack.entry(type, "\(shape)", "[\(number),\(number)]", name: "\(i)")
      }
      let header = "{\(entries.joined(separator: ","))}"
      _ = visit(fileBytes(header, data: [UInt8](repeating: 1, count: 16)))
    }
  }
}
