internal import PrismAutodiff
public import PrismCard
internal import PrismFiles
internal import PrismLayers
internal import PrismModels
internal import PrismRuntime
public import PrismTensor
public import PrismWeights
internal import Synchronization

/// Makes a network's input of a file: what pictures and sounds differ in.
public protocol SampleLoader: Sendable {
  /// The network's input for a file, `[1, H, W, 3]`.
  ///
  /// - Throws: Why the file cannot be used, naming it.
  func load(_ path: String) throws -> Tensor
}

/// Trains a new head on a published base, then the base's last layers: transfer learning in five phases.
///
/// 1. The base is opened and frozen, and a new head is put on it. 2. The features that the frozen base gives are
/// computed once. 3. Warm-up: the head alone is trained on them. 4. From the best epoch on, the last layers of the base
/// are fine-tuned at a lower rate, on features of what stays frozen. 5. The epoch with the lowest validation loss is
/// kept.
public struct Trainer {
  /// The card of the model that comes out.
  public let card: ModelCard
  private let base: SafetensorsFile
  private let network: Network
  private let options: TrainingOptions
  private let data: DataSet
  private let training, validation: [DataSet.Sample]
  private let loader: any SampleLoader
  private let objective: Objective
  private let startingTensors: [String: Tensor]

  /// Prepares training.
  ///
  /// - Parameters:
  ///   - base: The weights whose convolutional base is used; its head is left out.
  ///   - baseCard: The card of the base.
  ///   - data: Has a training and a validation split.
  ///   - input: What the network is given; the base's unless it is made of something else.
  ///   - loader: Makes inputs of files.
  ///   - options: How the network is trained.
  /// - Throws: ``TrainingError``, ``DataSetError``, `WeightError`, `ShapeError`.
  public init(
    base: SafetensorsFile, card baseCard: ModelCard, data: DataSet, input: ModelCard.Input? = nil,
    loader: any SampleLoader, options: TrainingOptions
  ) throws {
    let found = data.splits.map(\.name)
    for name in ["training", "validation"] where data.split(name)?.samples.isEmpty ?? true {
      throw DataSetError.noSplit(data.path, name, found: found)
    }
    training = data.split("training")?.samples ?? []
    validation = data.split("validation")?.samples ?? []
    let task = options.task
    if data.isMultiLabel != (task == .multilabel) {
      throw TrainingError.wrongTask(
        task.rawValue,
        reason: data.isMultiLabel
          ? "a sample may have several labels; use multilabel"
          : "a sample has one label; use \(data.labels.count == 2 ? "binary" : "multiclass")")
    }
    if task == .binary, data.labels.count != 2 {
      throw TrainingError.wrongTask(
        task.rawValue, reason: "there are \(data.labels.count) labels; use multiclass")
    }
    let labelCount = data.labels.count
    objective = Objective(
      task, labelCount: labelCount,
      weights: options.balancesLabels
        ? Objective.balancedWeights(task, labelCount: labelCount, samples: training) : nil)

    var card = baseCard
    card.head = try ModelCard.HeadLayer.chain(options.head, logits: objective.logitCount)
    card.labels = data.labels
    switch task {
    case .binary: card.output = .binary(threshold: options.threshold)
    case .multilabel: card.output = .sigmoid(threshold: options.threshold)
    case .multiclass: card.output = .softmax
    }
    if let input { card.input = input }
    card.description = ""
    card.source = "trained by Prism from \(baseCard.name) (\(baseCard.source))"
    try card.validate(file: base.path)
    (network, startingTensors) = try Self.build(card, base: base, seed: options.seed)
    self.card = card
    self.base = base
    self.data = data
    self.loader = loader
    self.options = options
    if case .layer(let name) = options.fineTuning {
      _ = try Self.firstIndex(of: name, network, card)
    }
  }

  /// The base's tensors with those of a new head.
  private static func build(
    _ card: ModelCard, base: SafetensorsFile, seed: UInt64
  ) throws -> (Network, [String: Tensor]) {
    let heads = card.head.compactMap { layer -> String? in
      switch layer {
      case .dense(let name, _, _), .batchNorm(let name, _): name + "."
      default: nil
      }
    }
    let made = Mutex<(tensors: [String: Tensor], missing: [String], failure: (any Error)?)>(
      ([:], [], nil))
    let network = try WeightReader.bind(making: { name, shape in
      var tensor = Tensor([])
      if heads.contains(where: { name.hasPrefix($0) }) {
        tensor = Initialization.tensor(name, shape, seed: seed)
      } else if base.entry(name)?.shape == shape {
        do {
          tensor = try base.tensor(name)
        } catch {
          made.withLock { $0.failure = $0.failure ?? error }
          tensor = Tensor(shape)
        }
      } else {
        made.withLock { $0.missing.append(name) }
        tensor = Tensor(shape)
      }
      made.withLock { $0.tensors[name] = tensor }
      return tensor
    }) { reader in try Network(card, reader) }
    return try made.withLock { made in
      if let failure = made.failure { throw failure }
      guard made.missing.isEmpty else {
        throw WeightError.mismatch(file: base.path, WeightMismatch(missing: made.missing))
      }
      return (network, made.tensors)
    }
  }

