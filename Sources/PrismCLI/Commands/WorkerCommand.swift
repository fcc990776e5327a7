internal import ArgumentParser
internal import Dispatch
internal import Prism
internal import PrismReport

struct WorkerCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Explain inputs that come on the standard input, for engines of many machines.",
    discussion: """
      The model is opened once. Requests and answers are frames: the length of a header (4 bytes, the \
      lowest first), the header in JSON, and as many bytes as it says. A request carries an input's \
      bytes and what is asked about it; its answer has the document and the maps, the same bits as of \
      prism explain, and comes when it is ready, with the request's id. An input that cannot be \
      explained is an answer with an error. Requests can be cancelled; the end of the input, or a \
      frame of the kind end, lets the worker finish what it has and end; where nobody reads its \
      answers any more, it ends at once.

      Tools/distributed has a client in Python, and the documentation's article on workers describes \
      all frames. `prism shard` needs no client.

      The exit status is 0 at the end, 1 where the input is no frame or nobody reads, and 130 or 143 after Ctrl-C or \
      a wish to terminate.
      """)

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String?

  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  @Flag(name: .customLong("protocol"), help: "Print the version of the protocol, and end.")
  var printsProtocol = false

  /// How long the frame that is being sent may take after a wish to end, in seconds.
  private static let patience = 2

  func validate() throws {
    guard printsProtocol || model != nil else {
      throw ValidationError("Missing expected argument '--model <model>'")
    }
  }

  func run(_ console: Console) throws -> Status {
    guard !printsProtocol, let name = model else {
      console.print("\(WorkerSession.version)")
      return .done
    }
    machine.apply()
    let session = WorkerSession(
      try opened(name), called: name,
      source: { try Descriptor.standardInput.read(atMost: $0) },
      sink: { try Descriptor.standardOutput.write($0) })
    let output = Descriptor.standardOutput
    // What a client held that was killed is computed for nobody.
    let ending = try Attended.run(console, checking: { try output.checkReader() }) {
      try session.run()
    }
    guard case .interrupted(let interruption) = ending else { return .done }
    let stopped = DispatchSemaphore(value: 0)
    WorkThreads.begin {
      session.stop()
      stopped.signal()
    }
    // A client that does not read may never take the frame that is being sent.
    _ = stopped.wait(timeout: .now() + .seconds(Self.patience))
    return interruption.status
  }

  private func opened(_ name: String) throws -> Model {
    let model = try catalog.model(name)
    try model.checkMemory()
    return model
  }
}
