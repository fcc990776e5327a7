internal import ArgumentParser
internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Becomes the program `prism-server`, so that the command itself stays small.
struct ServeCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Start the server with its page, by the program prism-server.",
    discussion: """
      All options are handed on; `prism serve --help` shows those of prism-server. The program is \
      looked for beside this one and then in PATH.
      """)

  /// The name of the program.
  static let program = "prism-server"

  @Argument(parsing: .captureForPassthrough, help: "Options of prism-server.")
  var options: [String] = []

  func run(_ console: Console) throws -> Status {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    guard let program = Self.program(besides: ModelCatalogue.executable, path: path) else {
      console.report(
        "prism: \(Self.program) is not installed beside prism nor in PATH; Tools/install.sh "
          + "installs both")
      return .failed
    }
    var arguments = unsafe ([program] + options).map { unsafe strdup($0) } + [nil]
    _ = unsafe execv(program, &arguments)
    // Only a failure returns.
    let reason = unsafe String(cString: strerror(errno))
    console.report("prism: \(program) cannot be started: \(reason)")
    return .failed
  }

  /// The path of the program, or `nil`.
  ///
  /// - Parameters:
  ///   - executable: The path of the running program.
  ///   - path: Folders of programs, separated by colons.
  /// - Returns: The first file of the name that can be run.
  static func program(besides executable: String?, path: String) -> String? {
    let own = executable.map { [Folder.parent(of: $0)] } ?? []
    let folders = own + path.split(separator: ":").map(String.init)
    return folders.map { "\($0)/\(program)" }.first {
      Folder.isFolder($0) == false && FileManager.default.isExecutableFile(atPath: $0)
    }
  }
}
