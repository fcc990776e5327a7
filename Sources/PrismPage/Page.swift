/// The files of the page, which are part of the program.
package enum Page {
  /// A file with what it holds.
  package struct File: Sendable {
    /// The name in the address.
    package let name: String
    /// The media type.
    package let type: String
    /// The contents.
    package let contents: [UInt8]
  }

  /// All files; `index.html` is the page itself.
  package static let files: [File] = pageFiles.map { file in
    let name = file.name.description
    let contents = UnsafeBufferPointer(
      start: file.contents.utf8Start, count: file.contents.utf8CodeUnitCount)
    return File(name: name, type: type(of: name), contents: Array(contents))
  }

  private static func type(of name: String) -> String {
    switch name.split(separator: ".").last {
    case "html": "text/html; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "js": "text/javascript; charset=utf-8"
    case "svg": "image/svg+xml"
    case "json": "application/json"
    default: "application/octet-stream"
    }
  }

  /// The description of the interface, OpenAPI 3.1.
  package static let description: [UInt8] =
    files.first { $0.name == "openapi.json" }?.contents ?? []
}

#if WITHOUT_PAGE
  // The program that embeds the page cannot be built for the fuzzer, which needs no page.
  private let pageFiles: [(name: StaticString, contents: StaticString)] = []
#endif
