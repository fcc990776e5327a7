internal import PrismFiles
internal import PrismRuntime
internal import PrismTensor

/// One run of training: its state, which changes from epoch to epoch, and who is told of it.
struct TrainingRun {
  let trainer: Trainer
  let checkpoint: String
  let fingerprint: [JSON.Member]
  let work: Work
  let shouldStop: () -> Bool
  let report: (TrainingEvent) -> Void
  var state: Checkpoint

  /// What a phase works with.
  private struct Part {
    let phase: EpochRecord.Phase
    let limit: Int
    var learner: Learner
    var optimizer: Optimizer
    let features: Features
    /// The names of all parameters that may differ from the base.
    let kept: Set<String>
    /// Features that are computed once, where they fit into memory.
    var training, validation: [Tensor]?
    var secondsPerStep = 0.0

    var parameters: [String: Tensor] {
      learner.parameters.filter { kept.contains($0.key) }
    }
  }

  private var options: TrainingOptions { trainer.options }
  private var samples: [DataSet.Sample] { trainer.training }

  /// Runs the phases that are left; `true` where it was stopped from outside.
  mutating func run() throws -> Bool {
    let phases: [EpochRecord.Phase] =
      options.fineTuning == .none ? [.warmup] : [.warmup, .fineTuning]
    for phase in phases {
      if state.phase == .fineTuning, phase == .warmup { continue }
      if state.phase != phase { state.begin(phase) }
      if try run(phase) { return true }
    }
    return false
  }

  private mutating func run(_ phase: EpochRecord.Phase) throws -> Bool {
    let limit = phase == .warmup ? options.warmupEpochs : options.epochs
    guard !isOver(phase, limit: limit) else { return false }
    var part = try part(phase, limit: limit)
    work.plan((limit - state.epochsOfPhase) * (samples.count + trainer.validation.count))
    while !isOver(phase, limit: limit) {
      guard try runEpoch(&part) else { return true }
    }
    state.current = part.parameters
    return false
  }

  /// Whether a phase has made its epochs or no progress for too long.
  private func isOver(_ phase: EpochRecord.Phase, limit: Int) -> Bool {
    if state.epochsOfPhase >= limit { return true }
    guard let patience = options.patience else { return false }
    let records = state.curve.epochs.filter { $0.phase == phase }
    guard let best = options.monitor.best(of: records), let last = records.last else {
      return false
    }
    return last.epoch - best.epoch >= patience
  }

  // MARK: - A phase

  private mutating func part(_ phase: EpochRecord.Phase, limit: Int) throws -> Part {
    let rate =
      phase == .warmup ? options.learningRate : options.learningRate / options.rateDivisor
    let trained = try trainer.trainedNames(phase)
    let learner = try Learner(
      trainer.network, parameters: trainer.startingTensors.merging(state.current) { $1 },
      trained: trained, objective: trainer.objective)
    let optimizer = Optimizer(
      options.method, rate: rate, decay: options.weightDecay, steps: state.optimizerSteps,
      first: state.first, second: state.second)
    (state.first, state.second) = ([:], [:])
    var part = Part(
      phase: phase, limit: limit, learner: learner, optimizer: optimizer,
      features: Features(trainer, learner),
      kept: trained.union(trainer.startingTensors.keys.filter { $0.hasPrefix("classifier.") }))
    report(
      .phase(
        number: phase == .warmup ? 2 : 4,
        text: phase == .warmup
          ? "features of the frozen base" : "fine-tuning \(trained.count) tensors at rate \(rate)"))
    try cacheFeatures(&part)
    if phase == .warmup { report(.phase(number: 3, text: "warm-up of the head at rate \(rate)")) }
    return part
  }

  private func cacheFeatures(_ part: inout Part) throws {
    let validation = trainer.validation
    let all = samples.count + validation.count
    guard part.features.canCache(all) else { return }
    var done = 0
    if options.augmentation == nil {
      work.plan(samples.count)
      part.training = try part.features.all(of: samples, work: work) {
        report(.features(done: $0, of: all))
      }
      done = samples.count
    }
    work.plan(validation.count)
    part.validation = try part.features.all(of: validation, work: work) {
      report(.features(done: $0 + done, of: all))
    }
  }

  // MARK: - An epoch

