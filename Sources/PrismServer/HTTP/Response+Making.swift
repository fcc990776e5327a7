internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Prism

extension Response {
  /// An answer of JSON.
  static func json(_ value: JSON, status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: value.description)))
  }

  /// An answer of bytes.
  static func bytes(_ bytes: [UInt8], type: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: type],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  /// An answer without a body.
  static var nothing: Response { Response(status: .noContent) }

  /// The answer with a tag, or only the tag where the client has the same contents already.
  ///
  /// - Parameters:
  ///   - tag: Tells contents apart, such as a digest.
  ///   - request: May name tags that it has.
  ///   - isFixed: Whether the contents at the address never change.
  /// - Returns: The answer to send.
  func tagged(_ tag: String, for request: Request, isFixed: Bool = false) -> Response {
    let quoted = "\"\(tag)\""
    let known = (request.headers[.ifNoneMatch] ?? "").split(separator: ",").map {
      $0.drop { $0 == " " }.replacing("W/", with: "").trimmed
    }
    var response = self
    if known.contains(quoted) || known == ["*"] {
      response = Response(status: .notModified)
    }
    response.headers[.eTag] = quoted
    response.headers[.cacheControl] =
      isFixed ? "private, max-age=31536000, immutable" : "private, no-cache"
    return response
  }

  /// The answer as a file that browsers save and do not show.
  func attached(as name: String) -> Response {
    var response = self
    let plain = String(
      name.unicodeScalars.map { scalar in
        scalar.isASCII
          && (scalar.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains(scalar))
          ? Character(scalar) : "_"
      })
    response.headers[.contentDisposition] = "attachment; filename=\"\(plain)\""
    return response
  }
}

extension StringProtocol {
  /// The text without white space at its ends.
  var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
