public import PrismFiles
public import PrismTensor

/// NumPy's `.npy` files.
public enum ArrayFile {
  /// A tensor as the contents of a version 1.0 file: little-endian `float32` in C order.
  public static func data(_ tensor: Tensor) -> [UInt8] {
    let extents = tensor.shape.dimensions.map(String.init)
    let shape = extents.count == 1 ? "(\(extents[0]),)" : "(\(extents.joined(separator: ", ")))"
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    // The data begins at a multiple of 64 bytes.
    let length = (10 + header.utf8.count + 1 + 63) / 64 * 64 - 10
    header += String(repeating: " ", count: length - header.utf8.count - 1) + "\n"
    var bytes = magic + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
    bytes.reserveCapacity(10 + length + 4 * tensor.count)
    bytes += header.utf8
    tensor.appendLittleEndian(to: &bytes)
    return bytes
  }

  /// Writes a tensor; the file appears whole or not at all.
  ///
  /// - Throws: `FileError.cannotWrite`.
  public static func write(_ tensor: Tensor, to path: String) throws(FileError) {
    try AtomicFile.write(data(tensor), to: path)
  }

  /// Reads numbers of any of the supported types as `Float`.
  ///
  /// The types are `float32`, `float64`, `uint8`, `int8`, `int16`, `int32`, `int64` and `bool`,
  /// little-endian.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limits: What it may have.
  /// - Returns: The numbers in the file's shape.
  /// - Throws: `FileError.notFound`, `.unreadable`, `.malformed`, `.beyondLimit`.
  public static func tensor(
    contentsOf path: String, limits: Limits = .current
  ) throws(FileError) -> Tensor {
    try tensor(decoding: try Files.read(path, limits: limits), name: path, limits: limits)
  }

  /// Decodes the contents of a file as `tensor(contentsOf:)` does.
  ///
  /// - Throws: `FileError.malformed`, `.beyondLimit`.
  public static func tensor(
    decoding bytes: [UInt8], name: String = "array data", limits: Limits = .current
  ) throws(FileError) -> Tensor {
    let array = try parse(bytes, name: name, limits)
    return bytes.withUnsafeBytes { source in
      Tensor(array.shape) { target in
        for (to, from) in array.offsets.enumerated() {
          target[to] =
            switch array.kind {
            case .float32: Float(bitPattern: UInt32(littleEndian: source.value(at: from)))
            case .float64: Float(Double(bitPattern: UInt64(littleEndian: source.value(at: from))))
            default: Float(array.kind.integer(at: from, in: source))
            }
        }
      }
    }
  }

  /// Reads whole numbers, such as a map of segment labels.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limits: What it may have.
  /// - Returns: The shape, and the numbers in C order.
  /// - Throws: `FileError.notFound`, `.unreadable`, `.malformed` (also where the file holds
  ///   floating-point numbers), `.beyondLimit`.
  public static func integers(
    contentsOf path: String, limits: Limits = .current
  ) throws(FileError) -> (shape: Shape, values: [Int]) {
    try integers(decoding: try Files.read(path, limits: limits), name: path, limits: limits)
  }

