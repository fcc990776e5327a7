/// Text from outside, for messages of one line.
package enum Text {
  /// Text made fit for one line: control characters escaped, the middle of long text left out.
  ///
  /// - Parameter text: Any text, such as a name in a file that nobody vouches for.
  /// - Returns: Text without characters that end a line or are invisible.
  package static func printable(_ text: String) -> String {
    var result = ""
    let long = text.unicodeScalars.count > 400
    for scalar in long ? text.unicodeScalars.prefix(200) : text.unicodeScalars.prefix(400) {
      result += escaped(scalar)
    }
    guard long else { return result }
    result += "…"
    for scalar in text.unicodeScalars.suffix(60) { result += escaped(scalar) }
    return result
  }

  /// Text made fit for one line, between quotation marks.
  package static func quoted(_ text: String) -> String { "\"\(printable(text))\"" }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      "\\u{" + String(scalar.value, radix: 16) + "}"
    default: String(scalar)
    }
  }
}
