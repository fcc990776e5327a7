internal import ArgumentParser
internal import Prism

/// The command `prism-bench`.
@main
struct PrismBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prism-bench",
    abstract: "Measure how fast Prism is on this machine.",
    discussion: """
      Times are the median and the least of many calls after a warm-up. The machine's own peak is \
      measured first: what a loop that only multiplies and adds reaches with the instructions that \
      the kernels use. Benchmarks/compare.sh measures Prism beside other engines.
      """,
    subcommands: [
      OperationsCommand.self, LayersCommand.self, ModelsCommand.self, TrainingCommand.self,
      ExplanationsCommand.self, GradientsCommand.self, UpdatesCommand.self, CertaintyCommand.self,
      MemoryCommand.self, StepsCommand.self, ServeCommand.self,
    ])
}

/// The options that all measuring commands have.
struct Options: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only cases whose name holds this text or is found by this regular expression.",
      valueName: "text"))
  var filter: String?

  @Option(help: ArgumentHelp("Write a JSON document, too.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("The number of threads.", valueName: "threads"))
  var threads: Int?

  @Flag(help: "Measure shortly, to see that everything works.") var quick = false

  @Flag(help: "Call every case once, without warm-up and peak (for counting instructions).")
  var once = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024")
    }
  }

  var effort: Effort { once ? .once : quick ? .quick : .normal }

  /// Sets the number of threads, describes the machine and begins the report.
  ///
  /// - Throws: `InstructionSetError` where the environment demands an instruction set that is not
  ///   there.
  func report(_ mode: String) throws -> Report {
    if let threads { Threads.count = threads }
    return Report(mode, on: try Hardware(measuring: !once))
  }

  /// The test whether a case is wanted.
  func matcher() throws -> (String) -> Bool {
    guard let filter else { return { _ in true } }
    let regex: Regex<AnyRegexOutput>
    do {
      regex = try Regex(filter)
    } catch {
      throw BenchError.badFilter(filter)
    }
    return { $0.contains(filter) || $0.contains(regex) }
  }
}
