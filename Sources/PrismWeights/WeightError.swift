public import PrismFiles
public import PrismTensor

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Why a weights file could not be read, written or fitted to a model.
///
/// Every description is one line that names the file, says what is wrong and what to do about it.
public enum WeightError: Error, Equatable, Sendable {
  /// There is no file at the path.
  case notFound(file: String)
  /// The path leads to a folder or a device instead of a file.
  case notAFile(file: String)
  /// The file has no bytes.
  case empty(file: String)
  /// The system refused to open or map the file.
  case unreadable(file: String, reason: String)
  /// The file ends before what its first bytes or its header announce.
  case cutOff(file: String, needs: UInt64, has: UInt64)
  /// The announced length of the header is beyond the limit.
  case headerTooLong(file: String, length: UInt64)
  /// The header is not what the format prescribes.
  case invalidHeader(file: String, reason: String)
  /// Two tensors of a file, or of what is to be written, have one name.
  case duplicateName(file: String, tensor: String)
  /// The header gives a tensor an element type that the format does not have.
  case unknownType(file: String, tensor: String, type: String)
  /// The shape of a tensor is impossible.
  case invalidShape(file: String, tensor: String, reason: String)
  /// The place of a tensor in the data block is impossible.
  case invalidOffsets(file: String, tensor: String, reason: String)
  /// Bytes remain after the last tensor.
  case trailingBytes(file: String, count: UInt64)
  /// A tensor was asked for whose element type Prism does not compute with.
  case unsupportedType(file: String, tensor: String, type: String)
  /// A weight is infinite or not a number.
  case nonFinite(file: String, tensor: String, index: [Int], value: String)
  /// The tensors of the file are not those of the model.
  case mismatch(file: String, WeightMismatch)
  /// A weight does not fit the element type it is to be stored as.
  case doesNotFit(file: String, tensor: String, index: [Int], value: String, type: String)
  /// The file could not be written; what was there before is untouched.
  case unwritable(file: String, reason: String)
  /// The file, or a tensor in it, is more than a limit allows.
  case beyondLimit(LimitError)
}

/// How the tensors of a file differ from those of a model.
public struct WeightMismatch: Equatable, Sendable {
  /// A tensor whose shape in the file is not the one of the model.
  public struct Misshapen: Equatable, Sendable {
    /// The name of the tensor.
    public let name: String
    /// The shape that the model needs.
    public let expected: Shape
    /// The shape that the file has.
    public let found: Shape

    /// Makes a record of one tensor with another shape.
    public init(name: String, expected: Shape, found: Shape) {
      self.name = name
      self.expected = expected
      self.found = found
    }
  }

  /// The tensors that the model needs and the file lacks, in the order in which the model reads
  /// them.
  public let missing: [String]
  /// The tensors that the file has and the model does not read, sorted.
  public let unexpected: [String]
  /// The tensors that have another shape, in the order in which the model reads them.
  public let misshapen: [Misshapen]

  /// Makes a report of differences.
  public init(missing: [String] = [], unexpected: [String] = [], misshapen: [Misshapen] = []) {
    self.missing = missing
    self.unexpected = unexpected
    self.misshapen = misshapen
  }

  /// Whether nothing differs.
  public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshapen.isEmpty }
}

