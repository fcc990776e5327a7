/// The words of the interface for what the command's options are called.
enum InterfaceWords {
  /// What an error's line says to somebody who does not use the command.
  ///
  /// - Parameter line: Speaks of options such as `--window`.
  /// - Returns: The line, which speaks of members of requests and of addresses.
  static func line(_ line: String) -> String {
    guard line.utf8.contains(UInt8(ascii: "-")) || line.utf8.contains(UInt8(ascii: "`")) else {
      return line
    }
    return words.reduce(line) { $0.replacing($1.option, with: $1.member) }
  }

  /// The longer of two options that begin alike stands first.
  private static let words: [(option: String, member: String)] = [
    ("--limit ", "the server's --limit "),
    ("`prism models --json`", "GET /v1/models/NAME"),
    ("`prism layers` lists the names", "leave it out for the model's default"),
    ("prism explain --method list", "GET /v1/methods"),
    ("--method list", "GET /v1/methods"),
    ("--window-level", "pictures.window"), ("--range", "pictures.range"),
    ("--frame", "pictures.frame"), ("--window", "windows"), ("--regions", "showsRegions"),
    ("--channel", "sound.channel"), ("--verdict", "sound.verdict"),
    ("--allow-damaged", "sound.allowsDamage"), ("--target", "targets"),
    ("--layer", "layer"), ("--samples", "samples"), ("--segments", "segments"),
    ("--mask", "mask"), ("--until-stable", "confidence"), ("--explain", "quantity"),
    ("--composite", "composite"), ("--draws", "draws"), ("--format", "formats"),
  ]
}
