public import Prism

/// What the results of a run over many inputs depend on, and how it is divided: `manifest.json`, the
/// same for all programs that work on the run.
public struct RunManifest: Sendable, Equatable {
  /// The version of the folder's layout.
  public static let version = 1
  /// The order of the inputs.
  static let order = "sorted by address (UTF-8 bytes)"

  /// The version of Prism.
  public var prism = PrismVersion.current
  /// The instruction set, as `Instructions.current` has it.
  public var instructions: String
  /// The model's name.
  public var modelName: String
  /// The digest of the model's file.
  public var modelDigest: String
  /// What is asked of every input, in its one form.
  public var request: JSON
  /// How maps are written.
  public var maps: MapType
  /// How many shards there are.
  public var shards: Int
  /// How many inputs there are.
  public var inputs: Int
  /// The digest of the list of inputs.
  public var list: String
  /// The folder that the addresses lead from.
  public var root: String

  /// The manifest as JSON, with its members in order.
  var json: JSON {
    [
      "inputs": .integer(inputs), "instructions": .string(instructions), "list": .string(list),
      "maps": .string(maps.rawValue),
      "model": ["digest": .string(modelDigest), "name": .string(modelName)],
      "order": .string(Self.order), "pictures": .bool(false), "prism": .string(prism),
      "request": request, "shards": .integer(shards),
      "source": ["kind": .string("folder"), "root": .string(root)],
      "version": .integer(Self.version),
    ]
  }

  /// Makes a manifest.
  init(
    model: (name: String, digest: String), request: JSON, maps: MapType, shards: Int, inputs: Int,
    list: String, root: String, instructions: String
  ) {
    (modelName, modelDigest) = model
    self.request = request
    self.maps = maps
    self.shards = shards
    self.inputs = inputs
    self.list = list
    self.root = root
    self.instructions = instructions
  }

  /// Reads a manifest.
  ///
  /// - Parameters:
  ///   - json: The contents of its file.
  ///   - path: The file.
  /// - Throws: ``RunError``.
  init(_ json: JSON, path: String) throws(RunError) {
    func damaged(_ name: String) -> RunError {
      .damaged(path, reason: "it says nothing that is understood of \(name)")
    }
    func text(_ value: JSON?, _ name: String) throws(RunError) -> String {
      guard let text = value?.string else { throw damaged(name) }
      return text
    }
    func count(_ name: String) throws(RunError) -> Int {
      guard case .integer(let count) = json[name] ?? .null, count > 0 else { throw damaged(name) }
      return count
    }
    guard json["version"] == .integer(Self.version) else { throw damaged("version") }
    guard json["source"]?["kind"] == .string("folder") else { throw .otherSource(path) }
    guard let maps = MapType(rawValue: try text(json["maps"], "maps")) else {
      throw damaged("maps")
    }
    guard case .object? = json["request"], let request = json["request"] else {
      throw damaged("request")
    }
    self.init(
      model: (
        try text(json["model"]?["name"], "model"), try text(json["model"]?["digest"], "model")
      ),
      request: request, maps: maps, shards: try count("shards"), inputs: try count("inputs"),
      list: try text(json["list"], "list"), root: try text(json["source"]?["root"], "source"),
      instructions: try text(json["instructions"], "instructions"))
    prism = try text(json["prism"], "prism")
  }

  /// What of this manifest is not as in another, in words; the list of inputs and the model's name
  /// may differ.
  func differences(from other: RunManifest) -> [String] {
    var names: [String] = []
    if prism != other.prism { names.append("the version of Prism (\(prism))") }
    if instructions != other.instructions {
      names.append("the instruction set (\(instructions); PRISM_ISA chooses one)")
    }
    if modelDigest != other.modelDigest { names.append("the model (\(modelName))") }
    if request != other.request { names.append("the request") }
    if maps != other.maps { names.append("the maps (\(maps.rawValue))") }
    if shards != other.shards { names.append("the number of shards (\(shards))") }
    if root != other.root { names.append("the folder of inputs (\(root))") }
    return names
  }
}

/// Why a run over many inputs cannot go on.
public enum RunError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file of the run is not what was written.
  case damaged(String, reason: String)
  /// The run is of other choices.
  case other(String, differences: [String])
  /// The run's inputs are no files of a folder.
  case otherSource(String)
  /// There is no such shard.
  case noShard(Int, of: Int)
  /// More shards than there may be.
  case shards(Int)
  /// No input of a shard could be read, or had the memory and time that it needs; with the reason
  /// of the first.
  case allFailed(shard: Int, inputs: Int, first: String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .damaged(let path, let reason):
      "\(path): \(reason); give another --output, or remove the folder to begin anew"
    case .other(let folder, let differences):
      "\(folder) holds a run that differs in \(differences.joined(separator: ", ")); ask for the "
        + "same, or give another --output"
    case .otherSource(let path):
      "\(path) is of a run whose inputs are no files of a folder; prism_distributed goes on with it"
    case .noShard(let index, let count):
      "there is no shard \(index); \(count) shards are counted from 0 to \(count - 1)"
    case .shards(let count): "--of is \(count); it must be from 1 to 99999"
    case .allFailed(let shard, let inputs, let first):
      "none of the \(inputs) inputs of shard \(shard) could be explained on this machine, so it is "
        + "not done: \(first)"
    }
  }
}
