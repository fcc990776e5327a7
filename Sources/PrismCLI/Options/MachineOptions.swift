internal import ArgumentParser
internal import Prism

/// What of the machine a command may use.
struct MachineOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      How many threads compute; the results are the same for any number. (default: as many as \
      the machine has)
      """, valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); it must be from 1 to 1024")
    }
  }

  func apply() {
    if let threads { Threads.count = threads }
  }
}
