/// Reads comma-separated values with a header (RFC 4180), row by row.
package struct CSVReader {
  /// One row: its line in the file and its cells.
  package struct Row {
    package let line: Int
    package let cells: [ArraySlice<UInt8>]
    fileprivate let path: String
    fileprivate let limits: Limits

    /// A cell as text.
    ///
    /// - Throws: `FileError.beyondLimit` where it is longer than a name may be.
    package func text(_ column: Int) throws(FileError) -> String { try text(cells[column]) }

    /// The parts of a cell as text.
    ///
    /// - Throws: `FileError.beyondLimit` where one is longer than a name may be.
    package func texts(
      _ column: Int, separatedBy separator: Unicode.Scalar
    ) throws(FileError) -> [String] {
      var texts: [String] = []
      for part in cells[column].split(separator: UInt8(ascii: separator)) {
        texts.append(try text(part))
      }
      return texts
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(FileError) -> String {
      do {
        try limits.check(bytes.count, .name, of: "\(path): line \(line)")
      } catch {
        throw .beyondLimit(error)
      }
      let text = String(decoding: bytes, as: UTF8.self)
      guard Text.hasFewMarks(text) else {
        throw .malformed(
          path, reason: "line \(line): more than \(Text.mostMarks) combining marks in a row")
      }
      return text
    }

    /// A cell as text, its end left out where it is longer than a name may be.
    package func shown(_ column: Int) -> String {
      String(decoding: cells[column].prefix(limits[.name]), as: UTF8.self)
    }
  }

  /// The names of the columns.
  package private(set) var header: [String]
  private let bytes: [UInt8]
  private var offset: Int
  private var line: Int
  private let path: String
  private let limits: Limits

  /// Reads the header of a file.
  ///
  /// - Throws: `FileError` where the file cannot be read, has no header or is beyond a limit.
  package init(contentsOf path: String, limits: Limits = .current) throws {
    try self.init(try Files.read(path, limits: limits), path: path, limits: limits)
  }

  /// Reads the header of a file's contents.
  ///
  /// - Throws: `FileError` where it has none or is beyond a limit.
  package init(_ bytes: [UInt8], path: String, limits: Limits = .current) throws {
    self.bytes = bytes
    self.path = path
    self.limits = limits
    // A byte order mark says nothing here.
    offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    line = 1
    header = []
    guard let first = try readRow() else {
      throw FileError.malformed(
        path, reason: "the file is empty; a CSV begins with its column names")
    }
    header = try first.cells.indices.map { try first.text($0).trimmed }
  }

  /// The place of a column, whatever the case of its name, or `nil`.
  package func column(_ names: String...) -> Int? {
    for name in names {
      if let index = header.firstIndex(where: { $0.lowercased() == name.lowercased() }) {
        return index
      }
    }
    return nil
  }

  /// The next row that is not blank, or `nil` at the end.
  ///
  /// - Throws: `FileError.malformed` for an open quotation and for a row with another number of
  ///   cells than the header.
  package mutating func next() throws -> Row? {
    while let row = try readRow() {
      if row.cells.count == 1, row.cells[0].isEmpty { continue }
      guard row.cells.count == header.count else {
        throw FileError.malformed(
          path,
          reason: "line \(row.line): has \(row.cells.count) cells, the header has \(header.count)")
      }
      return row
    }
    return nil
  }

  private mutating func readRow() throws -> Row? {
    guard offset < bytes.count else { return nil }
    let start = line
    var cells: [ArraySlice<UInt8>] = []
    cells.reserveCapacity(header.count)
    func row() -> Row { Row(line: start, cells: cells, path: path, limits: limits) }
    while true {
      if cells.count >= limits[.labels] {
        throw FileError.beyondLimit(
          LimitError(
            subject: "\(path): line \(start): its columns", name: .labels, count: cells.count + 1,
            limit: limits[.labels]))
      }
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
        cells.append(try readQuoted(from: start))
      } else {
        let begin = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: ","), bytes[offset] != 0x0A {
          offset += 1
        }
        var end = offset
        if end > begin, end == bytes.count || bytes[end] == 0x0A, bytes[end - 1] == 0x0D {
          end -= 1
        }
        cells.append(bytes[begin..<end])
      }
      guard offset < bytes.count else { return row() }
      let separator = bytes[offset]
      offset += 1
      if separator == 0x0A {
        line += 1
        return row()
      }
    }
  }

  private mutating func readQuoted(from start: Int) throws -> ArraySlice<UInt8> {
    offset += 1
    var cell: [UInt8] = []
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if byte == UInt8(ascii: "\"") {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
          if offset < bytes.count, bytes[offset] == 0x0D { offset += 1 }
          guard offset == bytes.count || bytes[offset] == UInt8(ascii: ",") || bytes[offset] == 0x0A
          else {
            throw FileError.malformed(path, reason: "line \(start): text after a quoted cell")
          }
          return cell[...]
        }
        offset += 1
      } else if byte == 0x0A {
        line += 1
      }
      cell.append(byte)
    }
    throw FileError.malformed(path, reason: "line \(start): a quotation is not closed")
  }
}

extension String {
  /// The text without blanks at its ends.
  package var trimmed: String {
    // By code points: a character may be as long as the text.
    let text = unicodeScalars
    guard let first = text.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = text.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(text[first...last])
  }
}
