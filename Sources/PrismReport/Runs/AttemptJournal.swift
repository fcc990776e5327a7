internal import Prism
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Which inputs of a shard are at work, on disk: so that the next process knows what the last one
/// was at when it ended without a word, as the system ends one that takes too much memory.
///
/// Every process has a file of its own and holds it while it lives: what one is at that works on
/// the same shard at the same time counts for nothing.
final class AttemptJournal: Sendable {
  /// How many processes may end at an input before it is left alone.
  static let mostEndings = 2
  /// Tells the journals of processes apart.
  private static let process = UInt64.random(in: 0 ... .max)
  /// Tells the journals of a process apart.
  private static let count = Atomic<Int>(0)

  private let shard: String
  private let path: String
  private let file: AppendedFile
  private let hold: HeldFile
  /// How many processes have ended at each input.
  private let endings: [Int: Int]

  /// Opens a journal of a shard.
  ///
  /// - Parameter shard: What the paths of all the shard's journals begin with; a hidden name.
  /// - Throws: `FileError`.
  init(_ shard: String) throws {
    self.shard = shard
    endings = Self.paths(of: shard).reduce(into: [:]) { endings, path in
      endings.merge(Self.unended(in: path), uniquingKeysWith: +)
    }
    let number = Self.count.add(1, ordering: .relaxed).newValue
    path = "\(Self.own(shard))\(number)"
    file = try AppendedFile(path)
    hold = HeldFile(path)
  }

  /// How many processes have ended while they were at work on an input.
  func endings(at number: Int) -> Int { endings[number] ?? 0 }

  /// An input is being begun.
  func begin(_ number: Int) { try? file.append("+\(number)") }

  /// An input has come to its end.
  func end(_ number: Int) { try? file.append("-\(number)") }

  /// Forgets everything but what other processes are at: the shard is done, or the process ends in
  /// good order.
  func remove() {
    Folder.remove(path)
    for path in Self.paths(of: shard) where HeldFile.isLeft(path) { Folder.remove(path) }
  }

  /// Forgets what this process is at.
  ///
  /// - Parameter shard: What the paths of all the shard's journals begin with.
  static func forgetOwn(of shard: String) {
    for path in paths(of: shard) where path.hasPrefix(own(shard)) { Folder.remove(path) }
  }

  private static func own(_ shard: String) -> String { "\(shard)-\(process)-" }

  /// All journals of a shard.
  private static func paths(of shard: String) -> [String] {
    let folder = Folder.parent(of: shard)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.map { "\(folder)/\($0)" }.filter { $0.hasPrefix(shard) }
  }

  /// How often each input was begun and not ended, by a process that has ended.
  private static func unended(in path: String) -> [Int: Int] {
    guard let bytes = try? Files.read(path) else { return [:] }
    // Asked after reading: who is about to write what was not read yet holds the file already.
    guard HeldFile.isLeft(path) else { return [:] }
    var open: [Int: Int] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard let number = Int(line.dropFirst()) else { continue }
      open[number, default: 0] += line.hasPrefix("+") ? 1 : -1
    }
    return open.filter { $0.value > 0 }
  }
}
