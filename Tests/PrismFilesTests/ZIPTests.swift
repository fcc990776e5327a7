import CZlib
import PrismFiles
import PrismTensor
import PrismTestSupport
import Testing

@Suite("archives of files")
struct ZIPTests {
  private static let files = [
    ZIPArchive.File(name: "a.txt", contents: Array("hello".utf8)),
    ZIPArchive.File(name: "ü", contents: []),
    ZIPArchive.File(name: "b.bin", contents: (0..<2000).map { UInt8($0 % 251) }),
  ]

  @Test("an archive is whole, and its sums are those that everybody computes")
  func writing() throws {
    #expect(ZIPArchive.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
    let bytes = try ZIPArchive.bytes(of: Array(Self.files.prefix(2)))
    #expect(Array(bytes.prefix(4)) == [0x50, 0x4B, 3, 4])
    let end = bytes.suffix(22)
    #expect(Array(end.prefix(4)) == [0x50, 0x4B, 5, 6] && end[end.startIndex + 10] == 2)
    #expect(bytes.count == 30 * 2 + 46 * 2 + 2 * (5 + 2) + 5 + 22)
  }

  @Test("what is written is read again, also behind a comment of another program")
  func reading() throws {
    var bytes = try ZIPArchive.bytes(of: Self.files)
    let read = try ZIPReader(bytes, most: 3000)
    #expect(read.files == Self.files && read["a.txt"] == Array("hello".utf8))
    #expect(read["c"] == nil)
    bytes[bytes.count - 2] = 3
    bytes += [1, 2, 3]
    #expect(try ZIPReader(bytes, most: 3000).files == Self.files)
  }

  /// An archive of one deflated file, as other programs make it.
  private static func deflated(
    _ contents: [UInt8], name: String = "a", announced: Int? = nil
  ) throws -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: contents.count + 100)
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    #expect(deflateInit2_(&stream, 9, Z_DEFLATED, -15, 9, 0, ZLIB_VERSION, size) == Z_OK)
    defer { deflateEnd(&stream) }
    var input = contents
    let count = input.withUnsafeMutableBufferPointer { source in
      packed.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = uInt(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = uInt(target.count)
        #expect(deflate(&stream, Z_FINISH) == Z_STREAM_END)
        return target.count - Int(stream.avail_out)
      }
    }
    var archive = try ZIPArchive.bytes(of: [.init(name: name, contents: Array(packed[..<count]))])
    let sum = ZIPArchive.checksum(contents)
    let directory = 30 + name.utf8.count + count
    for (place, value, length) in [
      (directory + 10, 8, 2), (directory + 16, Int(sum), 4),
      (directory + 24, announced ?? contents.count, 4),
    ] {
      for i in 0..<length { archive[place + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
    }
    return archive
  }

  @Test(
    "what is made smaller for a client is the same when it is unpacked", arguments: [0, 1, 70_000])
  func small(count: Int) throws {
    let contents = (0..<count).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
    let packed = try #require(GZIP.compressed(contents))
    #expect(packed.starts(with: [0x1F, 0x8B]) && packed == GZIP.compressed(contents))
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    #expect(inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, size) == Z_OK)
    defer { inflateEnd(&stream) }
    let unpacked = [UInt8](unsafeUninitializedCapacity: count + 1) { target, used in
      packed.withUnsafeBufferPointer { source in
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.avail_in = uInt(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = uInt(count + 1)
        #expect(inflate(&stream, Z_FINISH) == Z_STREAM_END)
        used = count + 1 - Int(stream.avail_out)
      }
    }
    #expect(unpacked == contents)
  }

  @Test("deflated files are read too", arguments: [0, 1, 70_000])
  func deflation(count: Int) throws {
    let contents = (0..<count).map { UInt8($0 * $0 % 253) }
    let read = try ZIPReader(Self.deflated(contents), most: 70_000)
    #expect(read.files == [.init(name: "a", contents: contents)])
  }

  @Test("what unfolds to more than is allowed, or than is announced, is refused")
  func bombs() throws {
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    let bomb = try Self.deflated(zeros)
    #expect(bomb.count < 2000)
    #expect(throws: ZIPError.tooLarge("its files have more than 1000 bytes")) {
      try ZIPReader(bomb, most: 1000)
    }
    for announced in [0, 5, (1 << 20) - 1, (1 << 20) + 1, 0xFFFF_FFFE] {
      #expect(throws: ZIPError.self, "\(announced)") {
        try ZIPReader(Self.deflated(zeros, announced: announced), most: .max)
      }
    }
    // Two lines of the directory that share a file's bytes.
    let one = try ZIPArchive.bytes(of: [.init(name: "a", contents: zeros)])
    let start = one.count - 22 - 47
    var line = Array(one[start..<(start + 47)])
    line[46] = UInt8(ascii: "b")
    var twice = Array(one[..<(start + 47)]) + line + Array(one.suffix(22))
    for place in [8, 10] { twice[twice.count - 22 + place] = 2 }
    #expect(throws: ZIPError.refused("its files overlap")) {
      try ZIPReader(twice, most: .max)
    }
    #expect(throws: ZIPError.tooLarge("it has more than 2 files")) {
      try ZIPReader(ZIPArchive.bytes(of: Self.files), most: .max, mostFiles: 2)
    }
  }

  @Test(
    "names are names and no paths",
    arguments: [
      "../a", "/etc/passwd", "a/b", "a\\b", "C:a", ".hidden", "..", "", "a\u{0}b", "a\nb",
      String(repeating: "x", count: 256),
    ])
  func names(name: String) throws {
    #expect(throws: ZIPError.self) {
      try ZIPReader(ZIPArchive.bytes(of: [.init(name: name, contents: [1])]), most: 10)
    }
  }

  @Test("two files of one name, encryption, volumes and other methods are refused")
  func refusals() throws {
    let twice = [ZIPArchive.File](repeating: .init(name: "a", contents: [1]), count: 2)
    #expect(throws: ZIPError.refused("it has two files called \"a\"")) {
      try ZIPReader(ZIPArchive.bytes(of: twice), most: 10)
    }
    let good = try ZIPArchive.bytes(of: [.init(name: "a", contents: [1, 2])])
    let directory = 30 + 1 + 2
    for (place, value, reason) in [
      (directory + 8, UInt8(1), "encrypted"), (directory + 10, 12, "neither stored nor deflated"),
      (good.count - 18, 1, "volumes"), (directory + 16, 0, "other contents"),
      (directory + 42, 1, "not where"), (directory, 0, "directory"), (31, 9, "other contents"),
    ] {
      var bad = good
      bad[place] = value
      do {
        _ = try ZIPReader(bad, most: 10)
        Issue.record("\(reason) was read")
      } catch {
        #expect(error.description.contains(reason), "\(error)")
        #expect(!error.description.contains("\n"))
      }
    }
  }

  @Test("no archive that is cut or changed makes the reader trap")
  func damage() throws {
    let good = try ZIPArchive.bytes(of: Self.files)
    for count in 0..<min(good.count, 400) {
      #expect(throws: ZIPError.self) { try ZIPReader(Array(good[..<count]), most: 1 << 20) }
      _ = try? ZIPReader(Array(good[count...]), most: 1 << 20)
    }
    var random = SeededRandom(seed: 7)
    let packed = try Self.deflated((0..<500).map { UInt8($0 % 7) })
    for _ in 0..<3000 {
      var bytes = Bool.random(using: &random) ? good : packed
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      guard let read = try? ZIPReader(bytes, most: 1 << 20) else { continue }
      #expect(read.files.reduce(0) { $0 + $1.contents.count } <= 1 << 20)
    }
  }
}
