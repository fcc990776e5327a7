public import PrismCard
public import PrismFiles
public import PrismTensor

/// A safetensors file: eight bytes of header length, a JSON header, one block of tensor data.
///
/// Opening checks everything but the weights themselves: the length of the header against the file,
/// the JSON, the names, types and shapes of the tensors, and that their data fill the block without
/// gap or overlap. The weights are looked at when a tensor is taken.
public struct SafetensorsFile: Sendable {
  /// The longest header that is read, in bytes, as in the reference implementation.
  public static let headerLimit = 100_000_000

  /// What the header says about one tensor.
  public struct Entry: Equatable, Sendable {
    /// The name of the tensor.
    public let name: String
    /// The type of its elements, as the format names it (`F32`, `F16`, `I64`).
    public let type: String
    /// Its shape; extents may be zero.
    public let shape: Shape
    /// Where its data lie, in bytes from the start of the file.
    public let range: Range<Int>
  }

  /// The tensors in the order of their data.
  public let entries: [Entry]
  /// The free text under `__metadata__`.
  public let metadata: [String: String]

  private let contents: MappedFile
  private let index: [String: Int]

  /// Opens a file and checks its header.
  ///
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - limits: What it and its tensors may have.
  /// - Throws: A ``WeightError`` that says what is wrong with the file.
  public init(contentsOf path: String, limits: Limits = .current) throws(WeightError) {
    try self.init(MappedFile(contentsOf: path, limits: limits), limits: limits)
  }

  /// Checks the header of a file that is already mapped.
  ///
  /// - Parameters:
  ///   - contents: The bytes of the file.
  ///   - limits: What its tensors may have.
  /// - Throws: A ``WeightError`` that says what is wrong with the file.
  public init(_ contents: MappedFile, limits: Limits = .current) throws(WeightError) {
    let header = try contents.withUnsafeBytes { bytes throws(WeightError) in
      try Header(bytes, file: contents.path)
    }
    for entry in header.entries {
      do {
        try limits.check(
          entry.shape.count, .elements, of: "\(contents.path): \(Text.quoted(entry.name))")
      } catch {
        throw .beyondLimit(error)
      }
    }
    self.contents = contents
    entries = header.entries
    metadata = header.metadata
    index = Dictionary(uniqueKeysWithValues: zip(header.entries.map(\.name), 0...))
  }

  /// The path as it was given.
  public var path: String { contents.path }

  /// The SHA-256 digest of the whole file in hexadecimal digits, computed when first asked for.
  public var sha256: String { contents.sha256 }

  /// The bytes of the file.
  public var mapping: MappedFile { contents }

  /// What the header says about a tensor, or `nil` where there is none of that name.
  public func entry(_ name: String) -> Entry? {
    index[name].map { entries[$0] }
  }

  /// The model card of the file.
  ///
  /// - Throws: `CardError`.
  public func card() throws(CardError) -> ModelCard {
    guard let json = metadata[ModelCard.metadataKey] else { throw .missing(file: path) }
    return try ModelCard(json: json, file: path)
  }

  /// One tensor, its weights checked to be finite.
  ///
  /// F32 is borrowed from the mapping where its place in the file allows, else copied; F16 is
  /// converted.
  ///
  /// - Parameter name: The name of the tensor.
  /// - Returns: The tensor, in the shape that the header gives.
  /// - Throws: `unsupportedType`, `nonFinite`, or `mismatch` where there is no tensor of that name.
  public func tensor(_ name: String) throws(WeightError) -> Tensor {
    guard let entry = entry(name) else {
      throw .mismatch(file: path, WeightMismatch(missing: [name]))
    }
    let tensor = try uncheckedTensor(entry)
    try tensor.checkFinite(name: name, file: path)
    return tensor
  }

  /// Hands the memory of some tensors back to the system; it is read from the file again when they
  /// are looked at.
  ///
  /// Worth calling for weights that have been packed into another layout.
  public func releasePages(of names: [String]) {
    for name in names {
      if let entry = entry(name) { contents.releasePages(entry.range) }
    }
  }

  /// One tensor of this file, its weights not looked at.
  private func uncheckedTensor(_ entry: Entry) throws(WeightError) -> Tensor {
    let shape = entry.shape
    let count = shape.count
    return try contents.withUnsafeBytes { bytes throws(WeightError) in
      let data = UnsafeRawBufferPointer(rebasing: bytes[entry.range])
      guard let start = data.baseAddress else { return Tensor(shape) { _ in } }
      switch entry.type {
      case "F32":
        if Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 {
          contents.prefetch(entry.range)
          let floats = start.assumingMemoryBound(to: Float.self)
          return Tensor(borrowing: floats, shape: shape, owner: contents)
        }
        return Tensor(shape) { UnsafeMutableRawBufferPointer($0).copyMemory(from: data) }
      case "F16":
        return Tensor(shape) { target in
          guard let target = target.baseAddress else { return }
          FloatConversion.widen(start, to: target, count: count)
        }
      default:
        throw .unsupportedType(file: path, tensor: entry.name, type: entry.type)
      }
    }
  }
}

extension Tensor {
  /// Throws where an element is infinite or not a number.
  func checkFinite(name: String, file: String) throws(WeightError) {
    let found: (index: Int, value: Float)? = withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress,
        let index = FloatConversion.firstNonFinite(UnsafeRawPointer(start), count: buffer.count)
      else { return nil }
      return (index, buffer[index])
    }
    guard let found else { return }
    throw .nonFinite(
      file: file, tensor: name, index: shape.coordinates(of: found.index),
      value: found.value.isNaN ? "NaN" : found.value > 0 ? "+infinity" : "-infinity")
  }
}

extension Shape {
  /// The index along every axis of the element at a row-major position.
  func coordinates(of position: Int) -> [Int] {
    var rest = position
    var result: [Int] = []
    for extent in dimensions.reversed() {
      result.append(rest % max(extent, 1))
      rest /= max(extent, 1)
    }
    return result.reversed()
  }
}
