internal import ArgumentParser
internal import Prism
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
  /// The exit status is 0, 1 (failed), 2 (wrong usage), 3 (some inputs of a batch failed), 130
  /// (Ctrl-C) or 143 (terminated).
  public static func runAndExit() -> Never {
    reserveStandardStreams()
    // A reader that has gone is an error of writing, not the end of the process.
    _ = signal(SIGPIPE, SIG_IGN)
    let status = run(Array(CommandLine.arguments.dropFirst()), console: .standard)
    // Work that was given up may still run on other threads, so nothing is torn down under it.
    _exit(status.rawValue)
  }

  /// Runs the command with the given arguments.
  static func run(_ arguments: [String], console: Console) -> Status {
    let status = ending(of: arguments, console)
    guard let error = console.outputError else { return status }
    if !error.isUnread { console.report("prism: \(error)") }
    return status == .done ? .failed : status
  }

  private static func ending(of arguments: [String], _ console: Console) -> Status {
    do {
      try ProcessMemory.prepare()
      // The parser compares arguments, which takes time with the square of a row of marks.
      guard arguments.allSatisfy(Text.hasFewMarks) else {
        console.report(
          "prism: an argument has more than \(Text.mostMarks) combining marks in a row")
        return .wrongUsage
      }
      var command = try Root.parseAsRoot(arguments)
      guard let prism = command as? any Subcommand else {
        try command.run()
        return .done
      }
      let limits = try (prism as? any LimitedCommand)?.limits.value() ?? Limits()
      return try Limits.$current.withValue(limits) { try prism.run(console) }
    } catch {
      return report(error, console)
    }
  }

  private static func report(_ error: any Error, _ console: Console) -> Status {
    // The parser's own errors, help and completion scripts come with a message and an exit code of
    // theirs.
    let code = Root.exitCode(for: error)
    if code == .success {
      console.print(text: Root.fullMessage(for: error))
      return .done
    }
    if code == .validationFailure {
      console.report(text: Root.fullMessage(for: error))
      return .wrongUsage
    }
    console.report("prism: \(error)")
    return .failed
  }

  /// Sees to it that no file that is opened later takes the place of a standard stream that is
  /// closed.
  private static func reserveStandardStreams() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 {
      // Only for reading, so that writing still fails; the lowest free number is the one that is
      // missing.
      _ = unsafe open("/dev/null", O_RDONLY)
    }
  }
}

/// How the process ends.
enum Status: Int32 {
  case done = 0
  case failed = 1
  case wrongUsage = 2
  case someInputsFailed = 3
  case interrupted = 130
  case terminated = 143

  /// What the statuses mean, for help texts.
  static let explanation = """
    The exit status is 0 if everything was done, 1 if nothing was (one line says why), 2 for wrong \
    usage, 3 if some of several inputs failed, and 130 after Ctrl-C, when what was finished is written.
    """
}

/// A command that says how it ended.
protocol Subcommand: ParsableCommand {
  func run(_ console: Console) throws -> Status
}

/// A command that reads files, within limits.
protocol LimitedCommand: Subcommand {
  var limits: LimitOptions { get }
}

struct Root: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prism",
    abstract: "Why did a convolutional network say that?",
    discussion: """
      Prism classifies pictures and sounds and shows what each prediction rests on.

        prism models
        prism classify voice.wav --model voice
        prism explain husky.png --model dogs --method gradcam,lime

      A model is a weights file, named without its extension where `prism models` lists it, or by its \
      path. Tools/convert.py makes one from a torch or Keras file, `prism train` from data.

      \(Status.explanation)
      """,
    version: version,
    subcommands: [
      ModelsCommand.self, LayersCommand.self, ClassifyCommand.self, ExplainCommand.self,
      CompareCommand.self, JudgeCommand.self, SurveyCommand.self, ConceptsCommand.self,
      ExamplesCommand.self, DatasetCommand.self, TrainCommand.self, EvaluateCommand.self,
      ServeCommand.self, ShardCommand.self, WorkerCommand.self, VersionCommand.self,
    ])

  /// The version of Prism, as in the JSON documents.
  static let version = PrismVersion.current
}
