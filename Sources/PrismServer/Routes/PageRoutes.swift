internal import HTTPTypes
internal import Hummingbird
internal import Prism
internal import PrismPage

/// The page, and the description of the interface.
struct PageRoutes {
  func add(to router: Router<PrismContext>) {
    for file in Page.files {
      let tag = SHA256.hexadecimalDigest(of: file.contents)
      let small = Self.small[file.name]
      let answer: @Sendable (Request, PrismContext) async throws -> Response = { request, _ in
        var response: Response
        if let small, request.readsGZIP {
          response = Response.bytes(small, type: file.type).tagged("\(tag)-gzip", for: request)
          response.headers[.contentEncoding] = "gzip"
        } else {
          response = Response.bytes(file.contents, type: file.type).tagged(tag, for: request)
        }
        response.headers[.vary] = "Accept-Encoding"
        return response
      }
      router.get(RouterPath(file.name), use: answer)
      if file.name == "index.html" { router.get("/", use: answer) }
    }
    let text = Array(Self.documentation.utf8)
    router.get("docs") { request, _ in
      Response.bytes(text, type: "text/html; charset=utf-8")
        .tagged(SHA256.hexadecimalDigest(of: text), for: request)
    }
  }

  /// The files in a smaller form, by name.
  private static let small: [String: [UInt8]] = Dictionary(
    Page.files.compactMap { file in
      GZIP.compressed(file.contents).map { (file.name, $0) }
    }, uniquingKeysWith: { first, _ in first })

  /// The description of the interface as a page for people.
  static let documentation: String = {
    guard let description = try? JSON(utf8: Page.description) else { return "" }
    return DocumentationPage(description).html
  }()
}
