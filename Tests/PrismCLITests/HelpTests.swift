import ArgumentParser
import PrismFiles
import PrismTestSupport
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Help texts word for word, in Tests/Fixtures/help;
/// `PRISM_WRITE_HELP=1 swift test --filter HelpTests` writes them anew.
@Suite("help texts")
struct HelpTests {
  private static let folder = Repository.fixtures + "help"

  /// The names of all commands: `prism`, `prism explain` and so on.
  private static let commands: [(name: String, type: any ParsableCommand.Type)] =
    [("prism", Root.self)]
    + Root.configuration.subcommands.map { ("prism \($0._commandName)", $0) }

  private static var texts: [String: String] {
    Dictionary(
      uniqueKeysWithValues: commands.map { name, type in
        let text =
          type == Root.self
          ? Root.helpMessage(columns: 80) : Root.helpMessage(for: type, columns: 80)
        return ("\(name.replacing(" ", with: "-")).txt", text + "\n")
      })
  }

  @Test("every command's help is what was read and found good")
  func golden() throws {
    if ProcessInfo.processInfo.environment["PRISM_WRITE_HELP"] != nil {
      try FileManager.default.createDirectory(
        atPath: Self.folder, withIntermediateDirectories: true)
      for name in Repository.names(in: Self.folder) {
        try FileManager.default.removeItem(atPath: "\(Self.folder)/\(name)")
      }
      for (name, text) in Self.texts { try AtomicFile.write(text, to: "\(Self.folder)/\(name)") }
    }
    // A command that is new or gone is noticed.
    #expect(Repository.names(in: Self.folder) == Self.texts.keys.sorted())
    for (name, text) in Self.texts {
      let expected = try Files.read("\(Self.folder)/\(name)")
      #expect(text == String(decoding: expected, as: UTF8.self), "\(name)")
    }
  }

  @Test("help fits into 80 columns and every command says how it is used")
  func shape() {
    for (name, text) in Self.texts {
      #expect(text.contains("USAGE: prism"), "\(name)")
      // The parser writes the usage in one line.
      for line in text.split(separator: "\n") where !line.hasPrefix("USAGE:") {
        #expect(line.count <= 80, "\(name): \(line)")
      }
    }
  }

  @Test("the exit statuses are told", arguments: ["prism.txt", "prism-explain.txt"])
  func statuses(_ name: String) throws {
    let text = try #require(Self.texts[name]).replacing("\n", with: " ")
    for part in ["status is 0", ", 1 if", " 2 for", " 3 if", " 130 after"] {
      #expect(text.contains(part), "\(part)")
    }
  }
}
