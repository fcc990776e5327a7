internal import HTTPTypes
internal import Hummingbird
internal import Prism

/// Lets through who may ask: known hosts and origins, and those with the token where one is needed.
struct Gatekeeper: RouterMiddleware {
  let configuration: ServerConfiguration

  /// What anybody may see: the page and the descriptions of the interface, which tell nothing of
  /// the data.
  private static func isOpen(_ path: String) -> Bool {
    let first = path.split(separator: "/").first ?? ""
    return !["v1", "v2", "metrics"].contains(first) && !first.contains("%")
      || path.hasPrefix("/v2/health/")
  }

  func handle(
    _ request: Request, context: PrismContext,
    next: (Request, PrismContext) async throws -> Response
  ) async throws -> Response {
    try checkTexts(request)
    try checkHost(request)
    let origin = try checkOrigin(request)
    var response: Response
    if request.method == .options {
      response = .nothing
      response.headers[.allow] = "GET, POST, PATCH, DELETE, OPTIONS"
    } else {
      try checkToken(request)
      response = try await next(request, context)
    }
    if let origin { allow(origin, in: &response) }
    return response
  }

  /// The longest address of a request, in bytes.
  private static let longestAddress = 8 << 10

  /// Addresses and headers are compared, which takes time with the square of a row of marks.
  private func checkTexts(_ request: Request) throws {
    guard (request.head.path ?? "").utf8.count <= Self.longestAddress else {
      throw Problem(.uriTooLong, "the address is longer than \(Self.longestAddress) bytes")
    }
    for field in request.headers where !Text.hasFewMarks(field.value) {
      throw Problem(
        .badRequest,
        "the header \(field.name.canonicalName) has more than \(Text.mostMarks) combining marks in a row"
      )
    }
    guard Text.hasFewMarks(request.head.authority ?? "") else {
      throw Problem(
        .badRequest, "the host has more than \(Text.mostMarks) combining marks in a row")
    }
  }

  /// A page elsewhere whose name leads here (DNS rebinding) sends the name of its own host.
  private func checkHost(_ request: Request) throws {
    guard configuration.token == nil else { return }
    let host = Self.host(of: request.head.authority ?? "")
    guard configuration.hosts.contains(host) else {
      throw Problem(
        .misdirectedRequest,
        "this server is not called \(Text.quoted(host)); ask for \(configuration.host)")
    }
  }

  /// The name in `NAME:PORT`, in small letters.
  private static func host(of authority: String) -> String {
    if authority.hasPrefix("[") {
      return authority.prefix { $0 != "]" }.lowercased() + "]"
    }
    return authority.prefix { $0 != ":" }.lowercased()
  }

  /// The origin of a request from another page that is allowed to ask, or `nil` for one from
  /// nowhere or from here.
  private func checkOrigin(_ request: Request) throws -> String? {
    guard let origin = request.headers[.origin] else {
      let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
      let mode = HTTPField.Name("Sec-Fetch-Mode").flatMap { request.headers[$0] }
      // A link from another site may lead here; a picture or a form of another site may not.
      guard site != "cross-site" || mode == "navigate" && request.method == .get else {
        throw Problem(.forbidden, "pages of other sites may not ask; --allow-origin allows one")
      }
      return nil
    }
    if configuration.origins.contains(origin) { return origin }
    let authority = request.head.authority ?? ""
    guard origin == "http://\(authority)" || origin == "https://\(authority)" else {
      throw Problem(
        .forbidden, "pages of \(Text.quoted(origin)) may not ask; --allow-origin allows them")
    }
    return nil
  }

  private func checkToken(_ request: Request) throws {
    guard let token = configuration.token, !Self.isOpen(request.uri.path) else { return }
    let given = request.headers[.authorization] ?? ""
    let prefix = "Bearer "
    let digest = SHA256.hexadecimalDigest(of: Array(given.dropFirst(prefix.count).utf8))
    guard given.hasPrefix(prefix), Self.areEqual(digest, token) else {
      throw Problem(
        .unauthorized, "the header Authorization: Bearer TOKEN is missing or wrong",
        headers: [.wwwAuthenticate: "Bearer"])
    }
  }

  /// Whether two digests are equal, in a time that does not tell where they differ.
  static func areEqual(_ first: String, _ second: String) -> Bool {
    let (a, b) = (Array(first.utf8), Array(second.utf8))
    return a.count == b.count && zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private func allow(_ origin: String, in response: inout Response) {
    response.headers[.accessControlAllowOrigin] = origin
    response.headers.append(HTTPField(name: .vary, value: "Origin"))
    response.headers[.accessControlAllowMethods] = "GET, POST, PATCH, DELETE"
    response.headers[.accessControlAllowHeaders] =
      "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prism-Request, "
      + "Prism-Name"
    response.headers[.accessControlExposeHeaders] = "ETag, Location, Retry-After"
  }
}