  /// Decodes the contents of a file as `integers(contentsOf:)` does.
  ///
  /// - Throws: `FileError.malformed`, `.beyondLimit`.
  public static func integers(
    decoding bytes: [UInt8], name: String = "array data", limits: Limits = .current
  ) throws(FileError) -> (shape: Shape, values: [Int]) {
    let array = try parse(bytes, name: name, limits)
    guard array.kind != .float32, array.kind != .float64 else {
      throw .malformed(name, reason: "holds \(array.kind) where whole numbers are needed")
    }
    let values = bytes.withUnsafeBytes { source in
      array.offsets.map { Int(array.kind.integer(at: $0, in: source)) }
    }
    return (array.shape, values)
  }

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  private enum Kind: String, CaseIterable {
    case float32 = "<f4"
    case float64 = "<f8"
    case uint8 = "|u1"
    case int8 = "|i1"
    case int16 = "<i2"
    case int32 = "<i4"
    case int64 = "<i8"
    case bool = "|b1"

    var size: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .int16: 2
      case .float32, .int32: 4
      case .float64, .int64: 8
      }
    }

    func integer(at offset: Int, in bytes: UnsafeRawBufferPointer) -> Int64 {
      switch self {
      case .uint8: Int64(bytes[offset])
      case .bool: bytes[offset] == 0 ? 0 : 1
      case .int8: Int64(Int8(bitPattern: bytes[offset]))
      case .int16: Int64(Int16(littleEndian: bytes.value(at: offset)))
      case .int32: Int64(Int32(littleEndian: bytes.value(at: offset)))
      case .int64: Int64(littleEndian: bytes.value(at: offset))
      case .float32, .float64: 0
      }
    }
  }

  private struct Parsed {
    var kind: Kind
    var shape: Shape
    /// Where each element is, in C order.
    var offsets: [Int]
  }

  private static func parse(
    _ bytes: [UInt8], name: String, _ limits: Limits
  ) throws(FileError) -> Parsed {
    func malformed(_ reason: String) -> FileError { .malformed(name, reason: reason) }
    guard bytes.starts(with: magic) else { throw malformed("not a NumPy .npy file") }
    guard bytes.count >= 12 else { throw malformed("the file is cut off in its header") }
    let start: Int
    let length: Int
    switch bytes[6] {
    case 1:
      start = 10
      length = Int(bytes[8]) | Int(bytes[9]) << 8
    case 2, 3:
      start = 12
      length =
        Int(bytes[8]) | Int(bytes[9]) << 8 | Int(bytes[10]) << 16 | Int(bytes[11]) << 24
    default: throw malformed("version \(bytes[6]) of the .npy format is unknown")
    }
    guard length <= bytes.count - start else {
      throw malformed("the file is cut off in its header")
    }
    // A shape of 32 axes needs less than 1 kB.
    guard length <= 4096, var header = HeaderScanner(bytes[start..<(start + length)]).fields()
    else {
      throw malformed("the header is not one that NumPy writes")
    }
    // One byte has no order: NumPy writes a bar, but others write it as they please.
    if header.type.hasSuffix("1") { header.type = "|" + header.type.dropFirst() }
    guard let kind = Kind(rawValue: header.type) else {
      throw malformed(
        "numbers of type '\(header.type)' are not supported; save them as float32 or int32")
    }
    let shape = Shape(header.shape)
    guard shape.isValid else { throw malformed("the shape \(shape) is empty or too large") }
    do { try limits.check(shape.count, .elements, of: name) } catch { throw .beyondLimit(error) }
    let (size, overflow) = shape.count.multipliedReportingOverflow(by: kind.size)
    let first = start + length
    guard !overflow, size == bytes.count - first else {
      throw malformed("\(bytes.count - first) bytes of data do not fill \(shape) of \(kind)")
    }

    guard header.isFortranOrder, shape.rank > 1 else {
      return Parsed(
        kind: kind, shape: shape,
        offsets: (0..<shape.count).map { first + $0 * kind.size })
    }
    var strides = [1]
    for extent in header.shape.dropLast() { strides.append(strides[strides.count - 1] * extent) }
    let offsets = (0..<shape.count).map { index in
      var rest = index
      var position = 0
      for axis in header.shape.indices.reversed() {
        position += rest % header.shape[axis] * strides[axis]
        rest /= header.shape[axis]
      }
      return first + position * kind.size
    }
    return Parsed(kind: kind, shape: shape, offsets: offsets)
  }
}

/// Reads the header's Python dictionary, of exactly the form that NumPy writes (in any order of
/// keys).
private struct HeaderScanner {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  func fields() -> (type: String, isFortranOrder: Bool, shape: [Int])? {
    var scanner = self
    var type: String?
    var order: Bool?
    var shape: [Int]?
    guard scanner.take("{") else { return nil }
    while !scanner.take("}") {
      guard let key = scanner.string(), scanner.take(":") else { return nil }
      switch key {
      case "descr" where type == nil: type = scanner.string()
      case "fortran_order" where order == nil:
        order = scanner.take("True") ? true : scanner.take("False") ? false : nil
      case "shape" where shape == nil: shape = scanner.tuple()
      default: return nil
      }
      if !scanner.take(",") {
        guard scanner.take("}") else { return nil }
        break
      }
    }
    scanner.skipSpace()
    guard scanner.rest.isEmpty, let type, let order, let shape else { return nil }
    return (type, order, shape)
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
  }

  private mutating func take(_ word: String) -> Bool {
    skipSpace()
    guard rest.starts(with: word.utf8) else { return false }
    rest = rest.dropFirst(word.utf8.count)
    return true
  }

  private mutating func string() -> String? {
    let quote: UInt8 = take("'") ? UInt8(ascii: "'") : UInt8(ascii: "\"")
    if quote == UInt8(ascii: "\""), !take("\"") { return nil }
    guard let end = rest.firstIndex(of: quote) else { return nil }
    defer { rest = rest[rest.index(after: end)...] }
    let text = rest[..<end]
    return text.allSatisfy { (0x20..<0x7F).contains($0) }
      ? String(decoding: text, as: UTF8.self) : nil
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var values: [Int] = []
    while !take(")") {
      skipSpace()
      let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard values.count < 32, let value = Int(String(decoding: digits, as: UTF8.self)) else {
        return nil
      }
      rest = rest.dropFirst(digits.count)
      values.append(value)
      if !take(",") { return take(")") ? values : nil }
    }
    return values
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func value<Value: BitwiseCopyable>(at offset: Int) -> Value {
    loadUnaligned(fromByteOffset: offset, as: Value.self)
  }
}
