internal import Prism

/// A run over many inputs, on disk: what is to be done, divided into shards, and what is done.
///
///     manifest.json        what the results depend on, and how many shards there are
///     inputs.jsonl         all inputs in the order of their addresses, each with its shard
///     inputs.index.json    where the lines of each shard begin
///     shards/00000.jsonl   a line an explanation, and where among the maps its map is
///     shards/00000.maps    the maps, one after the other
///     done/00000.json      what the shard holds, with digests: written last
///
/// A shard is done where its file in `done` is there. Each file is written aside, brought to the
/// disk and renamed; what several processes write of a shard is the same bytes.
public struct ShardedRun: Sendable {
  /// The folder.
  public let folder: String
  /// What the results depend on.
  public let manifest: RunManifest

  /// Opens a run as it was planned, and plans it where nobody has.
  ///
  /// - Parameters:
  ///   - folder: The folder of the run, made if missing.
  ///   - wanted: What is asked for; its `inputs` and `list` do not matter.
  ///   - list: Lists the addresses of the inputs, where that has not been done: paths from the
  ///     manifest's `root`, in any order.
  /// - Throws: ``RunError``, `FileError`; what `list` throws.
  init(_ folder: String, _ wanted: RunManifest, listing list: () throws -> [String]) throws {
    self.folder = folder
    for name in ["", "/shards", "/done"] {
      try Folder.make(folder + name)
      Leftovers.clear(in: folder + name)
    }
    if !Folder.exists("\(folder)/manifest.json") {
      try Self.plan(folder, wanted, try list())
    }
    // What is there counts, whoever was first.
    let path = "\(folder)/manifest.json"
    manifest = try RunManifest(try Self.json(path), path: path)
    let differences = wanted.differences(from: manifest)
    guard differences.isEmpty else { throw RunError.other(folder, differences: differences) }
  }

  /// Writes the manifest and the list of inputs.
  private static func plan(_ folder: String, _ wanted: RunManifest, _ inputs: [String]) throws {
    let each = Dictionary(inputs.map { (PathKey($0), $0) }, uniquingKeysWith: { first, _ in first })
    let sorted = each.values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var manifest = wanted
    manifest.inputs = sorted.count
    let size = manifest.shardSize
    var text: [UInt8] = []
    var index: [JSON] = []
    for shard in 0..<manifest.shards {
      index.append(.integer(text.count))
      for address in sorted.dropFirst(shard * size).prefix(size) {
        let line: JSON = ["address": .string(address), "shard": .integer(shard)]
        text += Array((line.description + "\n").utf8)
      }
    }
    index.append(.integer(text.count))
    manifest.list = SHA256.hexadecimalDigest(of: text)
    var files = FileSet()
    do {
      try files.add(text, for: "\(folder)/inputs.jsonl")
      try files.add(lines(.array(index)), for: "\(folder)/inputs.index.json")
      try files.add(lines(manifest.json), for: "\(folder)/manifest.json")
      try files.commit()
    } catch {
      files.discard()
      throw error
    }
  }

  private static func lines(_ json: JSON) -> [UInt8] { Array((json.description + "\n").utf8) }

  private static func json(_ path: String) throws -> JSON {
    let bytes = try Files.read(path)
    do { return try JSON(utf8: bytes) } catch { throw RunError.damaged(path, reason: "\(error)") }
  }

  /// The name of a shard's files.
  static func name(_ shard: Int) -> String {
    let digits = String(shard)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// The path of what a shard holds.
  func donePath(_ shard: Int) -> String { "\(folder)/done/\(Self.name(shard)).json" }

  /// The shards that are not done, in order.
  public var remaining: [Int] {
    (0..<manifest.shards).filter { !Folder.exists(donePath($0)) }
  }

  /// The addresses of a shard's inputs, read from its part of the list alone.
  ///
  /// - Throws: ``RunError``, `FileError`.
  func addresses(of shard: Int) throws -> [String] {
    let index = "\(folder)/inputs.index.json"
    let starts = try Self.json(index).elements.map { $0.double.flatMap { Int(exactly: $0) } ?? -1 }
    let path = "\(folder)/inputs.jsonl"
    let list = try MappedFile(contentsOf: path)
    guard starts.count == manifest.shards + 1, starts[shard] >= 0,
      starts[shard] <= starts[shard + 1], starts[shard + 1] <= list.count
    else { throw RunError.damaged(index, reason: "it does not fit the list") }
    let text = unsafe list.withUnsafeBytes {
      unsafe Array($0[starts[shard]..<starts[shard + 1]])
    }
    return try text.split(separator: UInt8(ascii: "\n")).map { line in
      guard let json = try? JSON(utf8: Array(line)), let address = json["address"]?.string,
        json["shard"] == .integer(shard)
      else { throw RunError.damaged(path, reason: "a line of shard \(shard) is not understood") }
      return address
    }
  }
}

extension RunManifest {
  /// How many inputs a shard has; the last ones may have fewer.
  var shardSize: Int { (inputs + shards - 1) / shards }
}
