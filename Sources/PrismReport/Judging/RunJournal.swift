internal import Prism

/// What a long run has finished, line by line, so that the next one goes on where it ended.
///
/// The first line says what the run is about; a line that was never finished, because the process
/// was killed, is forgotten.
final class RunJournal: Sendable {
  /// The path of the file.
  let path: String
  private let file: AppendedFile

  /// Opens a journal, and begins one where there is none.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - kind: Which command it belongs to.
  ///   - key: What the results depend on, as a digest.
  ///   - read: Is given every finished line but the first, and says whether it makes sense.
  /// - Throws: ``JournalError``, `FileError`.
  init(
    _ path: String, kind: String, key: String, reading read: (JSON) -> Bool
  ) throws {
    self.path = path
    var kept = 0
    if Folder.exists(path) {
      kept = try Self.read(path, kind: kind, key: key, read)
    }
    file = try AppendedFile(path, keeping: kept)
    if kept == 0 {
      let header: JSON = ["journal": .string(kind), "key": .string(key)]
      try file.append(header.description)
    }
  }

  /// Writes a line.
  ///
  /// - Throws: `FileError.cannotWrite`.
  func append(_ line: JSON) throws { try file.append(line.description) }

  /// Reads the lines again, one after the other, such as for the maps that are shown.
  ///
  /// - Parameter read: Is given every line but the first.
  /// - Throws: `WeightError` where the file cannot be read any more.
  func forEach(_ read: (JSON) -> Void) throws {
    var isFirst = true
    _ = try Self.lines(of: path) { line in
      if !isFirst, let json = try? JSONReader.parse(line) { read(json) }
      isFirst = false
    }
  }

  /// - Returns: The bytes of the finished lines.
  private static func read(
    _ path: String, kind: String, key: String, _ read: (JSON) -> Bool
  ) throws -> Int {
    var number = 0
    do {
      return try lines(of: path) { line in
        number += 1
        guard let json = try? JSONReader.parse(line) else {
          throw JournalError.broken(path, line: number)
        }
        if number == 1 {
          guard json["journal"]?.string == kind else {
            throw JournalError.broken(path, line: number)
          }
          guard json["key"]?.string == key else { throw JournalError.foreign(path) }
        } else if !read(json) {
          throw JournalError.broken(path, line: number)
        }
      }
    } catch WeightError.empty {
      return 0
    }
  }

  /// Hands over every finished line.
  ///
  /// - Returns: The bytes of the finished lines.
  private static func lines(of path: String, _ body: (String) throws -> Void) throws -> Int {
    let file = try MappedFile(contentsOf: path)
    return try unsafe file.withUnsafeBytes { bytes in
      var start = 0
      for place in 0..<bytes.count where unsafe bytes[place] == UInt8(ascii: "\n") {
        let line = unsafe String(decoding: bytes[start..<place], as: UTF8.self)
        start = place + 1
        try body(line)
      }
      return start
    }
  }
}

/// Why a journal cannot be gone on with.
public enum JournalError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A line is not what was written.
  case broken(String, line: Int)
  /// It is of other data, another model or other options.
  case foreign(String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .broken(let path, let line):
      "\(path): line \(line) is damaged, so the run cannot go on; remove the file to begin anew"
    case .foreign(let path):
      "\(path) is of a run with other data, another model, other options or another version of "
        + "Prism; give another --output, or remove the file to begin anew"
    }
  }
}
