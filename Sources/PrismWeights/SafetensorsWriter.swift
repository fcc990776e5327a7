public import PrismCard
internal import PrismFiles
public import PrismTensor

/// Writes a safetensors file.
///
/// Equal contents give equal bytes: tensors lie in the order of type (F32 before F16) and name,
/// metadata in the order of their keys. The data begin at a multiple of 64 bytes.
public struct SafetensorsWriter: Sendable {
  /// How the elements of a tensor are stored.
  public enum ElementType: String, Sendable, CaseIterable {
    /// Four bytes.
    case float32 = "F32"
    /// Two bytes; numbers are rounded to the nearest, and those beyond ±65504 are refused.
    case float16 = "F16"
  }

  /// The free text under `__metadata__`.
  public var metadata: [String: String]

  private var tensors: [(name: String, tensor: Tensor, type: ElementType)] = []

  /// Makes a writer without tensors.
  public init(metadata: [String: String] = [:]) {
    self.metadata = metadata
  }

  /// Makes a writer whose file carries a model card.
  public init(card: ModelCard) {
    self.init(metadata: [ModelCard.metadataKey: card.json])
  }

  /// Adds a tensor.
  ///
  /// - Parameters:
  ///   - name: Its name, which no other tensor of the file has.
  ///   - tensor: The tensor.
  ///   - type: How its elements are stored.
  public mutating func add(_ name: String, _ tensor: Tensor, as type: ElementType = .float32) {
    tensors.append((name, tensor, type))
  }

  /// Writes the file: aside in the same folder first, then in place of what is there.
  ///
  /// - Parameter path: The path of the file.
  /// - Throws: ``WeightError``: `duplicateName`, `nonFinite`, `doesNotFit` or `unwritable`; nothing
  ///   is left behind then.
  public func write(to path: String) throws {
    let layout = try layout(file: path)
    do {
      let aside = try AsideFile(for: path)
      do {
        try emit(layout, file: path) { try aside.append($0) }
        try aside.commit(isDurable: true)
      } catch {
        aside.discard()
        throw error
      }
    } catch FileError.cannotWrite(_, let reason) {
      throw WeightError.unwritable(file: path, reason: reason)
    }
  }

  /// The bytes of the file.
  ///
  /// - Throws: ``WeightError``: `duplicateName`, `nonFinite` or `doesNotFit`.
  public func bytes() throws -> [UInt8] {
    let file = "weights in memory"
    var result: [UInt8] = []
    try emit(layout(file: file), file: file) { result.append(contentsOf: $0) }
    return result
  }

  // MARK: - Layout

  private struct Layout {
    let header: [UInt8]
    let order: [Int]
  }

  private func layout(file: String) throws(WeightError) -> Layout {
    let order = tensors.indices.sorted {
      let (a, b) = (tensors[$0], tensors[$1])
      return a.type == b.type ? a.name < b.name : a.type == .float32
    }
    var members: [JSON.Member] = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key < $1.key }
      let object = sorted.map { JSON.Member(name: $0.key, value: .string($0.value)) }
      members.append(.init(name: "__metadata__", value: .object(object)))
    }
    var names: Set<String> = ["__metadata__"]
    var position = 0
    for i in order {
      let (name, tensor, type) = tensors[i]
      guard names.insert(name).inserted else { throw .duplicateName(file: file, tensor: name) }
      try tensor.checkFinite(name: name, file: file)
      let end = position + tensor.count * (type == .float32 ? 4 : 2)
      members.append(
        .init(
          name: name,
          value: .object([
            .init(name: "dtype", value: .string(type.rawValue)),
            .init(name: "shape", value: .array(tensor.shape.dimensions.map(JSON.integer))),
            .init(name: "data_offsets", value: .array([.integer(position), .integer(end)])),
          ])))
      position = end
    }
    var text = Array(JSON.object(members).description.utf8)
    while (8 + text.count) % 64 != 0 { text.append(UInt8(ascii: " ")) }
    guard text.count <= SafetensorsFile.headerLimit else {
      throw .headerTooLong(file: file, length: UInt64(text.count))
    }
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    return Layout(header: length + text, order: order)
  }

  private func emit(
    _ layout: Layout, file: String,
    _ append: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try Self.withBytes(of: layout.header, append)
    for i in layout.order {
      let (name, tensor, type) = tensors[i]
      try tensor.withUnsafeBufferPointer { floats in
        switch type {
        case .float32: try append(UnsafeRawBufferPointer(floats))
        case .float16:
          var chunk: [UInt16] = []
          for (position, value) in floats.enumerated() {
            guard let half = FloatConversion.narrowed(value) else {
              throw WeightError.doesNotFit(
                file: file, tensor: name, index: tensor.shape.coordinates(of: position),
                value: "\(value)", type: type.rawValue)
            }
            chunk.append(half.littleEndian)
            if chunk.count == 32768 {
              try Self.withBytes(of: chunk, append)
              chunk.removeAll(keepingCapacity: true)
            }
          }
          try Self.withBytes(of: chunk, append)
        }
      }
    }
  }

  private static func withBytes<Element>(
    of array: [Element], _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try array.withUnsafeBufferPointer { elements in
      try body(UnsafeRawBufferPointer(elements))
    }
  }
}