  // MARK: - What is trained

  /// The names of the head's parameters that gradients move.
  private var headNames: Set<String> {
    Set(startingTensors.keys.filter { $0.hasPrefix("classifier.") && !isStatistic($0) })
  }

  /// The names of the parameters that are trained in a phase.
  private func trainedNames(_ phase: EpochRecord.Phase) throws -> Set<String> {
    guard phase == .fineTuning else { return headNames }
    let recording = try network.recordBase()
    let layers = recording.ids.filter { id in
      let primitive = recording.primitive(of: id)
      return primitive is Convolution || primitive is DepthwiseConvolution
    }
    var names = headNames
    let first: Int
    switch options.fineTuning {
    case .none: return names
    case .layer(let name):
      first = try Self.firstIndex(of: name, network, card)
      let layer = card.layers.aliases[name] ?? name
      names.formUnion(startingTensors.keys.filter { $0.hasPrefix("\(layer).") && !isStatistic($0) })
    case .share(let share):
      let count = min(layers.count, max(0, Int((share * Double(layers.count)).rounded(.up))))
      guard count > 0 else { return names }
      first = layers[layers.count - count].index
    }
    let parameterNames = recording.parameterNames
    for id in recording.ids where id.index >= first {
      for operand in recording.operands(of: id) {
        if let name = parameterNames[operand], !isStatistic(name) { names.insert(name) }
      }
    }
    return names
  }

  private func isStatistic(_ name: String) -> Bool {
    name.hasSuffix(".running_mean") || name.hasSuffix(".running_var")
  }

  /// The place of a named layer in the recording of the base.
  private static func firstIndex(
    of name: String, _ network: Network, _ card: ModelCard
  ) throws -> Int {
    let recording = try network.recordBase()
    guard let id = recording.value(named: card.layers.aliases[name] ?? name),
      !recording.isParameter(id)
    else {
      let known = recording.names.filter { !recording.isParameter($0.value) }.map(\.name)
      throw TrainingError.noLayer(
        name, nearest: Text.nearest(to: name, among: known + card.layers.aliases.keys))
    }
    return id.index
  }

  // MARK: - Training

  /// What came out of training.
  public struct Outcome: Sendable {
    /// The course of training.
    public let curve: LearningCurve
    /// Whether it was stopped before its end.
    public let wasStopped: Bool
  }

  /// Trains and writes the best model.
  ///
  /// - Parameters:
  ///   - output: The path of the weights file.
  ///   - checkpoint: The path of the checkpoint, written after every epoch and removed at the end.
  ///   - resumes: Whether to go on from the checkpoint.
  ///   - type: How the tensors of the published file are stored.
  ///   - published: The card of the published file, made of ``card`` by its owner.
  ///   - shouldStop: Asked between steps; `true` ends training with the best epoch so far.
  ///   - report: Is told what happens.
  /// - Returns: The course of training.
  /// - Throws: ``TrainingError``, `WeightError`, what the loader throws.
  public func train(
    output: String, checkpoint: String, resumes: Bool,
    type: SafetensorsWriter.ElementType = .float32, card published: ModelCard? = nil,
    shouldStop: () -> Bool = { false }, report: (TrainingEvent) -> Void = { _ in }
  ) throws -> Outcome {
    let fingerprint = runFingerprint
    var state = Checkpoint()
    if resumes {
      guard Folder.exists(checkpoint) else { throw TrainingError.noCheckpoint(checkpoint) }
      state = try Checkpoint(contentsOf: checkpoint, fingerprint: fingerprint)
    }
    report(
      .phase(
        number: 1,
        text:
          "base \(card.architecture.rawValue) with a new head of \(objective.logitCount) outputs; "
          + "\(training.count) samples to train, \(validation.count) to validate"))
    let phases: [EpochRecord.Phase] =
      options.fineTuning == .none ? [.warmup] : [.warmup, .fineTuning]
    var wasStopped = false
    for phase in phases where !wasStopped {
      if state.phase == .fineTuning, phase == .warmup { continue }
      if state.phase != phase {
        state.phase = phase
        state.epochsOfPhase = 0
        state.current = state.best
        (state.first, state.second, state.optimizerSteps) = ([:], [:], 0)
      }
      wasStopped = try run(
        phase, &state, checkpoint: checkpoint, fingerprint: fingerprint, output: output,
        shouldStop: shouldStop, report: report)
    }
    guard !state.best.isEmpty else { throw TrainingError.nothingLearnt(output) }
    report(.phase(number: 5, text: "epoch \(state.curve.best ?? 0) has the lowest validation loss"))
    var writer = SafetensorsWriter(card: published ?? card)
    for name in startingTensors.keys.sorted() {
      if let tensor = state.best[name] ?? startingTensors[name] {
        writer.add(name, tensor, as: type)
      }
    }
    try writer.write(to: output)
    if !wasStopped { Folder.remove(checkpoint) }
    return Outcome(curve: state.curve, wasStopped: wasStopped)
  }

