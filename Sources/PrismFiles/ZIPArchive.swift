internal import CZlib

/// Files in one file (ZIP, without compression: pictures and maps would hardly shrink).
package enum ZIPArchive {
  /// A file of an archive.
  package struct File: Sendable, Equatable {
    /// The name, without folders.
    package let name: String
    /// The contents.
    package let contents: [UInt8]

    /// Makes a file.
    package init(name: String, contents: [UInt8]) {
      self.name = name
      self.contents = contents
    }
  }

  /// The sum by which a reader sees damage, CRC-32.
  package static func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.withUnsafeBufferPointer {
      UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count))
    }
  }

  /// The archive of some files.
  ///
  /// No date is kept, so that equal files give equal archives.
  ///
  /// - Parameter files: Their names are written in UTF-8.
  /// - Returns: The archive.
  /// - Throws: ``ZIPError/tooLarge(_:)`` for more than the format can hold.
  package static func bytes(of files: [File]) throws(ZIPError) -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    for file in files {
      let name = Array(file.name.utf8)
      guard archive.count + file.contents.count < Int(UInt32.max), files.count < 65_535 else {
        throw .tooLarge("one archive holds 65534 files and 4 GiB")
      }
      // Version 2.0, names in UTF-8, stored, 1 January 1980.
      let facts =
        number(20, 2) + number(0x800, 2) + number(0, 2) + number(0, 2) + number(0x21, 2)
        + number(Int(checksum(file.contents)), 4) + number(file.contents.count, 4)
        + number(file.contents.count, 4) + number(name.count, 2) + number(0, 2)
      directory +=
        number(Mark.entry, 4) + number(20, 2) + facts + number(0, 2) + number(0, 2)
        + number(0, 2) + number(0, 4) + number(archive.count, 4) + name
      archive += number(Mark.file, 4) + facts + name + file.contents
    }
    let start = archive.count
    archive += directory
    archive +=
      number(Mark.end, 4) + number(0, 2) + number(0, 2) + number(files.count, 2)
      + number(files.count, 2) + number(directory.count, 4) + number(start, 4) + number(0, 2)
    return archive
  }

  /// What the format's records begin with.
  enum Mark {
    static let file = 0x0403_4B50
    static let entry = 0x0201_4B50
    static let end = 0x0605_4B50
  }
}
