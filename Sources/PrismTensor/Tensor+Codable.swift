extension Shape: Codable {
  /// Reads the extents.
  ///
  /// - Throws: `DecodingError` where an extent is negative or the number of elements does not fit
  ///   an `Int`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let extents = try container.decode([Int].self)
    guard Shape(extents.map { max($0, 1) }).isValid, extents.allSatisfy({ $0 >= 0 }) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(extents) are not the extents of a tensor")
    }
    self.init(extents)
  }

  /// Writes the extents as an array.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }
}

extension Tensor: Codable {
  private enum CodingKeys: String, CodingKey {
    case shape, float32
  }

  /// Reads the shape and the elements: every bit is as it was, NaN's too.
  ///
  /// - Throws: `DecodingError` where the elements are no Base64 or do not fill the shape.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let shape = try container.decode(Shape.self, forKey: .shape)
    let text = try container.decode(String.self, forKey: .float32)
    guard let bytes = Base64.decode(text), bytes.count == 4 * shape.count else {
      throw DecodingError.dataCorruptedError(
        forKey: .float32, in: container,
        debugDescription: "the elements do not fill the shape \(shape); "
          + "they are Base64 of little-endian 32-bit numbers")
    }
    self.init(shape) { target in
      for i in target.indices {
        let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * i + $1]) << UInt32(8 * $1) }
        target[i] = Float(bitPattern: bits)
      }
    }
  }

  /// Writes the shape, and the elements as Base64 of little-endian 32-bit numbers under `float32`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(shape, forKey: .shape)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * count)
    withUnsafeBufferPointer { elements in
      for element in elements {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
          bytes.append(UInt8(truncatingIfNeeded: element.bitPattern >> shift))
        }
      }
    }
    try container.encode(Base64.encode(bytes), forKey: .float32)
  }
}
