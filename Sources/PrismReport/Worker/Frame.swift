public import Prism

/// What a worker and its client send each other: a JSON object, and bytes that belong to it.
///
/// On the way a frame is the length of the header (4 bytes, little-endian), the header, and as many
/// bytes as its member `bytes` says. Members that would make the header too long stand as JSON at
/// the end of the bytes, and the header's member `aside` says where each of them is.
public struct Frame: Sendable, Equatable {
  /// The most bytes of a header.
  public static let headerLimit = 1 << 20
  /// The most bytes of maps and pictures that a worker sends at a time; clients read 2 GiB, of which
  /// what stands aside has the rest.
  static let payloadLimit = 7 << 28

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
    let (header, aside) = parts
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 + header.count + payload.count + aside.count)
    for place in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: header.count >> (8 * place))) }
    bytes += header
    bytes += payload
    bytes += aside
    return bytes
  }

  /// The header as it is sent, and what stands after the payload because it has no room there: the
  /// longest members, as many as needed.
  private var parts: (header: [UInt8], aside: [UInt8]) {
    var header = Self.header(members, payload.count)
    guard header.count > Self.headerLimit else { return (header, []) }
    let texts = members.map { Array($0.value.description.utf8) }
    let longest = members.indices.dropFirst().sorted { texts[$0].count > texts[$1].count }
    var (left, places, aside) = (members, [JSON.Member](), [UInt8]())
    for index in longest where header.count > Self.headerLimit {
      let (name, offset) = (members[index].name, payload.count + aside.count)
      places.append(
        .init(
          name: name, value: ["offset": .integer(offset), "bytes": .integer(texts[index].count)]))
      aside += texts[index]
      left.removeAll { $0.name == name }
      header = Self.header(
        left + [.init(name: "aside", value: .object(places))], payload.count + aside.count)
    }
    return (header, aside)
  }

  private static func header(_ members: [JSON.Member], _ count: Int) -> [UInt8] {
    let size: [JSON.Member] = count == 0 ? [] : [.init(name: "bytes", value: .integer(count))]
    return Array(JSON.object(members + size).description.utf8)
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
