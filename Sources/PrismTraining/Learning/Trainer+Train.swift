internal import PrismKernels
public import PrismCard
internal import PrismFiles
public import PrismRuntime
internal import PrismTensor
public import PrismWeights

extension Trainer {
  /// What came out of training.
  public struct Outcome: Sendable, Equatable, Codable {
    /// The course of training.
    public let curve: LearningCurve
    /// Whether it was stopped before its end.
    public let wasStopped: Bool
    /// The thresholds that reach the sensitivity that was asked for, on the validation split; empty
    /// where none was.
    public let operatingPoints: [OperatingPoint]
  }

  /// Trains and writes the best model.
  ///
  /// - Parameters:
  ///   - output: The path of the weights file.
  ///   - checkpoint: The path of the checkpoint, written after every epoch and removed at the end.
  ///   - resumes: Whether to go on from the checkpoint.
  ///   - type: How the tensors of the published file are stored.
  ///   - published: The card of the published file, made of ``card`` by its owner.
  ///   - work: Is told of samples that went through the network; a cancelled task ends training
  ///     between two steps, and the checkpoint stays.
  ///   - shouldStop: Asked between steps; `true` ends training with the best epoch so far.
  ///   - report: Is told what happens.
  /// - Returns: The course of training.
  /// - Throws: ``TrainingError``, `WeightError`, what the loader throws, `CancellationError`.
  public func train(
    output: String, checkpoint: String, resumes: Bool,
    type: SafetensorsWriter.ElementType = .float32, card published: ModelCard? = nil,
    work: Work = .unwatched, shouldStop: @escaping () -> Bool = { false },
    report: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws -> Outcome {
    let fingerprint = try fingerprint(work)
    var state = Checkpoint(monitor: options.monitor)
    if resumes {
      guard Folder.exists(checkpoint) else { throw TrainingError.noCheckpoint(checkpoint) }
      state = try Checkpoint(
        SafetensorsFile(contentsOf: checkpoint), fingerprint: fingerprint,
        parameters: startingTensors,
        monitor: options.monitor)
    }
    report(
      .phase(
        number: 1,
        text:
          "base \(card.architecture.rawValue) with a new head of \(objective.logitCount) outputs; "
          + "\(training.count) samples to train, \(validation.count) to validate"))
    var run = TrainingRun(
      trainer: self, checkpoint: checkpoint, fingerprint: fingerprint, work: work,
      shouldStop: shouldStop, report: report, state: state)
    let wasStopped = try run.run()
    state = run.state
    guard !state.best.isEmpty else { throw TrainingError.nothingLearnt(output) }
    report(
      .phase(
        number: 5,
        text: "epoch \(state.curve.best ?? 0) has \(options.monitor.superlative) in validation"))
    let points = try operatingPoints(state.best, work)
    try write(state.best, (published ?? card).with(points), type, to: output)
    if !wasStopped { Folder.remove(checkpoint) }
    return Outcome(curve: state.curve, wasStopped: wasStopped, operatingPoints: points)
  }

  private func write(
    _ best: [String: Tensor], _ card: ModelCard, _ type: SafetensorsWriter.ElementType,
    to output: String
  ) throws {
    var writer = SafetensorsWriter(card: card)
    writer.metadata[TrainedData.key] = TrainedData(data).json.description
    for name in startingTensors.keys.sorted() {
      if let tensor = best[name] ?? startingTensors[name] {
        writer.add(name, tensor, as: type)
      }
    }
    try writer.write(to: output)
  }

  /// What a checkpoint must agree with: the options, the base, and the samples, names and contents.
  private func fingerprint(_ work: Work) throws -> [JSON.Member] {
    let samples = training + validation
    var list = CounterRandom(name: "samples").bits(0)
    for (i, sample) in samples.enumerated() {
      list = CounterRandom(name: "\(list)/\(sample.path)/\(sample.truth)").bits(i)
    }
    let digests = Prefetcher(count: samples.count, ahead: 64, threads: Workers.count) { index in
      SHA256.hexadecimalDigest(of: try Files.read(samples[index].path))
    }
    defer { digests.stop() }
    var contents = SHA256()
    while let digest = try digests.next() {
      Array(digest.utf8).withUnsafeBytes { contents.update($0) }
      try work.check()
    }
    return options.fingerprint + [
      .init(name: "base", value: .string(base.sha256)),
      .init(name: "list of samples", value: .string(String(list, radix: 16))),
      .init(name: "set of pictures or sounds", value: .string(contents.hexadecimalDigest())),
    ]
  }

  /// For every label the threshold that reaches the sensitivity asked for on the validation split.
  private func operatingPoints(
    _ best: [String: Tensor], _ work: Work
  ) throws -> [OperatingPoint] {
    guard let sensitivity = options.sensitivity else { return [] }
    let learner = try Learner(
      network, parameters: startingTensors.merging(best) { $1 }, trained: headNames,
      objective: objective)
    let stream = Features(self, learner).stream(of: validation, epochSeed: nil)
    defer { stream.stop() }
    work.plan(validation.count)
    let logits = try learner.logits(count: validation.count) { range in
      try work.did(range.count)
      return try stream.next(range.count)
    }
    let rows = objective.probabilities(logits)
    return objective.measuredLabels.map { label in
      let known = validation.indices.filter { validation[$0].truth.has(label) != nil }
      return OperatingPoint(
        label: data.labels[label], scores: known.map { rows[$0][label] },
        truths: known.map { validation[$0].truth.has(label) ?? false },
        sensitivity: sensitivity, otherwise: options.threshold)
    }
  }
}

extension ModelCard {
  /// The card with thresholds that were chosen.
  fileprivate func with(_ points: [OperatingPoint]) -> ModelCard {
    guard !points.isEmpty else { return self }
    var card = self
    switch output {
    case .softmax: break
    case .binary: card.output = .binary(threshold: points[0].threshold)
    case .sigmoid(let threshold, _):
      card.output = .sigmoid(threshold: threshold, perLabel: points.map(\.threshold))
    }
    return card
  }
}

/// What a weights file says of the data that it was trained on, so that they are known again.
public struct TrainedData: Sendable, Equatable, Codable {
  /// The key in the metadata of a safetensors file.
  public static let key = "prism.data"

  /// ``DataSet/listDigest`` of the data.
  public let list: String
  /// ``DataSet/dividingSeed`` of the data.
  public let seed: UInt64?

  init(_ data: DataSet) {
    list = data.listDigest
    seed = data.dividingSeed
  }

  /// Reads what a weights file says, or `nil` where it says nothing that can be read.
  public init?(_ file: SafetensorsFile) {
    guard let text = file.metadata[Self.key], let json = try? JSONReader.parse(text),
      let list = json["list"]?.string
    else { return nil }
    self.list = list
    seed = json["split_seed"]?.string.flatMap { UInt64($0) }
  }

  var json: JSON {
    [
      "list": .string(list),
      "split_seed": seed.map { .string(String($0)) } ?? .null,
    ]
  }
}
