/// Parts of file names that are made from paths and labels.
public enum FileStem {
  /// The last part of a path without its extension.
  public static func stem(of path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    let stem = last.lastIndex(of: ".").map { String(last[..<$0]) } ?? last
    return stem.isEmpty ? last : stem
  }

  /// A text as it may stand in a file's name: letters, digits, `.`, `-` and `_` stay, everything else becomes `_`.
  public static func readable(_ text: String) -> String {
    let kept = text.map { $0.isLetter || $0.isNumber || "-_.".contains($0) ? $0 : "_" }
    let name = String(kept.prefix(80))
    return name.isEmpty || name.allSatisfy { $0 == "." } ? "_" : name
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
