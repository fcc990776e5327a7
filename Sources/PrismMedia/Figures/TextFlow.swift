internal import PrismFiles

/// Breaks text into lines that fit.
struct TextFlow {
  let width: Double
  /// The width of a piece of text on one line.
  let measure: (String) -> Double

  /// Breaks at spaces, inside a word only where it alone is too wide; what does not fit into the
  /// last line is replaced by an ellipsis.
  ///
  /// - Parameters:
  ///   - text: Any text; line breaks and control characters count as spaces.
  ///   - limit: The largest number of lines.
  ///   - reserve: How much of the last line is to stay free.
  /// - Returns: The lines, none of them wider than the width.
  func lines(of text: String, limit: Int, reserve: Double = 0) -> [String] {
    var words = Self.words(of: text)
    if words.isEmpty { return [] }
    var lines: [String] = []
    while !words.isEmpty, lines.count < limit - 1 {
      let all = words.joined(separator: " ")
      if measure(all) <= width - reserve { break }
      var line = words.removeFirst()
      if measure(line) > width {
        let (head, tail) = split(line, within: width)
        line = head
        words.insert(tail, at: 0)
      } else {
        while let next = words.first, measure(line + " " + next) <= width {
          line += " " + words.removeFirst()
        }
      }
      lines.append(line)
    }
    // Where everything has gone into full lines, the reserve needs a line of its own.
    let rest = words.joined(separator: " ")
    if measure(rest) <= width - reserve {
      if !rest.isEmpty || reserve > 0 { lines.append(rest) }
    } else {
      let ellipsis = "…"
      let room = width - reserve - measure(ellipsis)
      lines.append(split(rest, within: room).head.trimmed + ellipsis)
    }
    return lines
  }

  /// One line whose middle gives way to an ellipsis where it is too wide, so that the name of a
  /// file keeps its ending.
  func line(elidingMiddleOf text: String) -> String {
    let characters = Array(Self.words(of: text).joined(separator: " "))
    func kept(_ count: Int) -> String {
      String(characters.prefix((count + 1) / 2)) + "…" + String(characters.suffix(count / 2))
    }
    guard measure(String(characters)) > width else { return String(characters) }
    var (fits, tooLong) = (0, characters.count)
    while tooLong - fits > 1 {
      let middle = (fits + tooLong) / 2
      if measure(kept(middle)) <= width { fits = middle } else { tooLong = middle }
    }
    return kept(fits)
  }

  /// The longest beginning that fits (at least one character), and what remains.
  private func split(_ text: String, within width: Double) -> (head: String, tail: String) {
    let characters = Array(text)
    var (fits, tooLong) = (1, characters.count + 1)
    while tooLong - fits > 1 {
      let middle = (fits + tooLong) / 2
      if measure(String(characters[..<middle])) <= width { fits = middle } else { tooLong = middle }
    }
    let count = min(fits, characters.count)
    return (String(characters[..<count]), String(characters[count...]))
  }

  private static func words(of text: String) -> [String] {
    // Nobody reads more, and measuring is not free.
    text.prefix(2000).split { $0.isWhitespace || $0.unicodeScalars.contains { $0.value < 32 } }
      .map(String.init)
  }
}
