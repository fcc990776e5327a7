public import Prism

/// What a worker and its client send each other: a JSON object, and bytes that belong to it.
///
/// On the way a frame is the length of the header (4 bytes, little-endian), the header, and as many
/// bytes as its member `bytes` says.
public struct Frame: Sendable, Equatable {
  /// The most bytes of a header.
  public static let headerLimit = 1 << 20

  /// The members of the header, without `bytes`.
  public let members: [JSON.Member]
  /// The bytes.
  public let payload: [UInt8]

  /// Makes a frame.
  ///
  /// - Parameters:
  ///   - kind: What the frame is.
  ///   - members: What the header has besides.
  ///   - payload: The bytes.
  public init(_ kind: String, _ members: [JSON.Member] = [], payload: [UInt8] = []) {
    self.members = [.init(name: "kind", value: .string(kind))] + members
    self.payload = payload
  }

  /// The frame as it is sent.
  public var bytes: [UInt8] {
    let size: [JSON.Member] =
      payload.isEmpty ? [] : [.init(name: "bytes", value: .integer(payload.count))]
    let header = Array(JSON.object(members + size).description.utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 + header.count + payload.count)
    for place in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: header.count >> (8 * place))) }
    bytes += header
    bytes += payload
    return bytes
  }
}

/// Why what comes after cannot be read: nobody knows where the next frame begins.
public enum FrameError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A header of so many bytes.
  case headerTooLong(Int)
  /// A header that is no JSON object.
  case header(String)
  /// A header whose `bytes` is no number of bytes.
  case size
  /// The stream ended within a frame.
  case cutOff

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .headerTooLong(let count):
      "a header of \(count) bytes is longer than \(Frame.headerLimit); a frame begins with the "
        + "header's length in 4 bytes, the lowest first"
    case .header(let reason): "a header is no JSON object: \(reason)"
    case .size: "the member bytes of a header is no whole number from 0 to \(Limits.most)"
    case .cutOff: "the stream ended within a frame"
    }
  }
}
