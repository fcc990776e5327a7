public import Prism
internal import Synchronization

/// Takes what became of a shard's inputs in any order, and writes it in that of the inputs.
final class ShardWriter: Sendable {
  /// What became of an input.
  enum Answer: Sendable {
    case result(WorkerResult)
    /// The reason, and whether it may be the machine's, such as a folder that it does not see.
    case failure(String, attempts: Int, isOfMachine: Bool)
  }

  private struct State {
    var waiting: [Int: Answer] = [:]
    /// The input that is written next.
    var next = 0
    var rows = 0
    var evaluations = 0
    /// How many inputs have failed for what may be the machine's reasons.
    var failuresOfMachine = 0
    /// What the shard's record says of failures.
    var failed: [JSON] = []
    var firstFailure = ""
    var error: (any Error)?
    var table: HashedFile
    var maps: HashedFile
  }

  private let run: ShardedRun
  private let shard: Int
  private let addresses: [String]
  private let state: Mutex<State>

  /// Begins the files of a shard, aside.
  ///
  /// - Throws: `FileError.cannotWrite`.
  init(_ run: ShardedRun, shard: Int, addresses: [String]) throws {
    self.run = run
    self.shard = shard
    self.addresses = addresses
    let path = "\(run.folder)/shards/\(ShardedRun.name(shard))"
    let table = try HashedFile("\(path).jsonl")
    do {
      state = Mutex(State(table: table, maps: try HashedFile("\(path).maps")))
    } catch {
      table.discard()
      throw error
    }
  }

  /// Why something could not be written.
  var error: (any Error)? { state.withLock { $0.error } }

  /// Takes what became of an input.
  ///
  /// - Parameters:
  ///   - answer: What became of it.
  ///   - number: The input's place in the shard.
  /// - Returns: How many inputs were written by that, and how many are altogether.
  func add(_ answer: Answer, at number: Int) -> (new: Int, all: Int) {
    state.withLock { state in
      state.waiting[number] = answer
      let before = state.next
      while let answer = state.waiting.removeValue(forKey: state.next) {
        do {
          if state.error == nil { try write(answer, addresses[state.next], &state) }
        } catch {
          state.error = error
        }
        state.next += 1
      }
      return (state.next - before, state.next)
    }
  }

  private func write(_ answer: Answer, _ address: String, _ state: inout State) throws {
    switch answer {
    case .failure(let reason, let attempts, let isOfMachine):
      if isOfMachine {
        if state.failuresOfMachine == 0 { state.firstFailure = reason }
        state.failuresOfMachine += 1
      }
      state.failed.append([
        "address": .string(address), "attempts": .integer(attempts), "error": .string(reason),
      ])
    case .result(let result):
      let entries = result.document["explanations"]?.elements ?? []
      for (map, explanation) in zip(result.maps, entries) {
        let row = try row(map, explanation, of: result, address, &state)
        try state.table.append(Array((row.description + "\n").utf8))
        state.rows += 1
      }
      for failure in result.document["failures"]?.elements ?? [] {
        state.failed.append([
          "address": .string(address), "attempts": .integer(1),
          "error": failure["reason"] ?? .null, "method": failure["method"] ?? .null,
        ])
      }
      state.evaluations += result.evaluations
    }
  }

  /// Writes a map, and makes the line of its explanation.
  private func row(
    _ map: InputResults.Map, _ explanation: JSON, of result: WorkerResult, _ address: String,
    _ state: inout State
  ) throws -> JSON {
    var bytes: [UInt8] = []
    _ = run.manifest.maps.append(map.values, to: &bytes)
    let offset = state.maps.count
    try state.maps.append(bytes)
    let top = result.document["predictions"]?.elements.first
    let elsewhere: Set<String> = ["method", "window", "files"]
    let diagnostics = try explanation.members(of: "an explanation")
      .filter { !elsewhere.contains($0.name) }
    let window = explanation["window"]?.elements ?? []
    let extents = map.values.shape.dimensions
    let hasMap = run.manifest.maps != .none
    return [
      "address": .string(address), "sha256": .string(result.digest), "key": .string(result.key),
      "method": .string(map.method), "label": .string(map.target.label),
      "start": window.first ?? .null, "end": window.last ?? .null,
      "prediction": top?["label"] ?? .null, "probability": top?["probability"] ?? .null,
      "height": hasMap ? .integer(extents.first ?? 0) : .null,
      "width": hasMap ? .integer(extents.last ?? 0) : .null,
      "type": hasMap ? .string(run.manifest.maps.rawValue) : .null,
      "offset": hasMap ? .integer(offset) : .null, "bytes": hasMap ? .integer(bytes.count) : .null,
      "diagnostics": .object(diagnostics),
    ]
  }

