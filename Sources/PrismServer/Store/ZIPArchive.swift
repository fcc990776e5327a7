internal import HTTPTypes

/// Files in one file (ZIP, without compression: pictures and maps would hardly shrink).
enum ZIPArchive {
  private static let table: [UInt32] = (0..<256).map { number in
    (0..<8).reduce(UInt32(number)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1
    }
  }

  /// The sum by which a reader sees damage.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 255)] ^ ($0 >> 8) }
  }

  /// The archive of some files, whose names are in UTF-8; no date is kept, so that equal files give
  /// equal archives.
  static func bytes(of files: [(name: String, contents: [UInt8])]) throws -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    for file in files {
      let name = Array(file.name.utf8)
      guard archive.count + file.contents.count < Int(UInt32.max), files.count < 65_535 else {
        throw Problem(.contentTooLarge, "the files are too large for one archive")
      }
      // Version 2.0, names in UTF-8, stored, 1 January 1980.
      let facts =
        number(20, 2) + number(0x800, 2) + number(0, 2) + number(0, 2) + number(0x21, 2)
        + number(Int(checksum(file.contents)), 4) + number(file.contents.count, 4)
        + number(file.contents.count, 4) + number(name.count, 2) + number(0, 2)
      directory +=
        number(0x0201_4B50, 4) + number(20, 2) + facts + number(0, 2) + number(0, 2)
        + number(0, 2) + number(0, 4) + number(archive.count, 4) + name
      archive += number(0x0403_4B50, 4) + facts + name + file.contents
    }
    let start = archive.count
    archive += directory
    archive +=
      number(0x0605_4B50, 4) + number(0, 2) + number(0, 2) + number(files.count, 2)
      + number(files.count, 2) + number(directory.count, 4) + number(start, 4) + number(0, 2)
    return archive
  }
}
