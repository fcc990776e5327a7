internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Prism
internal import PrismReport

extension Request {
  /// The body's bytes, within what the platform takes at a time.
  ///
  /// - Throws: ``Problem`` for more than the limit, or where other uploads leave no room.
  func bytes(_ platform: Platform, limit: Int? = nil) async throws -> [UInt8] {
    let limit = limit ?? platform.configuration.limits[.bytes]
    let tooMuch = Problem(
      .contentTooLarge,
      "the body has more than \(limit) bytes; --limit bytes=N raises the server's limit")
    let announced = headers[.contentLength].flatMap { Int($0) }
    if let announced, announced > limit { throw tooMuch }
    var room = UploadRoom.Share(of: platform.uploads)
    defer { room.giveBack() }
    try room.take(announced ?? 0)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(announced ?? 0)
    for try await part in body {
      guard bytes.count + part.readableBytes <= limit else { throw tooMuch }
      if bytes.count + part.readableBytes > (announced ?? 0) { try room.take(part.readableBytes) }
      bytes.append(contentsOf: part.readableBytesView)
    }
    return bytes
  }

  /// The body as JSON.
  ///
  /// - Throws: `JSONError`; ``Problem`` for more than the limit.
  func json(_ platform: Platform) async throws -> JSON {
    let limit = min(platform.configuration.limits[.bytes] / 3 * 4 + 65_536, 96 << 20)
    return try JSON(utf8: try await bytes(platform, limit: limit))
  }

  /// Whether the client reads answers in the form of gzip.
  var readsGZIP: Bool {
    (headers[.acceptEncoding] ?? "").split(separator: ",").contains { coding in
      let parts = coding.split(separator: ";").map { $0.trimmed.lowercased() }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
      return parts.first == "gzip" && weight.flatMap { Double($0) } != 0
    }
  }

  /// The type of the body without its parameters, in small letters.
  var contentType: String {
    (headers[.contentType] ?? "").split(separator: ";").first.map { $0.trimmed.lowercased() } ?? ""
  }
}

extension JSON {
  /// The bytes of a text of Base64.
  ///
  /// - Throws: ``Problem`` where it is none.
  func base64(_ name: String) throws -> [UInt8] {
    guard let bytes = Base64.decode(try text(name)) else {
      throw Problem(.unprocessableContent, "the member \(name) is no Base64 with padding")
    }
    return bytes
  }
}
