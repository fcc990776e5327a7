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
  package static var files: [File] {
    [
      File(
        name: "index.html", type: "text/html; charset=utf-8", contents: PackageResources.index_html),
      File(name: "page.css", type: "text/css; charset=utf-8", contents: PackageResources.page_css),
      File(
        name: "page.js", type: "text/javascript; charset=utf-8", contents: PackageResources.page_js),
      File(name: "openapi.json", type: "application/json", contents: PackageResources.openapi_json),
    ]
  }

  /// The description of the interface, OpenAPI 3.1.
  package static var description: [UInt8] { PackageResources.openapi_json }
}
