internal import CPage

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
  package static let files: [File] = (0..<page_file_count()).map { index in
    let file = page_file_at(index)
    let name = String(cString: file.name)
    return File(
      name: name, type: type(of: name),
      contents: Array(UnsafeBufferPointer(start: file.bytes, count: file.count)))
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
