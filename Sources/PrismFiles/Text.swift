/// Text from outside, for messages of one line.
package enum Text {
  /// A number of things.
  ///
  /// - Parameters:
  ///   - count: The number.
  ///   - one: What one is called.
  ///   - several: What others are called; `one` with an s unless given.
  /// - Returns: Both.
  package static func counted(_ count: Int, _ one: String, _ several: String? = nil) -> String {
    "\(count) \(count == 1 ? one : several ?? one + "s")"
  }

  /// The first of some names, and whether there are more.
  package static func first(_ count: Int, of names: [String]) -> String {
    names.prefix(count).joined(separator: ", ") + (names.count > count ? " …" : "")
  }

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

  /// Text from outside made harmless for a terminal: control characters and what turns the
  /// direction of text are written as numbers, nothing is left out.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - keepsLines: Whether ends of lines and tabulators stay as they are.
  /// - Returns: The text without anything that a terminal would obey.
  package static func harmless(_ text: String, keepsLines: Bool = false) -> String {
    // Nearly all text is plain.
    let isPlain = text.utf8.allSatisfy {
      (0x20..<0x7F).contains($0) || (keepsLines && ($0 == 0x0A || $0 == 0x09))
    }
    if isPlain { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      result +=
        keepsLines && (scalar == "\n" || scalar == "\t") ? String(scalar) : escaped(scalar)
    }
    return result
  }

  /// Text in which `_` stands for control characters and what turns the direction of text.
  ///
  /// - Parameter text: Such as the name of a file.
  /// - Returns: The text, fit for the name of another file.
  package static func withoutControls(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      result.append(escaped(scalar) == String(scalar) ? scalar : "_")
    }
    return String(result)
  }

  /// The most marks in a row that text of any language has: that of the Stream-Safe Text Format
  /// (Unicode, UAX #15).
  package static let mostMarks = 30

  /// Whether no more than ``mostMarks`` marks follow each other.
  ///
  /// Comparing text takes time with the square of such a row, so that names with longer ones are
  /// refused where they are read.
  ///
  /// - Parameter text: Any text.
  /// - Returns: `false` for text that nobody writes.
  package static func hasFewMarks(_ text: String) -> Bool {
    // The first mark is U+0300; nearly all text has no byte beyond that. Files in Base64 are long
    // texts, and the greatest byte is found faster than the first of many.
    let greatest = text.utf8.withContiguousStorageIfAvailable { $0.reduce(0) { max($0, $1) } }
    guard greatest ?? 255 >= 0xCC else { return true }
    var marks = 0
    for scalar in text.unicodeScalars {
      let isMark = scalar.properties.canonicalCombiningClass != .notReordered
      marks = isMark ? marks + 1 : 0
      if marks > mostMarks { return false }
    }
    return true
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    // The joiners of scripts and of emoji turn nothing.
    if scalar.value == 0x200C || scalar.value == 0x200D { return String(scalar) }
    return switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      "\\u{" + String(scalar.value, radix: 16) + "}"
    default: String(scalar)
    }
  }
}
