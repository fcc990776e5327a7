public import Prism

/// Reads frames from a stream that nobody vouches for.
///
/// Memory is taken as bytes come, never because a number announces them.
public struct FrameReader {
  /// A frame as it came.
  public struct Incoming: Sendable, Equatable {
    /// The header, an object.
    public let header: JSON
    /// What follows it; `nil` where that was more than is taken, or than there is memory for, and
    /// was passed over.
    public let payload: [UInt8]?
    /// How many bytes follow it.
    public let size: Int
  }

  /// The most bytes that are read at a time.
  private static let chunk = 1 << 18

  private let source: (_ count: Int) throws -> [UInt8]
  /// What was read and not yet taken.
  private var buffer: ArraySlice<UInt8> = []

  /// Makes a reader.
  ///
  /// - Parameter source: Waits for bytes, at most so many; returns none at the end.
  public init(_ source: @escaping (_ count: Int) throws -> [UInt8]) {
    self.source = source
  }

  /// Waits for the next frame.
  ///
  /// - Parameter limit: The most bytes of a payload; a longer one is passed over.
  /// - Returns: The frame; `nil` where the stream ends in good order.
  /// - Throws: ``FrameError`` where what follows cannot be read; what the source throws.
  public mutating func next(limit: Int) throws -> Incoming? {
    guard let first = try take(4, orEnd: true) else { return nil }
    let length = first.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Frame.headerLimit else { throw FrameError.headerTooLong(length) }
    let header = try header(of: try take(length) ?? [])
    let size = try Self.size(header)
    // Bytes gather in an array that grows to twice its size.
    let hasRoom = size <= limit && (try? ProcessMemory.expecting(2 * size) {}) != nil
    guard hasRoom else {
      try pass(size)
      return Incoming(header: header, payload: nil, size: size)
    }
    return Incoming(header: header, payload: try take(size) ?? [], size: size)
  }

  private func header(of bytes: [UInt8]) throws -> JSON {
    do {
      let json = try JSON(utf8: bytes)
      guard case .object = json else { throw FrameError.header("it is another value") }
      return json
    } catch let error as JSONError {
      throw FrameError.header(error.text)
    }
  }

  private static func size(_ header: JSON) throws(FrameError) -> Int {
    switch header["bytes"] {
    case nil, .null: return 0
    case .integer(let size) where (0...Limits.most).contains(size): return size
    default: throw .size
    }
  }

  /// Takes bytes.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - orEnd: Whether the stream may end before the first of them.
  /// - Returns: The bytes; `nil` at the end.
  /// - Throws: ``FrameError/cutOff``; what the source throws.
  private mutating func take(_ count: Int, orEnd: Bool = false) throws -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = try nextPart(of: count - bytes.count)
      if part.isEmpty, bytes.isEmpty, orEnd { return nil }
      guard !part.isEmpty else { throw FrameError.cutOff }
      bytes += part
    }
    return bytes
  }

  /// Passes over bytes.
  private mutating func pass(_ count: Int) throws {
    var left = count
    while left > 0 {
      let part = try nextPart(of: left)
      guard !part.isEmpty else { throw FrameError.cutOff }
      left -= part.count
    }
  }

  /// At least one of so many bytes, or none at the end.
  private mutating func nextPart(of count: Int) throws -> ArraySlice<UInt8> {
    if buffer.isEmpty { buffer = try source(Self.chunk)[...] }
    let part = buffer.prefix(count)
    buffer = buffer.dropFirst(count)
    return part
  }
}
