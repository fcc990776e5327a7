internal import Prism

/// Parts of file names that are made from paths and labels.
public enum FileStem {
  /// The last part of a path without its extension.
  public static func stem(of path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    let stem = last.lastIndex(of: ".").map { String(last[..<$0]) } ?? last
    return stem.isEmpty ? last : stem
  }

  /// How the names of an input's results begin: its stem, with `_` for what a terminal would obey,
  /// and not too long.
  ///
  /// - Parameter path: The path of the input.
  /// - Returns: At most ``stemLength`` bytes.
  static func ofResults(for path: String) -> String {
    cut(Text.withoutControls(stem(of: path)), to: stemLength)
  }

  /// The most bytes of a file's name that its input's name takes: with a label, a method and the
  /// rest, no name is longer than the 255 bytes that file systems allow.
  public static let stemLength = 120
  /// The most bytes of a file's name that a label takes.
  public static let labelLength = 80

  /// A text as it may stand in a file's name: letters, digits, `.`, `-` and `_` stay, everything
  /// else becomes `_`.
  ///
  /// - Parameter text: Such as a label.
  /// - Returns: At most ``labelLength`` bytes.
  public static func readable(_ text: String) -> String {
    var name = ""
    // By code points: a character may have any number of them.
    for scalar in text.unicodeScalars {
      let known = scalar.properties
      let isKept =
        known.isAlphabetic || known.numericType != nil || known.generalCategory.isMark
        || "-_.".unicodeScalars.contains(scalar)
      let next = isKept ? scalar : "_"
      guard name.utf8.count + UTF8.width(next) <= labelLength else { break }
      name.unicodeScalars.append(next)
    }
    return name.isEmpty || name.utf8.allSatisfy { $0 == UInt8(ascii: ".") } ? "_" : name
  }

  /// A text without its end, where it is longer than so many bytes of UTF-8.
  public static func cut(_ text: String, to count: Int) -> String {
    guard text.utf8.count > count else { return text }
    var kept = 0
    var result = ""
    for scalar in text.unicodeScalars {
      kept += UTF8.width(scalar)
      guard kept <= count else { break }
      result.unicodeScalars.append(scalar)
    }
    return result
  }
}

extension Unicode.GeneralCategory {
  /// Whether this is of what belongs to the letter before it.
  fileprivate var isMark: Bool {
    self == .nonspacingMark || self == .spacingMark || self == .enclosingMark
  }
}

/// Names that never collide.
public struct UniqueNames {
  private var taken: Set<String> = []

  /// Begins without names.
  public init() {}

  /// A name that was not given before: the wanted one, or that with a number.
  public mutating func name(for text: String) -> String {
    let name = FileStem.readable(text)
    var result = name
    var number = 2
    while !taken.insert(result).inserted {
      result = "\(name)-\(number)"
      number += 1
    }
    return result
  }
}
