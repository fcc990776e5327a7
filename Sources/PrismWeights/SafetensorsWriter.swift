public import PrismTensor

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Writes a safetensors file.
///
/// Equal contents give equal bytes: tensors lie in the order of type (F32 before F16) and name, metadata in the
/// order of their keys. The data begin at a multiple of 64 bytes.
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
  /// - Throws: `duplicateName`, `nonFinite`, `doesNotFit` or `unwritable`; nothing is left behind then.
  public func write(to path: String) throws(WeightError) {
    let layout = try layout(file: path)
    let aside = try AsideFile(for: path)
    do throws(WeightError) {
      try emit(layout, file: path) { bytes throws(WeightError) in try aside.append(bytes) }
      try aside.commit()
    } catch {
      aside.discard()
      throw error
    }
  }

  /// The bytes of the file.
  ///
  /// - Throws: `duplicateName`, `nonFinite` or `doesNotFit`.
  public func bytes() throws(WeightError) -> [UInt8] {
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
    _ append: (UnsafeRawBufferPointer) throws(WeightError) -> Void
  ) throws(WeightError) {
    try Self.withBytes(of: layout.header, append)
    for i in layout.order {
      let (name, tensor, type) = tensors[i]
      try tensor.withUnsafeBufferPointer { floats throws(WeightError) in
        switch type {
        case .float32: try append(UnsafeRawBufferPointer(floats))
        case .float16:
          var chunk: [UInt16] = []
          for (position, value) in floats.enumerated() {
            guard let half = FloatConversion.narrowed(value) else {
              throw .doesNotFit(
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
    of array: [Element], _ body: (UnsafeRawBufferPointer) throws(WeightError) -> Void
  ) throws(WeightError) {
    try array.withUnsafeBufferPointer { elements throws(WeightError) in
      try body(UnsafeRawBufferPointer(elements))
    }
  }
}

/// A file that is written beside its final place and appears there whole or not at all.
private struct AsideFile {
  private let path: String
  private let aside: String
  private let descriptor: Int32

  init(for path: String) throws(WeightError) {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ""
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    var status = stat()
    if name.isEmpty || (stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG) {
      throw .unwritable(file: path, reason: "not a file; give the path of the file to write")
    }
    var attempt = 0
    while true {
      // Names may be as long as the system allows, so this one does not build on it.
      let candidate = "\(folder).prism-\(getpid())-\(attempt).part"
      let descriptor = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        self.path = path
        aside = candidate
        self.descriptor = descriptor
        return
      }
      attempt += 1
      guard errno == EEXIST, attempt < 1000 else {
        throw .unwritable(file: path, reason: systemMessage())
      }
    }
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(WeightError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let written = write(descriptor, part.baseAddress, min(part.count, 1 << 24))
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw failure() }
      rest = rest.dropFirst(written)
    }
  }

  /// Puts the file in its place.
  func commit() throws(WeightError) {
    // Only when the system is told to finish may the disk turn out to be full.
    guard fsync(descriptor) == 0, rename(aside, path) == 0 else { throw failure() }
    close(descriptor)
  }

  func discard() {
    close(descriptor)
    unlink(aside)
  }

  private func failure() -> WeightError { .unwritable(file: path, reason: systemMessage()) }
}