  /// What a checkpoint must agree with.
  private var runFingerprint: [JSON.Member] {
    var digest = CounterRandom(name: "samples").bits(0)
    for (i, sample) in (training + validation).enumerated() {
      digest = CounterRandom(name: "\(digest)/\(sample.path)/\(sample.truth)").bits(i)
    }
    return options.fingerprint + [
      .init(name: "base", value: .string(base.sha256)),
      .init(name: "list of samples", value: .string(String(digest, radix: 16))),
    ]
  }

  /// One phase; `true` where it was stopped from outside.
  private func run(
    _ phase: EpochRecord.Phase, _ state: inout Checkpoint, checkpoint: String,
    fingerprint: [JSON.Member], output: String, shouldStop: () -> Bool,
    report: (TrainingEvent) -> Void
  ) throws -> Bool {
    let limit = phase == .warmup ? options.warmupEpochs : options.epochs
    let rate =
      phase == .warmup ? options.learningRate : options.learningRate / options.rateDivisor
    guard !isOver(phase, state, limit: limit) else { return false }
    let trained = try trainedNames(phase)
    var learner = try Learner(
      network, parameters: startingTensors.merging(state.current) { $1 }, trained: trained,
      objective: objective)
    var optimizer = Optimizer(
      options.method, rate: rate, decay: options.weightDecay, steps: state.optimizerSteps,
      first: state.first, second: state.second)
    (state.first, state.second) = ([:], [:])
    // What the checkpoint holds: all that may differ from the base.
    let kept = trained.union(startingTensors.keys.filter { $0.hasPrefix("classifier.") })

    let features = Features(
      learner: learner, loader: loader, augmentation: options.augmentation, seed: options.seed,
      limit: options.cacheLimit)
    report(
      .phase(
        number: phase == .warmup ? 2 : 4,
        text: phase == .warmup
          ? "features of the frozen base" : "fine-tuning \(trained.count) tensors at rate \(rate)"))
    let clock = ContinuousClock()
    let all = training.count + validation.count
    let caches = features.canCache(all)
    let canCacheTraining = caches && options.augmentation == nil
    var cached: [Tensor] = []
    var cachedValidation: [Tensor] = []
    if canCacheTraining {
      cached = try features.all(of: training) { report(.features(done: $0, of: all)) }
    }
    if caches {
      cachedValidation = try features.all(of: validation) {
        report(.features(done: $0 + (canCacheTraining ? training.count : 0), of: all))
      }
    }
    if phase == .warmup {
      report(.phase(number: 3, text: "warm-up of the head at rate \(rate)"))
    }

    let stepsPerEpoch = (training.count + options.batch - 1) / options.batch
    var secondsPerStep = 0.0
    while !isOver(phase, state, limit: limit) {
      let epochStart = clock.now
      let epoch = state.curve.epochs.count + 1
      // The order and the changes of an epoch depend on the seed and its number alone.
      let epochSeed = CounterRandom(seed: options.seed).bits(epoch)
      var random = SeededRandom(seed: epochSeed)
      var order = Array(training.indices)
      order.shuffle(using: &random)
      let stream =
        canCacheTraining
        ? nil : features.stream(of: order.map { training[$0] }, epochSeed: epochSeed)
      defer { stream?.stop() }
      var total = 0.0
      for step in 0..<stepsPerEpoch {
        if shouldStop() { return true }
        let stepStart = clock.now
        let chosen = order[(step * options.batch)..<min((step + 1) * options.batch, order.count)]
        let inputs = try stream?.next(chosen.count) ?? chosen.map { cached[$0] }
        let loss = try learner.step(
          features: inputs, truths: chosen.map { training[$0].truth }, optimizer: &optimizer,
          seed: CounterRandom(seed: options.seed ^ 0x5DEE_CE66).bits(state.steps))
        guard loss.isFinite else {
          throw TrainingError.diverged(phase: phase.rawValue, epoch: epoch)
        }
        state.steps += 1
        total += loss * Double(chosen.count)
        let seconds = (clock.now - stepStart) / .seconds(1)
        secondsPerStep = secondsPerStep == 0 ? seconds : 0.95 * secondsPerStep + 0.05 * seconds
        let left = (limit - state.epochsOfPhase) * stepsPerEpoch - step - 1
        report(
          .step(
            epoch: state.epochsOfPhase + 1, of: limit, step: step + 1, steps: stepsPerEpoch,
            loss: loss, secondsLeft: Double(left) * secondsPerStep))
      }
      let record = try validate(
        learner, phase: phase, epoch: epoch, trainingLoss: total / Double(training.count),
        cached: caches ? cachedValidation : nil, features: features)
      guard record.validationLoss.isFinite else {
        throw TrainingError.diverged(phase: phase.rawValue, epoch: epoch)
      }
      state.curve.epochs.append(record)
      state.epochsOfPhase += 1
      state.current = learner.parameters.filter { kept.contains($0.key) }
      if state.curve.best == epoch { state.best = state.current }
      (state.first, state.second) = (optimizer.first, optimizer.second)
      state.optimizerSteps = optimizer.steps
      try state.write(to: checkpoint, fingerprint: fingerprint)
      (state.first, state.second, state.current) = ([:], [:], [:])
      report(
        .epoch(
          record, isBest: state.curve.best == epoch,
          seconds: (clock.now - epochStart) / .seconds(1)))
    }
    state.current = learner.parameters.filter { kept.contains($0.key) }
    return false
  }

