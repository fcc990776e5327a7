internal import Prism
internal import Synchronization

/// Which inputs of a shard are at work, on disk: so that the next process knows what the last one
/// was at when it ended without a word, as the system ends one that takes too much memory.
final class AttemptJournal: Sendable {
  /// How many processes may end at an input before it is left alone.
  static let mostEndings = 2

  private let path: String
  private let file: AppendedFile
  /// How many processes have ended at each input.
  private let endings: [Int: Int]

  /// Opens a shard's journal.
  ///
  /// - Throws: `FileError`.
  init(_ path: String) throws {
    self.path = path
    var open: [Int: Int] = [:]
    let text = Folder.exists(path) ? String(decoding: try Files.read(path), as: UTF8.self) : ""
    for line in text.split(separator: "\n") {
      guard let number = Int(line.dropFirst()) else { continue }
      open[number, default: 0] += line.hasPrefix("+") ? 1 : -1
    }
    endings = open
    file = try AppendedFile(path)
  }

  /// How many processes have ended while they were at work on an input.
  func endings(at number: Int) -> Int { max(endings[number] ?? 0, 0) }

  /// An input is being begun.
  func begin(_ number: Int) { try? file.append("+\(number)") }

  /// An input has come to its end.
  func end(_ number: Int) { try? file.append("-\(number)") }

  /// Forgets everything: the shard is done, or the process ends in good order.
  func remove() { Folder.remove(path) }
}
