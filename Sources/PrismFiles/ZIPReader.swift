internal import CZlib

/// Reads an archive of files, stored or deflated (PKWARE's APPNOTE 6.3.3, RFC 1951).
///
/// Nobody vouches for the bytes: what the directory announces is checked against the limit before
/// memory is taken by it, every file has to have exactly the size and the checksum that are
/// announced, and a name is a name and no path.
package struct ZIPReader {
  /// The files, in the order of the directory.
  package private(set) var files: [ZIPArchive.File] = []

  private static let endSize = 22
  private static let entrySize = 46
  private static let headerSize = 30

  /// A line of the directory.
  private struct Entry {
    let name: String
    let isDeflated: Bool
    let checksum: UInt32
    let packed: Int
    let size: Int
    let start: Int
  }

  private let bytes: [UInt8]

  /// Reads an archive.
  ///
  /// - Parameters:
  ///   - bytes: The archive.
  ///   - most: The bytes that all files together may have.
  ///   - mostFiles: How many files there may be.
  /// - Throws: ``ZIPError``.
  package init(_ bytes: [UInt8], most: Int, mostFiles: Int = 4096) throws(ZIPError) {
    self.bytes = bytes
    let entries = try entries(mostFiles: mostFiles)
    var left = most
    for entry in entries {
      guard entry.size <= left else {
        throw .tooLarge("its files have more than \(most) bytes")
      }
      left -= entry.size
    }
    // No two entries may share bytes, by which a small archive could unfold many times.
    guard entries.reduce(0, { $0 + $1.packed }) <= bytes.count else {
      throw .refused("its files overlap")
    }
    for entry in entries {
      files.append(.init(name: entry.name, contents: try contents(of: entry)))
    }
  }

  /// The contents of a file.
  package subscript(name: String) -> [UInt8]? { files.first { $0.name == name }?.contents }

  // MARK: - The directory

  /// A number of the archive, whose lowest byte comes first.
  private func number(at place: Int, _ count: Int) throws(ZIPError) -> Int {
    guard place >= 0, place <= bytes.count - count else { throw .malformed("it ends too soon") }
    return (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  /// Where the record at the end of the archive begins.
  private func end() throws(ZIPError) -> Int {
    // A comment of up to 65535 bytes may follow it.
    let last = bytes.count - Self.endSize
    for place in stride(from: last, through: max(0, last - 65_535), by: -1) {
      guard place >= 0 else { break }
      let found = try number(at: place, 4)
      if found == ZIPArchive.Mark.end, try number(at: place + 20, 2) == last - place {
        return place
      }
    }
    throw .malformed("it is no ZIP, or only a part of one")
  }

  private func entries(mostFiles: Int) throws(ZIPError) -> [Entry] {
    let end = try end()
    let count = try number(at: end + 10, 2)
    guard try number(at: end + 4, 4) == 0, try number(at: end + 8, 2) == count else {
      throw .refused("it is one of several volumes; make one ZIP of it")
    }
    guard count <= mostFiles else { throw .tooLarge("it has more than \(mostFiles) files") }
    var place = try number(at: end + 16, 4)
    var entries: [Entry] = []
    var names: Set<String> = []
    for _ in 0..<count {
      guard try number(at: place, 4) == ZIPArchive.Mark.entry else {
        throw .malformed("its directory has a line that is none")
      }
      let length = try number(at: place + 28, 2)
      let name = try name(at: place + Self.entrySize, length)
      guard names.insert(name).inserted else {
        throw .refused("it has two files called \(Text.quoted(name))")
      }
      entries.append(try entry(at: place, name))
      let others = try number(at: place + 30, 2) + number(at: place + 32, 2)
      place += Self.entrySize + length + others
    }
    return entries
  }

  private func entry(at place: Int, _ name: String) throws(ZIPError) -> Entry {
    guard try number(at: place + 8, 2) & 1 == 0 else {
      throw .refused("\(Text.quoted(name)) is encrypted")
    }
    let method = try number(at: place + 10, 2)
    guard method == 0 || method == 8 else {
      throw .refused("\(Text.quoted(name)) is neither stored nor deflated; make the ZIP anew")
    }
    return Entry(
      name: name, isDeflated: method == 8,
      checksum: UInt32(truncatingIfNeeded: try number(at: place + 16, 4)),
      packed: try number(at: place + 20, 4), size: try number(at: place + 24, 4),
      start: try number(at: place + 42, 4))
  }

  /// A name that is one: no folders, nothing hidden, nothing that cannot be shown.
  private func name(at place: Int, _ length: Int) throws(ZIPError) -> String {
    guard place <= bytes.count - length else { throw .malformed("it ends too soon") }
    guard let name = String(validating: bytes[place..<(place + length)], as: UTF8.self) else {
      throw .refused("it has a name that is no UTF-8")
    }
    let isPlain = name.unicodeScalars.allSatisfy { scalar in
      scalar.properties.generalCategory != .control && !"/\\:".unicodeScalars.contains(scalar)
    }
    guard isPlain, !name.isEmpty, name.utf8.count <= 255, !name.hasPrefix(".") else {
      throw .refused(
        "\(Text.quoted(String(name.prefix(80)))) is no plain name of a file; folders are not read")
    }
    return name
  }

  // MARK: - Contents

  private func contents(of entry: Entry) throws(ZIPError) -> [UInt8] {
    guard try number(at: entry.start, 4) == ZIPArchive.Mark.file else {
      throw .malformed("\(Text.quoted(entry.name)) is not where its directory says")
    }
    let start =
      entry.start + Self.headerSize
      + (try number(at: entry.start + 26, 2) + number(at: entry.start + 28, 2))
    guard start <= bytes.count - entry.packed else { throw .malformed("it ends too soon") }
    let packed = bytes[start..<(start + entry.packed)]
    let contents = entry.isDeflated ? Self.inflated(packed, to: entry.size) : Array(packed)
    guard let contents, contents.count == entry.size,
      ZIPArchive.checksum(contents) == entry.checksum
    else {
      throw .malformed("\(Text.quoted(entry.name)) has other contents than its directory says")
    }
    return contents
  }

  /// The bytes that were deflated; `nil` where they are not exactly as many as announced.
  private static func inflated(_ packed: ArraySlice<UInt8>, to size: Int) -> [UInt8]? {
    // Deflate makes at most 1032 bytes of one: what announces more takes no memory.
    guard size <= packed.count * 1032, size < Int(UInt32.max) else { return nil }
    var stream = z_stream()
    let streamSize = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, streamSize) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    var isWhole = false
    let contents = [UInt8](unsafeUninitializedCapacity: size + 1) { target, count in
      packed.withUnsafeBufferPointer { source in
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.avail_in = uInt(source.count)
        stream.next_out = target.baseAddress
        // One more than announced, so that more is noticed.
        stream.avail_out = uInt(size + 1)
        isWhole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0
        count = size + 1 - Int(stream.avail_out)
      }
    }
    return isWhole ? contents : nil
  }
}
