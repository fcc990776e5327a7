internal import ArgumentParser
internal import Prism

/// Work on several inputs that goes on past those that fail.
struct Batch {
  private let console: Console

  init(_ console: Console) {
    self.console = console
  }

  /// Works on every input; each failure is one line.
  func forEach(_ inputs: [String], _ work: (String) throws -> Void) -> Status {
    var failures = 0
    for input in inputs {
      do {
        try work(input)
      } catch {
        failures += 1
        let text = "\(error)"
        console.report("prism: \(text.contains(input) ? text : "\(input): \(text)")")
      }
    }
    if failures == 0 { return .done }
    return failures == inputs.count ? .failed : .someInputsFailed
  }
}

/// What of the machine a command may use.
struct MachineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The number of threads; the results are the same for any.", valueName: "threads"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024")
    }
  }

  func apply() {
    if let threads { Machine.threads = threads }
  }
}
