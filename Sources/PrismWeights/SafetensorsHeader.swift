internal import PrismFiles
internal import PrismTensor

extension SafetensorsFile {
  /// The checked contents of a header.
  struct Header {
    var entries: [Entry] = []
    var metadata: [String: String] = [:]

    /// Bits per element of every type of the format; the types of less than a byte included.
    static let types: [String: Int] = [
      "BOOL": 8, "U8": 8, "I8": 8, "I16": 16, "U16": 16, "I32": 32, "U32": 32, "I64": 64, "U64": 64,
      "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
      "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64,
    ]

    /// Reads and checks the header of a file.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws(WeightError) {
      guard !bytes.isEmpty else { throw .empty(file: file) }
      guard bytes.count >= 8 else { throw .cutOff(file: file, needs: 8, has: UInt64(bytes.count)) }
      let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
      guard length <= SafetensorsFile.headerLimit else {
        throw .headerTooLong(file: file, length: length)
      }
      let start = 8 + Int(length)
      guard start <= bytes.count else {
        throw .cutOff(file: file, needs: UInt64(start), has: UInt64(bytes.count))
      }
      let text = UnsafeRawBufferPointer(rebasing: bytes[8..<start])
      var tensors: [RawEntry] = []
      do throws(JSONError) {
        (tensors, metadata) = try Self.read(text)
      } catch {
        throw .invalidHeader(file: file, reason: error.text)
      }
      try place(tensors, dataStart: start, fileSize: bytes.count, file: file)
    }

    // MARK: - The JSON

    private struct RawEntry {
      let name: String
      let type: String
      let shape: [Int]
      let offsets: [Int]
    }

    private static func read(
      _ text: UnsafeRawBufferPointer
    ) throws(JSONError) -> ([RawEntry], [String: String]) {
      guard text.first == UInt8(ascii: "{") else {
        throw JSONError(reason: "it does not begin with {", offset: 0)
      }
      var tensors: [RawEntry] = []
      var metadata: [String: String]?
      var reader = JSONReader(text.bindMemory(to: UInt8.self))
      try reader.readObject { reader, name throws(JSONError) in
        if name == "__metadata__" {
          guard metadata == nil else { throw reader.failure("__metadata__ appears twice") }
          metadata = try readMetadata(&reader)
        } else {
          tensors.append(try readEntry(&reader, name))
        }
      }
      try reader.readEnd()
      return (tensors, metadata ?? [:])
    }

    private static func readMetadata(
      _ reader: inout JSONReader
    ) throws(JSONError) -> [String: String] {
      var result: [String: String] = [:]
      try reader.readObject { reader, key throws(JSONError) in
        let value = try reader.readString()
        guard result.updateValue(value, forKey: key) == nil else {
          throw reader.failure("metadata \(Text.quoted(key)) appears twice")
        }
      }
      return result
    }

    private static func readEntry(
      _ reader: inout JSONReader, _ name: String
    ) throws(JSONError) -> RawEntry {
      var type: String?
      var shape: [Int]?
      var offsets: [Int]?
      try reader.readObject { reader, key throws(JSONError) in
        switch key {
        case "dtype" where type == nil: type = try reader.readString()
        case "shape" where shape == nil: shape = try readIntegers(&reader)
        case "data_offsets" where offsets == nil: offsets = try readIntegers(&reader)
        case "dtype", "shape", "data_offsets":
          throw reader.failure("tensor \(Text.quoted(name)) has \(key) twice")
        default:
          throw reader.failure(
            "tensor \(Text.quoted(name)) has the unknown key \(Text.quoted(key))")
        }
      }
      guard let type, let shape, let offsets else {
        let key = type == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
        throw reader.failure("tensor \(Text.quoted(name)) has no \(key)")
      }
      guard offsets.count == 2 else {
        throw reader.failure("tensor \(Text.quoted(name)) has \(offsets.count) data_offsets, not 2")
      }
      return RawEntry(name: name, type: type, shape: shape, offsets: offsets)
    }

    private static func readIntegers(_ reader: inout JSONReader) throws(JSONError) -> [Int] {
      var result: [Int] = []
      try reader.readArray { reader throws(JSONError) in result.append(try reader.readInteger()) }
      return result
    }

    // MARK: - The data block

    /// Checks every tensor by itself, then that together they fill the data block from end to end.
    private mutating func place(
      _ tensors: [RawEntry], dataStart: Int, fileSize: Int, file: String
    ) throws(WeightError) {
      entries.reserveCapacity(tensors.count)
      var names: Set<String> = []
      for tensor in tensors {
        guard names.insert(tensor.name).inserted else {
          throw .duplicateName(file: file, tensor: tensor.name)
        }
        let length = try Self.byteCount(tensor, file: file)
        let (begin, end) = (tensor.offsets[0], tensor.offsets[1])
        guard begin >= 0, begin <= end else {
          throw .invalidOffsets(
            file: file, tensor: tensor.name, reason: "it begins at \(begin) and ends at \(end)")
        }
        guard end - begin == length else {
          throw .invalidOffsets(
            file: file, tensor: tensor.name,
            reason: "\(tensor.type) \(Shape(tensor.shape)) takes \(length) bytes, "
              + "the offsets span \(end - begin)")
        }
        guard end <= Int.max - dataStart else {
          throw .invalidOffsets(
            file: file, tensor: tensor.name, reason: "no file is as long as \(end) bytes")
        }
        entries.append(
          Entry(
            name: tensor.name, type: tensor.type, shape: Shape(tensor.shape),
            range: dataStart + begin..<dataStart + end))
      }
      entries.sort {
        ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
      }
      var position = dataStart
      for entry in entries {
        let begin = entry.range.lowerBound
        guard begin == position else {
          throw .invalidOffsets(
            file: file, tensor: entry.name,
            reason: begin < position
              ? "it overlaps the tensor before it by \(position - begin) bytes"
              : "\(begin - position) bytes before it belong to nothing")
        }
        position = entry.range.upperBound
      }
      guard position <= fileSize else {
        throw .cutOff(file: file, needs: UInt64(position), has: UInt64(fileSize))
      }
      guard position == fileSize else {
        throw .trailingBytes(file: file, count: UInt64(fileSize - position))
      }
    }

    /// The number of bytes that a tensor of this type and shape takes.
    private static func byteCount(_ tensor: RawEntry, file: String) throws(WeightError) -> Int {
      guard let bits = types[tensor.type] else {
        throw .unknownType(file: file, tensor: tensor.name, type: tensor.type)
      }
      // The other extents are multiplied out even where one is zero, so that no product of some of
      // them can overflow later.
      var product = bits
      for extent in tensor.shape {
        guard extent >= 0 else {
          throw .invalidShape(
            file: file, tensor: tensor.name, reason: "the extent \(extent) is negative")
        }
        let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
        guard !overflow else {
          throw .invalidShape(
            file: file, tensor: tensor.name, reason: "it has more elements than fit in memory")
        }
        product = next
      }
      if tensor.shape.contains(0) { return 0 }
      guard product % 8 == 0 else {
        throw .invalidShape(
          file: file, tensor: tensor.name, reason: "its data end within a byte")
      }
      return product / 8
    }
  }
}