  /// Makes one epoch; `false` where it was stopped from outside.
  private mutating func runEpoch(_ part: inout Part) throws -> Bool {
    let clock = ContinuousClock()
    let start = clock.now
    let epoch = state.curve.epochs.count + 1
    guard let loss = try makeSteps(&part, epoch: epoch) else { return false }
    let record = try validate(part, epoch: epoch, trainingLoss: loss)
    state.curve.epochs.append(record)
    state.epochsOfPhase += 1
    state.current = part.parameters
    let isBest = state.curve.best == epoch
    if isBest { state.best = state.current }
    (state.first, state.second) = (part.optimizer.first, part.optimizer.second)
    state.optimizerSteps = part.optimizer.steps
    try state.write(to: checkpoint, fingerprint: fingerprint)
    (state.first, state.second, state.current) = ([:], [:], [:])
    report(.epoch(record, isBest: isBest, seconds: (clock.now - start) / .seconds(1)))
    return true
  }

  /// The mean loss of an epoch's steps, or `nil` where it was stopped from outside.
  private mutating func makeSteps(_ part: inout Part, epoch: Int) throws -> Double? {
    let clock = ContinuousClock()
    // The order and the changes of an epoch depend on the seed and its number alone.
    let epochSeed = CounterRandom(seed: options.seed).bits(epoch)
    var random = SeededRandom(seed: epochSeed)
    var order = Array(samples.indices)
    order.shuffle(using: &random)
    let stream =
      part.training == nil
      ? part.features.stream(of: order.map { samples[$0] }, epochSeed: epochSeed) : nil
    defer { stream?.stop() }
    let steps = (order.count + options.batch - 1) / options.batch
    var total = 0.0
    for step in 0..<steps {
      if shouldStop() { return nil }
      let start = clock.now
      let chosen = order[(step * options.batch)..<min((step + 1) * options.batch, order.count)]
      let inputs =
        try stream?.next(chosen.count) ?? chosen.compactMap { part.training?[$0] }
      let loss = try part.learner.step(
        features: inputs, truths: chosen.map { samples[$0].truth }, optimizer: &part.optimizer,
        seed: CounterRandom(seed: options.seed ^ 0x5DEE_CE66).bits(state.steps))
      guard loss.isFinite else {
        throw TrainingError.diverged(phase: part.phase.rawValue, epoch: epoch)
      }
      state.steps += 1
      total += loss * Double(chosen.count)
      try work.did(chosen.count)
      let seconds = (clock.now - start) / .seconds(1)
      part.secondsPerStep =
        part.secondsPerStep == 0 ? seconds : 0.95 * part.secondsPerStep + 0.05 * seconds
      let left = (part.limit - state.epochsOfPhase) * steps - step - 1
      report(
        .step(
          epoch: state.epochsOfPhase + 1, of: part.limit, step: step + 1, steps: steps, loss: loss,
          secondsLeft: Double(left) * part.secondsPerStep))
    }
    return total / Double(order.count)
  }

  private func validate(_ part: Part, epoch: Int, trainingLoss: Double) throws -> EpochRecord {
    let samples = trainer.validation
    let stream =
      part.validation == nil ? part.features.stream(of: samples, epochSeed: nil) : nil
    defer { stream?.stop() }
    let logits = try part.learner.logits(count: samples.count) { range in
      try work.did(range.count)
      if let known = part.validation { return Array(known[range]) }
      return try stream?.next(range.count) ?? []
    }
    let truths = samples.map(\.truth)
    let objective = trainer.objective
    let loss = logits.isFinite ? try objective.loss(logits, truths) : .nan
    guard loss.isFinite else {
      throw TrainingError.diverged(phase: part.phase.rawValue, epoch: epoch)
    }
    let evaluation = Evaluation(
      probabilities: objective.probabilities(logits), truths: truths, task: options.task,
      labels: trainer.data.labels, resamples: 0)
    let prefix = options.task == .binary ? "" : "macro_"
    return EpochRecord(
      phase: part.phase, epoch: epoch, trainingLoss: trainingLoss, validationLoss: loss,
      validationAccuracy: evaluation.measure("accuracy")?.value ?? 0,
      validationAUC: evaluation.measure(prefix + "auc")?.value,
      validationAveragePrecision: evaluation.measure(prefix + "average_precision")?.value)
  }
}