extension WeightError: CustomStringConvertible {
  /// One line: the file, what is wrong, what to do.
  public var description: String {
    switch self {
    case .notFound(let file):
      "\(Text.printable(file)): no such file; check the path"
    case .notAFile(let file):
      "\(Text.printable(file)): not a file; name the .safetensors file itself"
    case .empty(let file):
      "\(Text.printable(file)): the file is empty; copy or convert it again"
    case .unreadable(let file, let reason):
      "\(Text.printable(file)): cannot be read: \(Text.printable(reason))"
    case .cutOff(let file, let needs, let has):
      "\(Text.printable(file)): the file is cut off: needs \(needs) bytes, has \(has); "
        + "copy or convert it again"
    case .headerTooLong(let file, let length):
      "\(Text.printable(file)): not a safetensors file: its header would be \(length) bytes long, "
        + "the limit is \(SafetensorsFile.headerLimit); convert it with Tools/convert.py"
    case .invalidHeader(let file, let reason):
      "\(Text.printable(file)): not a valid safetensors header: \(reason); "
        + "convert it again with Tools/convert.py"
    case .duplicateName(let file, let tensor):
      "\(Text.printable(file)): two tensors are named \(Text.quoted(tensor)); give each its own name"
    case .unknownType(let file, let tensor, let type):
      "\(Text.printable(file)): tensor \(Text.quoted(tensor)) has the unknown type \(Text.quoted(type)); "
        + "store it as F32 or F16"
    case .invalidShape(let file, let tensor, let reason):
      "\(Text.printable(file)): tensor \(Text.quoted(tensor)) has an impossible shape: \(reason); "
        + "convert it again"
    case .invalidOffsets(let file, let tensor, let reason):
      "\(Text.printable(file)): tensor \(Text.quoted(tensor)) has impossible offsets: \(reason); "
        + "convert it again"
    case .trailingBytes(let file, let count):
      "\(Text.printable(file)): \(plural(count, "byte")) after the last tensor belong to nothing; "
        + "copy or convert it again"
    case .unsupportedType(let file, let tensor, let type):
      "\(Text.printable(file)): tensor \(Text.quoted(tensor)) is stored as \(type), "
        + "which Prism does not read; store it as F32 or F16"
    case .nonFinite(let file, let tensor, let index, let value):
      "\(Text.printable(file)): tensor \(Text.quoted(tensor)) holds \(value) at \(index); "
        + "weights must be finite: use a checkpoint from before training diverged"
    case .mismatch(let file, let mismatch):
      "\(Text.printable(file)): the weights do not fit the model: \(mismatch.summary); "
        + "convert the model again with Tools/convert.py"
    case .doesNotFit(let file, let tensor, let index, let value, let type):
      "\(Text.printable(file)): tensor \(Text.quoted(tensor)) holds \(value) at \(index), "
        + "which \(type) cannot hold; store it as F32"
    case .unwritable(let file, let reason):
      "\(Text.printable(file)): cannot be written: \(Text.printable(reason))"
    case .beyondLimit(let error): error.description
    }
  }
}

extension WeightMismatch: CustomStringConvertible {
  /// The differences in one line, long lists shortened.
  public var description: String { summary }

  var summary: String {
    var parts: [String] = []
    if !missing.isEmpty {
      let shown = missing.prefix(Self.listed).map { name in
        guard let near = Text.nearest(to: name, among: unexpected) else {
          return Text.printable(name)
        }
        return "\(Text.printable(name)) (did you mean \(Text.quoted(near))?)"
      }
      parts.append(Self.list(shown, of: missing.count, "missing"))
    }
    if !misshapen.isEmpty {
      let shown = misshapen.prefix(Self.listed).map {
        "\(Text.printable($0.name)) is \($0.found), not \($0.expected)"
      }
      parts.append(Self.list(shown, of: misshapen.count, "misshapen"))
    }
    if !unexpected.isEmpty {
      let shown = unexpected.prefix(Self.listed).map { Text.printable($0) }
      parts.append(Self.list(shown, of: unexpected.count, "unexpected"))
    }
    return parts.joined(separator: "; ")
  }

  private static let listed = 5

  private static func list(_ shown: [String], of count: Int, _ what: String) -> String {
    let rest = count > shown.count ? " and \(count - shown.count) more" : ""
    return "\(count) \(what): " + shown.joined(separator: ", ") + rest
  }
}

func plural(_ count: UInt64, _ noun: String) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
}

extension WeightError: LocalizedError {
  /// The same line, for those who ask Foundation.
  public var errorDescription: String? { description }
}