  /// Whether a phase has made its epochs or no progress for too long.
  private func isOver(_ phase: EpochRecord.Phase, _ state: Checkpoint, limit: Int) -> Bool {
    if state.epochsOfPhase >= limit { return true }
    guard let patience = options.patience else { return false }
    let records = state.curve.epochs.filter { $0.phase == phase }
    let best = records.min {
      ($0.validationLoss, $0.epoch) < ($1.validationLoss, $1.epoch)
    }
    guard let best, let last = records.last else { return false }
    return last.epoch - best.epoch >= patience
  }

  private func validate(
    _ learner: Learner, phase: EpochRecord.Phase, epoch: Int, trainingLoss: Double,
    cached: [Tensor]?, features: Features
  ) throws -> EpochRecord {
    let stream = cached == nil ? features.stream(of: validation, epochSeed: nil) : nil
    defer { stream?.stop() }
    let logits = try learner.logits(count: validation.count) { range in
      if let cached { return Array(cached[range]) }
      return try stream?.next(range.count) ?? []
    }
    let truths = validation.map(\.truth)
    guard logits.isFinite else {
      throw TrainingError.diverged(phase: phase.rawValue, epoch: epoch)
    }
    let evaluation = Evaluation(
      probabilities: objective.probabilities(logits), truths: truths, task: options.task,
      labels: data.labels, resamples: 0)
    return EpochRecord(
      phase: phase, epoch: epoch, trainingLoss: trainingLoss,
      validationLoss: try objective.loss(logits, truths),
      validationAccuracy: evaluation.measure("accuracy")?.value ?? 0,
      validationAUC: evaluation.measure(options.task == .binary ? "auc" : "macro_auc")?.value)
  }
}

/// Features of samples, read ahead by several threads.
private struct Features {
  let learner: Learner
  let loader: any SampleLoader
  let augmentation: Augmentation?
  let seed: UInt64
  let limit: Int

  /// The samples whose inputs exist at a time.
  private static let chunk = 32

  func canCache(_ samples: Int) -> Bool {
    samples <= limit / (learner.featureShape.count * MemoryLayout<Float>.stride)
  }

  /// The features of all samples, without augmentation.
  func all(of samples: [DataSet.Sample], report: (Int) -> Void) throws -> [Tensor] {
    let stream = stream(of: samples, epochSeed: nil)
    defer { stream.stop() }
    var result: [Tensor] = []
    while result.count < samples.count {
      result += try stream.next(min(Self.chunk, samples.count - result.count))
      report(result.count)
    }
    return result
  }

  /// The features of samples in their order; augmented where there is a seed.
  func stream(of samples: [DataSet.Sample], epochSeed: UInt64?) -> FeatureStream {
    let (loader, augmentation) = (loader, augmentation)
    let inputs = Prefetcher(
      count: samples.count, ahead: 2 * Self.chunk, threads: Workers.count
    ) { index in
      let input = try loader.load(samples[index].path)
      guard let augmentation, let epochSeed else { return input }
      return augmentation.apply(input, seed: CounterRandom(seed: epochSeed).bits(index))
    }
    return FeatureStream(learner: learner, inputs: inputs)
  }
}

/// Features that are computed as they are asked for.
private struct FeatureStream {
  let learner: Learner
  let inputs: Prefetcher

  /// The features of the next samples.
  func next(_ count: Int) throws -> [Tensor] {
    var images: [Tensor] = []
    while images.count < count, let image = try inputs.next() { images.append(image) }
    return try learner.features(Tensor.stacking(images))
  }

  func stop() { inputs.stop() }
}