  /// Puts the files in their places, and writes that the shard is done.
  ///
  /// - Returns: What the shard holds.
  /// - Throws: ``RunError/allFailed(shard:inputs:first:)``, `FileError.cannotWrite`.
  func finish() throws -> ShardRecord {
    try state.withLock { state in
      do {
        if let error = state.error { throw error }
        if state.failuresOfMachine == addresses.count, !addresses.isEmpty {
          throw RunError.allFailed(
            shard: shard, inputs: addresses.count, first: state.firstFailure)
        }
        let maps = try state.maps.commit()
        let record = ShardRecord(
          shard: shard, inputs: addresses.count, rows: state.rows, failed: state.failed,
          evaluations: state.evaluations, table: try state.table.commit(), maps: maps)
        var done = try HashedFile(run.donePath(shard))
        do {
          try done.append(Array((record.json.description + "\n").utf8))
          _ = try done.commit()
        } catch {
          done.discard()
          throw error
        }
        return record
      } catch {
        Self.discard(&state)
        throw error
      }
    }
  }

  /// Forgets what was written.
  func discard() { state.withLock { Self.discard(&$0) } }

  private static func discard(_ state: inout State) {
    state.table.discard()
    state.maps.discard()
  }
}

/// What a finished shard holds.
public struct ShardRecord: Sendable {
  /// The digest and the size of a file.
  struct Contents: Sendable {
    let sha256: String
    let count: Int
  }

  /// Which shard.
  public let shard: Int
  /// How many inputs it has.
  public let inputs: Int
  /// How many explanations there are.
  public let rows: Int
  /// The inputs, and methods of inputs, that failed: each with its error and the attempts.
  public let failed: [JSON]
  /// How often the model was evaluated.
  public let evaluations: Int
  let table: Contents
  let maps: Contents

  /// The record with its members in order, as `prism_distributed` reads it too.
  var json: JSON {
    [
      "evaluations": .integer(evaluations), "failed": .array(failed), "inputs": .integer(inputs),
      "maps": ["bytes": .integer(maps.count), "sha256": .string(maps.sha256)],
      "rows": .integer(rows), "sha256": .string(table.sha256), "shard": .integer(shard),
      "size": .integer(table.count + maps.count),
    ]
  }
}

/// A file that is written aside, with the digest of what was written.
struct HashedFile: Sendable {
  private let file: AsideFile
  private var digest = SHA256()
  /// How many bytes were written.
  private(set) var count = 0

  /// - Throws: `FileError.cannotWrite`.
  init(_ path: String) throws(FileError) { file = try AsideFile(for: path) }

  /// Writes bytes after those before.
  ///
  /// - Throws: `FileError.cannotWrite`.
  mutating func append(_ bytes: [UInt8]) throws {
    try unsafe bytes.withUnsafeBytes { source in
      try unsafe file.append(source)
      unsafe digest.update(source)
    }
    count += bytes.count
  }

  /// Brings the file to the disk and puts it in its place.
  ///
  /// - Returns: What it holds.
  /// - Throws: `FileError.cannotWrite`.
  mutating func commit() throws -> ShardRecord.Contents {
    try file.commit(isDurable: true)
    return ShardRecord.Contents(sha256: digest.hexadecimalDigest(), count: count)
  }

  /// Removes what was written.
  func discard() { file.discard() }
}
