internal import ArgumentParser
internal import Prism

/// Work on several inputs that goes on past those that fail.
struct Batch {
  private let console: Console

  init(_ console: Console) {
    self.console = console
  }

  /// How far the work is, and how long the rest will take if it goes on so.
  static func progress(_ done: Int, of count: Int, since seconds: Double) -> String {
    let text = "\(done) of \(count) done"
    guard done > 0 else { return text }
    let left = Int((seconds / Double(done) * Double(count - done)).rounded(.up))
    let time = left < 120 ? "\(left) s" : left < 7200 ? "\(left / 60) min" : "\(left / 3600) h"
    return text + ", about \(time) left"
  }

  /// Works on every input; each failure is one line.
  func forEach(_ inputs: [String], _ work: (String) throws -> Void) -> Status {
    var failures = 0
    let clock = ContinuousClock()
    let start = clock.now
    for (done, input) in inputs.enumerated() {
      if inputs.count > 1 {
        console.progress(
          Self.progress(done, of: inputs.count, since: (clock.now - start) / .seconds(1)))
      }
      do {
        try work(input)
      } catch {
        failures += 1
        console.endProgress()
        let text = "\(error)"
        console.report("prism: \(text.contains(input) ? text : "\(input): \(text)")")
      }
    }
    console.endProgress()
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
    if let threads { Threads.count = threads }
  }
}
