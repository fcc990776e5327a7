internal import ArgumentParser

struct VersionCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the version of Prism.")

  func run(_ console: Console) throws -> Status {
    console.print(Root.version)
    return .done
  }
}
