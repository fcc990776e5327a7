#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Writes text files as string literals of Swift, which the compiler takes at once; of an array of
/// their bytes it checks every element.
///
/// Arguments: the source to write, then the files.
@main
enum PageEmbedder {
  static func main() throws {
    let paths = CommandLine.arguments.dropFirst()
    guard let output = paths.first else { throw EmbeddingError(description: "no output is named") }
    var source = "/// The files of the page: their names and contents.\nlet pageFiles: "
    source += "[(name: StaticString, contents: StaticString)] = [\n"
    for path in paths.dropFirst() {
      let name = URL(filePath: path).lastPathComponent
      let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
      let marks = delimiter(for: text)
      source += "  (\n\"\(name)\",\n\(marks)\"\"\"\n\(text)\n\"\"\"\(marks)\n  ),\n"
    }
    source += "]\n"
    try source.write(to: URL(filePath: output), atomically: true, encoding: .utf8)
  }

  /// As many number signs as end the literal nowhere inside.
  private static func delimiter(for text: String) -> String {
    var marks = "#"
    while text.contains("\"\"\"\(marks)") || text.contains("\\\(marks)") { marks += "#" }
    return marks
  }
}

/// Why nothing was written.
struct EmbeddingError: Error, CustomStringConvertible {
  let description: String
}
