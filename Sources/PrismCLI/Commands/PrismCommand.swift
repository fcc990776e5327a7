internal import ArgumentParser
internal import PrismReport

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The command `prism`.
///
/// Results go to standard output, everything else to standard error.
public enum PrismCommand {
  /// Runs the command with the process's arguments and ends the process.
  ///
  /// The exit status is 0, 1 (failed), 2 (wrong usage) or 3 (some inputs of a batch failed).
  public static func runAndExit() -> Never {
    exit(run(Array(CommandLine.arguments.dropFirst()), console: .standard).rawValue)
  }

  /// Runs the command with the given arguments.
  static func run(_ arguments: [String], console: Console) -> Status {
    do {
      var command = try Root.parseAsRoot(arguments)
      guard let prism = command as? any Subcommand else {
        try command.run()
        return .done
      }
      return try prism.run(console)
    } catch {
      return report(error, console)
    }
  }

  private static func report(_ error: any Error, _ console: Console) -> Status {
    // The parser's own errors, help and completion scripts come with a message and an exit code of theirs.
    let code = Root.exitCode(for: error)
    if code == .success {
      console.print(Root.fullMessage(for: error))
      return .done
    }
    if code == .validationFailure {
      console.report(Root.fullMessage(for: error))
      return .wrongUsage
    }
    console.report("prism: \(error)")
    return .failed
  }
}

/// How the process ends.
enum Status: Int32 {
  case done = 0
  case failed = 1
  case wrongUsage = 2
  case someInputsFailed = 3
  /// Somebody pressed Ctrl-C, as shells have it.
  case interrupted = 130
}

/// A command that says how it ended.
protocol Subcommand: ParsableCommand {
  func run(_ console: Console) throws -> Status
}

struct Root: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prism",
    abstract: "Why did a convolutional network say that?",
    discussion: """
      Prism classifies pictures and explains each prediction, with no Python at run time. \
      Models are weights files made by Tools/convert.py.

        prism explain husky.png --model dogs --method gradcam --output out
      """,
    version: version,
    subcommands: [
      ModelsCommand.self, LayersCommand.self, ClassifyCommand.self, ExplainCommand.self,
      CompareCommand.self,
      DatasetCommand.self, TrainCommand.self, EvaluateCommand.self,
    ])

  /// The version of Prism, as in the JSON documents.
  static let version = PrismVersion.current
}
