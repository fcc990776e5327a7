internal import ArgumentParser
internal import Prism
internal import PrismReport

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

struct TrainCommand: LimitedCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a model on labelled data, from the convolutional base of another.",
    discussion: """
      Transfer learning in five phases: the base is frozen under a new head; its features are \
      computed once; the head is trained (warm-up); from the best epoch on, the last layers are \
      fine-tuned at a lower rate, where --fine-tune-from says which; the epoch that is best by \
      --monitor is kept. Beside the output there are then a learning curve (.curve.csv, \
      .curve.png) and, until the end, a checkpoint (.checkpoint) from which --resume goes on to \
      the same bits. Ctrl-C ends with the best model so far and the exit status 130.

      Before the first epoch every file is read. Files that cannot be read, classes without any, \
      and files in two splits or under two labels end training unless an option goes on.

        prism train --data flowers --base dogs --fine-tune-from 30% --output flowers.safetensors
      """)

  @Option(
    help: ArgumentHelp("A folder or a CSV; `prism dataset` tells what it holds.", valueName: "path")
  )
  var data: String

  @Option(help: ArgumentHelp("A model in the weights folder, or a path.", valueName: "model"))
  var base: String

  @Option(help: ArgumentHelp("The weights file to write.", valueName: "file"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "binary (two labels), multiclass or multilabel. (default: what the data are)",
      valueName: "task"))
  var task: Choice<Objective.Task>?

  @Option(
    help: ArgumentHelp(
      """
      The head: pool, maxpool, flatten, dropout:RATE, dense:UNITS:FUNCTION, batchnorm; at the end \
      dense.
      """, valueName: "layers"))
  var head = "pool,dropout:0.3,dense"

  @Option(help: ArgumentHelp("The epochs of the warm-up. (default: 5)", valueName: "number"))
  var warmupEpochs: Int?

  @Option(
    help: ArgumentHelp(
      """
      The most epochs of fine-tuning, or of the head where nothing is fine-tuned. (default: 20)
      """, valueName: "number"))
  var epochs: Int?

  @Option(
    help: ArgumentHelp(
      """
      Fine-tune from this layer on, or this share of the last layers, such as 30%. (default: the \
      head alone)
      """, valueName: "layer|percent"))
  var fineTuneFrom: String?

  @Option(help: ArgumentHelp("The learning rate of the warm-up.", valueName: "rate"))
  var learningRate = 1e-3

  @Option(
    help: ArgumentHelp("How many times lower the rate of fine-tuning is.", valueName: "factor"))
  var rateDivisor = 10.0

  @Option(help: ArgumentHelp("The samples of a step.", valueName: "number"))
  var batch = 16

  @Option(help: ArgumentHelp("Selects everything that is random.", valueName: "number"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("adam or sgd.", valueName: "name"))
  var optimizer = OptimizerName.adam

  @Option(help: ArgumentHelp("The momentum of sgd.", valueName: "number"))
  var momentum = 0.9

  @Option(
    help: ArgumentHelp(
      "The decoupled weight decay: a weight is multiplied by 1 − rate · decay in a step.",
      valueName: "number"))
  var weightDecay = 0.0

  @Flag(help: "Let every label count the same, however many samples it has.")
  var balance = false

  @Option(
    help: ArgumentHelp(
      "End a phase after so many epochs without progress in what --monitor says. (default: never)",
      valueName: "epochs"))
  var patience: Int?

  @Option(
    help: ArgumentHelp(
      "What tells the best epoch in validation: loss, auc, average-precision or accuracy.",
      valueName: "measure"))
  var monitor = Choice(Monitor.loss)

  @Flag(help: "Rotate by up to 7°, move by up to 5 % and zoom by up to 10 % in training.")
  var augment = false

  @Option(
    help: ArgumentHelp(
      "The probability from which a label counts; goes into the model card.", valueName: "number"))
  var threshold = 0.5

  @Option(
    help: ArgumentHelp(
      """
      Choose every label's threshold so that this share of its positive samples in validation is \
      found; goes into the model card.
      """, valueName: "share"))
  var sensitivity: Double?

  @Flag(help: "Store the weights in half precision, in half the space.")
  var half = false

  @Option(help: ArgumentHelp("The name of the model. (default: the file's)", valueName: "text"))
  var name: String?

  @Option(help: ArgumentHelp("What the model is for, and what not.", valueName: "text"))
  var description = ""

  @Option(help: ArgumentHelp("Where data and weights come from.", valueName: "text"))
  var source: String?

  @Option(
    help: ArgumentHelp("The licence of the weights. (default: the base's)", valueName: "text"))
  var license: String?

  @Flag(help: "Go on from the checkpoint.") var resume = false

  @Flag(help: "Replace an output or a checkpoint that is there.") var force = false

  @Flag(help: "Leave out files that cannot be read and classes without any, and list them.")
  var skipBad = false

  @Flag(help: "Go on though a file or a group is in two splits, or a file under two labels.")
  var allowOverlap = false

  @Flag(
    help: """
      Train nothing, but try rates from 1e-6 to 1 on the head and suggest one (.rates.csv, \
      .rates.png).
      """)
  var findRate = false

  @OptionGroup var dataOptions: DataOptions
  @OptionGroup var catalog: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var limits: LimitOptions

  enum OptimizerName: String, CaseIterable, ExpressibleByArgument {
    case adam, sgd
  }

  func validate() throws {
    func check(_ condition: Bool, _ text: String) throws {
      guard condition else { throw ValidationError(text) }
    }
    let epochRange = 0...10_000
    try check(
      epochRange.contains(warmupEpochs ?? 5), "--warmup-epochs must be from 0 to 10000")
    try check(epochRange.contains(epochs ?? 20), "--epochs must be from 0 to 10000")
    try check(
      (sensitivity ?? 1) > 0 && (sensitivity ?? 1) <= 1, "--sensitivity must be above 0, up to 1")
    if epochs != nil, warmupEpochs != nil, try fineTuning() == .none {
      throw ValidationError(
        "--epochs are those of fine-tuning, which --fine-tune-from asks for; "
          + "give it, or one of --epochs and --warmup-epochs")
    }
    let planned =
      try fineTuning() == .none
      ? warmupEpochs ?? epochs : (warmupEpochs ?? 5) + (epochs ?? 20)
    try check(findRate || planned != 0, "nothing would be trained: all epochs are 0")
    try check((1...4096).contains(batch), "--batch must be from 1 to 4096")
    try check(learningRate > 0 && learningRate <= 10, "--learning-rate must be above 0, up to 10")
    try check(rateDivisor >= 1 && rateDivisor <= 1e6, "--rate-divisor must be from 1 to 1000000")
    try check(momentum >= 0 && momentum < 1, "--momentum must be from 0 up to 1")
    try check(weightDecay >= 0 && weightDecay <= 1, "--weight-decay must be from 0 to 1")
    try check(threshold > 0 && threshold < 1, "--threshold must be between 0 and 1")
    try check((patience ?? 1) >= 1, "--patience must be at least 1")
    _ = try fineTuning()
  }

  private func fineTuning() throws -> TrainingOptions.FineTuning {
    guard let fineTuneFrom else { return .none }
    guard fineTuneFrom.hasSuffix("%") else { return .layer(fineTuneFrom) }
    guard let percent = Double(fineTuneFrom.dropLast()), percent >= 0, percent <= 100 else {
      throw ValidationError("--fine-tune-from takes a layer or a share from 0% to 100%")
    }
    return percent == 0 ? .none : .share(percent / 100)
  }

  private var stem: String {
    output.hasSuffix(ModelCatalogue.suffix)
      ? String(output.dropLast(ModelCatalogue.suffix.count)) : output
  }

  private var checkpoint: String { "\(stem).checkpoint" }

  func run(_ console: Console) throws -> Status {
    machine.apply()
    if !findRate { try refuseReplacing() }
    let base = try catalog.file(base)
    let data = try checkedData(base, console)
    let options = try options(for: data)
    if options.fineTuning == .none, epochs != nil {
      console.report(
        "nothing is fine-tuned without --fine-tune-from: "
          + "the head is trained for \(options.warmupEpochs) epochs")
    }
    let trainer = try Trainer(base: base, data: data, options: options)
    if findRate { return try Limits.current.bounding { try findRate(trainer, console) } }
    var card = trainer.card
    card.name = name ?? (stem.split(separator: "/").last.map(String.init) ?? stem)
    card.description = description
    if let source { card.source = source }
    if let license { card.license = license }
    try card.validate(file: output)
    return try Limits.current.bounding { try train(trainer, card, console) }
  }

  /// Refuses a place that is taken or cannot be written to: before hours of work, not after them.
  private func refuseReplacing() throws {
    try AsideFile(for: output).discard()
    Leftovers.clear(in: Folder.parent(of: output))
    guard !force, !resume else { return }
    if isThere(output) {
      throw FileError.cannotWrite(output, reason: "it is there; --force replaces it")
    }
    if isThere(checkpoint) {
      throw FileError.cannotWrite(
        checkpoint, reason: "it is there; --resume goes on from it, --force begins anew")
    }
  }

  private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// The data without what cannot be used, after every file has been read.
  private func checkedData(_ base: String, _ console: Console) throws -> DataSet {
    let data = try dataOptions.open(self.data).inspected(
      forBase: base,
      work: Work { console.progress("   \($0.done) of \($0.planned) files checked") })
    console.endProgress()
    for finding in data.findings {
      let isListed = finding.effect != .none
      let lines = DataSetFindings.lines([finding], limit: isListed ? .max : 0)
      if isListed {
        for line in lines { console.report(line) }
      } else {
        console.report("\(finding.summary); `prism dataset` names them")
      }
    }
    let missing = data.splits.reduce(0) { $0 + $1.missing.count }
    if missing > 0 {
      console.report("\(missing) files are missing and left out; `prism dataset` names them")
    }
    return try data.usable(skipsBad: skipBad, allowsOverlap: allowOverlap)
  }

  private func options(for data: DataSet) throws -> TrainingOptions {
    var options = TrainingOptions()
    options.task =
      task?.element
      ?? (data.isMultiLabel ? .multilabel : data.labels.count == 2 ? .binary : .multiclass)
    options.head = head
    options.fineTuning = try fineTuning()
    // Without fine-tuning there is one phase, and either option means it.
    options.warmupEpochs =
      warmupEpochs ?? (options.fineTuning == .none ? epochs : nil) ?? options.warmupEpochs
    options.epochs = epochs ?? options.epochs
    options.learningRate = learningRate
    options.rateDivisor = rateDivisor
    options.batch = batch
    options.seed = seed
    options.method = optimizer == .adam ? .adam() : .sgd(momentum: momentum)
    options.weightDecay = weightDecay
    options.balancesLabels = balance
    options.patience = patience
    options.monitor = monitor.element
    options.augmentation = augment ? Augmentation() : nil
    options.threshold = threshold
    options.sensitivity = sensitivity
    return options
  }

  private func findRate(_ trainer: Trainer, _ console: Console) throws -> Status {
    let range = try trainer.rateRange(
      work: Work { console.progress("   \($0.done) of \($0.planned) samples") })
    console.endProgress()
    try AtomicFile.write(range.csv, to: "\(stem).rates.csv")
    try range.rendered(title: "\(stem): learning rates").write(to: "\(stem).rates.png")
    console.print(
      range.suggestion.map {
        "\(stem).rates.png: --learning-rate \(Text.number($0))"
      }
        ?? "\(stem).rates.png: at no rate does the loss fall")
    return .done
  }

  private func train(
    _ trainer: Trainer, _ card: ModelCard, _ console: Console
  ) throws -> Status {
    Interruption.catchSignals()
    let outcome: Trainer.Outcome
    do {
      outcome = try trainer.train(
        output: output, checkpoint: checkpoint, resumes: resume,
        type: half ? .float16 : .float32, card: card,
        shouldStop: { Interruption.isRequested }, report: { show($0, console) })
    } catch TrainingError.nothingLearnt(let path) {
      console.endProgress()
      console.report("prism: \(TrainingError.nothingLearnt(path))")
      return .interrupted
    }
    console.endProgress()
    let curve = outcome.curve
    try AtomicFile.write(curve.csv, to: "\(stem).curve.csv")
    try curve.rendered(title: card.name).write(to: "\(stem).curve.png")
    if let best = curve.epochs.first(where: { $0.epoch == curve.best }) {
      console.print("\(output): epoch \(best.epoch), \(summary(of: best))")
    }
    if !outcome.operatingPoints.isEmpty {
      for line in TextTable.lines(rows(outcome.operatingPoints)) { console.print("  \(line)") }
    }
    guard outcome.wasStopped else { return .done }
    console.report("stopped; --resume goes on from the last finished epoch")
    return .interrupted
  }

  private func rows(_ points: [OperatingPoint]) -> [[String]] {
    func text(_ rate: Rate) -> String {
      guard let value = rate.value, let interval = rate.interval else { return "not known" }
      return "\(NumberText.decimal(value)) (\(NumberText.decimal(interval.lowerBound)) to "
        + "\(NumberText.decimal(interval.upperBound)))"
    }
    return [["label", "threshold", "sensitivity in validation", "specificity", ""]]
      + points.map { point in
        let few = point.sensitivity.trials < Evaluation.fewest
        return [
          Text.printable(point.label), NumberText.decimal(point.threshold), text(point.sensitivity),
          text(point.specificity),
          point.isFallback
            ? "no positive samples: the usual threshold"
            : few ? "chosen on only \(point.sensitivity.trials) positive samples" : "",
        ]
      }
  }

  private func show(_ event: TrainingEvent, _ console: Console) {
    switch event {
    case .phase(let number, let text):
      console.endProgress()
      console.report("\(number). \(text)")
    case .features(let done, let count):
      console.progress("   \(done) of \(count) samples read")
    case .step(let epoch, let count, let step, let steps, let loss, let secondsLeft):
      console.progress(
        "   epoch \(epoch) of \(count), step \(step) of \(steps), "
          + "loss \(NumberText.decimal(loss)), \(NumberText.duration(secondsLeft)) left")
    case .epoch(let record, let isBest, let seconds):
      console.endProgress()
      console.report(
        "   epoch \(record.epoch): \(summary(of: record)), \(NumberText.duration(seconds))"
          + (isBest ? ", best so far" : ""))
    }
  }

  private func summary(of record: EpochRecord) -> String {
    "training loss \(NumberText.decimal(record.trainingLoss)), "
      + "validation loss \(NumberText.decimal(record.validationLoss)), "
      + "accuracy \(NumberText.decimal(record.validationAccuracy))"
      + (record.validationAUC.map { ", AUC \(NumberText.decimal($0))" } ?? "")
  }
}
