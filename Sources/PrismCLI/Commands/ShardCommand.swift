internal import ArgumentParser
internal import Prism
internal import PrismReport

struct ShardCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "shard",
    abstract: "Explain one part of a folder, for array jobs and plain shells.",
    discussion: """
      The files of the folder and of those in it are divided into as many shards as --of says; the \
      first command writes the plan into the output folder, the others follow it. Any number of \
      processes on any machines may work on the shards of one run at a time, each on one.

        prism shard pics --model dogs -o run --of 100 --index $SLURM_ARRAY_TASK_ID
        for i in $(prism shard pics --model dogs -o run --of 100); do
          prism shard pics --model dogs -o run --of 100 --index $i
        done

      Without --index the plan is made, and the shards that are not done are printed. A shard that is \
      done is left as it is, so that a run which was interrupted goes on where it ended; the results \
      are the same bytes whoever makes them, and those of prism explain.

      The output folder holds manifest.json, inputs.jsonl, and of every shard shards/00000.jsonl (a \
      line an explanation), shards/00000.maps (the maps that the lines point to) and done/00000.json. \
      An input that cannot be explained is recorded there and does not stop the run; a shard of which \
      no input can be read, such as where the folder is not there, is not done.

      The exit status is 0 if the shard is done, 1 if not (one line says why), 2 for wrong usage, and \
      130 or 143 after Ctrl-C or a wish to terminate.
      """)

  @Argument(help: "The folder of the inputs.", completion: .directory) var inputs: String

  @Option(
    help: ArgumentHelp(
      "A model by name (`prism models` lists them) or by the path of its file.",
      valueName: "model"))
  var model: String

  @Option(
    name: .customLong("of"), parsing: .unconditional,
    help: ArgumentHelp("How many shards there are.", valueName: "n"))
  var count: Int

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Which shard, from 0.", valueName: "i"))
  var index: Int?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("The folder of the run, made if missing.", valueName: "dir"),
    completion: .directory)
  var output: String

  @Option(help: ArgumentHelp("How maps are written.", valueName: "type"))
  var maps = Choice(MapType.float32)

  @OptionGroup var method: MethodOptions
  @OptionGroup var pictures: PictureReadingOptions
  @OptionGroup var sound: SoundReadingOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  func run(_ console: Console) throws -> Status {
    machine.apply()
    let work = try work(console)
    guard let index else {
      for shard in work.run.remaining { console.print("\(shard)") }
      return .done
    }
    let clock = ContinuousClock()
    let start = clock.now
    let ending = try Attended.run(console) {
      try work(index) { done, count in
        console.progress("shard \(index): \(done) of \(count) inputs")
      }
    }
    console.endProgress()
    switch ending {
    case .done(let record):
      tell(record, seconds: (clock.now - start) / .seconds(1), console)
      return .done
    case .interrupted(let interruption):
      work.forgetAttempts(of: index)
      return interruption.status
    }
  }

  private func work(_ console: Console) throws -> ShardWork {
    let model = try catalog.model(self.model)
    var request = try method.request(.explanation, model: self.model, formats: [])
    request.pictures = pictures.reading
    request.sound = try sound.reading(for: model)
    return try ShardWork(
      output, request, model: model, maps: maps.element, shards: count, root: inputs
    ) {
      try addresses(for: model, console)
    }
  }

  /// The paths of the inputs from their folder.
  private func addresses(for model: Model, _ console: Console) throws -> [String] {
    let kind: InputList.Kind = model.card.input.audio == nil ? .pictures : .sounds
    guard Folder.isFolder(inputs) == true else {
      throw FileError.unreadable(inputs, reason: "it is no folder")
    }
    let list = InputList([inputs], kind: kind, isRecursive: true)
    if let failure = list.failures.first { throw failure.error }
    for note in list.notes { console.report("prism: \(note)") }
    let root = inputs.hasSuffix("/") ? inputs : inputs + "/"
    // Not by characters: a name that begins with an accent would join it to the slash.
    return list.files.map { String(decoding: $0.utf8.dropFirst(root.utf8.count), as: UTF8.self) }
  }

  private func tell(_ record: ShardRecord?, seconds: Double, _ console: Console) {
    guard let record else {
      console.print("shard \(index ?? 0): done before")
      return
    }
    for failure in record.failed {
      let method = failure["method"]?.string.map { "\($0): " } ?? ""
      let address = failure["address"]?.string ?? ""
      console.report(
        "prism: " + Console.line("\(method)\(failure["error"]?.string ?? "")", about: address))
    }
    console.print(
      "shard \(record.shard): \(Text.counted(record.inputs, "input")), "
        + "\(Text.counted(record.rows, "explanation")), \(Text.counted(record.failed.count, "failure")), "
        + "\(Text.number(seconds)) s")
  }
}
