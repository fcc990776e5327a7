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
    let announced = headers[.contentLength].flatMap { Int($0) } ?? 0
    guard announced <= limit else { throw tooMuch }
    let body = body
    return try await whileMoving(seconds: platform.configuration.uploadPatience) { movement in
      var room = UploadRoom.Share(of: platform.uploads)
      defer { room.giveBack() }
      var bytes: [UInt8] = []
      var parts = body.makeAsyncIterator()
      while let part = try await Self.next(&parts) {
        guard bytes.count + part.readableBytes <= limit else { throw tooMuch }
        // Room is taken by what has come: what is only announced may never come.
        try room.take(part.readableBytes)
        if bytes.count + part.readableBytes > Self.shortBody, bytes.capacity < announced {
          bytes.reserveCapacity(announced)
        }
        bytes.append(contentsOf: part.readableBytesView)
        movement.count(part.readableBytes)
      }
      return bytes
    }
  }

  /// The next bytes of a body.
  ///
  /// - Throws: ``Problem`` where the body is no HTTP, such as after a wrong size of a chunk.
  private static func next(
    _ parts: inout RequestBody.AsyncIterator
  ) async throws -> ByteBuffer? {
    do {
      return try await parts.next()
    } catch let error as CancellationError {
      throw error
    } catch {
      throw Problem(
        .badRequest, "the body is cut or no HTTP; send it again with its length or whole chunks")
    }
  }

  /// The bytes of a body that is read in no time.
  private static let shortBody = 256 << 10

  /// The body as JSON.
  ///
  /// - Throws: `JSONError`; ``Problem`` for more than the limit.
  func json(_ platform: Platform, _ context: PrismContext) async throws -> JSON {
    let limit = min(platform.configuration.limits[.bytes] / 3 * 4 + 65_536, 96 << 20)
    let bytes = try await bytes(platform, limit: limit)
    guard bytes.count > Self.shortBody else { return try JSON(utf8: bytes) }
    return try await platform.answer(context) { try JSON(utf8: bytes) }
  }

  /// The body as a form.
  ///
  /// - Throws: ``Problem`` for what is none, or more than the limit.
  func form(
    _ platform: Platform, _ context: PrismContext, most: Int = 63
  ) async throws -> Multipart {
    let (bytes, type) = (try await bytes(platform), headers[.contentType] ?? "")
    return try await platform.answer(context) { try Multipart(bytes, type: type, most: most) }
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
