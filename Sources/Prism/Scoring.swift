internal import PrismModels
public import PrismRuntime

extension Model {
  /// What the model says of one sample.
  public struct Scored: Sendable, Equatable, Codable {
    /// The sample, its labels in the order of the model's.
    public let sample: DataSet.Sample
    /// The split that it is in.
    public let split: String
    /// The probability of every label.
    public let probabilities: [Double]
  }

  /// The part of data that a measurement is of unless told otherwise.
  public struct Scope: Sendable, Equatable, Codable {
    /// The name of the split, or ``DataSet/wholeName``.
    public let split: String
    /// Why that one.
    public let reason: String

    /// Makes a scope.
    public init(split: String, reason: String) {
      self.split = split
      self.reason = reason
    }
  }

  /// The kind of the model's labels.
  public var task: Objective.Task {
    switch card.output {
    case .softmax: .multiclass
    case .sigmoid: .multilabel
    case .binary: .binary
    }
  }

  /// The part of data that is measured unless told otherwise: what the data themselves keep for
  /// testing, what training kept apart of its own data, and other data whole.
  public func scope(of data: DataSet) -> Scope {
    guard let seed = data.dividingSeed else {
      if data.splits.count == 1 {
        return Scope(split: data.splits[0].name, reason: "the only split there is")
      }
      return Scope(split: "testing", reason: "the data say so")
    }
    guard let trained = TrainedData(file), trained.list == data.listDigest else {
      return Scope(
        split: DataSet.wholeName, reason: "the model does not say that it was trained on these data"
      )
    }
    return Scope(
      split: "testing",
      reason: trained.seed == seed
        ? "the model was trained on the other splits of these data"
        : "but the model was trained with --split-seed \(trained.seed ?? 0), so it knows some of it"
    )
  }

  /// The probabilities of the model's labels for a split of data.
  ///
  /// - Parameters:
  ///   - name: The name of the split, or ``DataSet/wholeName`` for all.
  ///   - data: Has labels of the model's; those that it lacks are not known where labels do not
  ///     exclude each other.
  ///   - skip: Is given each sample whose file cannot be read, and why, and the sample is left out;
  ///     `nil` to throw what the first is for.
  ///   - work: Is told of samples that are done; ends where its task is cancelled.
  /// - Returns: The samples of the split in their order.
  /// - Throws: ``DataSetError``, ``TrainingError/otherLabels(_:model:data:)``, ``ModelError``, what
  ///   a file cannot be read for, `CancellationError`.
  public func score(
    _ name: String, of data: DataSet,
    skipping skip: ((DataSet.Sample, any Error) -> Void)? = nil, work: Work = .unwatched
  ) throws -> [Scored] {
    try checkMemory()
    return try Limits.current.bounding { try scores(name, of: data, skipping: skip, work: work) }
  }

  private func scores(
    _ name: String, of data: DataSet, skipping skip: ((DataSet.Sample, any Error) -> Void)?,
    work: Work
  ) throws -> [Scored] {
    let members = try members(of: name, data)
    let loader = try InputLoader(input: card.input)
    let chunk = 32
    let inputs = Prefetcher(
      count: members.count, ahead: 2 * chunk, threads: Threads.count
    ) { number in Result { try loader.load(members[number].sample.path) } }
    defer { inputs.stop() }
    work.plan(members.count)
    var result: [Scored] = []
    var taken = 0
    while taken < members.count {
      let first = taken
      var batch: [Tensor] = []
      var numbers: [Int] = []
      while taken - first < chunk, let input = try inputs.next() {
        switch (input, skip) {
        case (.success(let tensor), _):
          batch.append(tensor)
          numbers.append(taken)
        case (.failure(let error), let skip?): skip(members[taken].sample, error)
        case (.failure(let error), nil): throw error
        }
        taken += 1
      }
      for (number, prediction) in zip(numbers, try predictions(of: batch)) {
        let member = members[number]
        result.append(
          Scored(
            sample: member.sample, split: member.split,
            probabilities: prediction.entries.map(\.probability)))
      }
      try work.did(taken - first)
    }
    return result
  }

  private func predictions(of inputs: [Tensor]) throws -> [Prediction] {
    guard !inputs.isEmpty else { return [] }
    let batch = try ProcessMemory.expecting(
      inputs.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride }
    ) { Tensor.stacking(inputs) }
    let logits = try logits(batch)
    let width = logits.shape[1]
    let scalars = logits.scalars.map(Double.init)
    guard scalars.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
    return inputs.indices.map { row in
      Prediction(
        logits: Array(scalars[(row * width)..<((row + 1) * width)]), labels: card.labels,
        output: card.output)
    }
  }

  /// The samples of a split with the model's labels.
  ///
  /// - Parameters:
  ///   - name: The name of the split, or ``DataSet/wholeName`` for all.
  ///   - data: Has labels of the model's.
  /// - Returns: Each with the split that it is in.
  /// - Throws: ``DataSetError``, ``TrainingError/otherLabels(_:model:data:)``.
  package func members(
    of name: String, _ data: DataSet
  ) throws -> [(sample: DataSet.Sample, split: String)] {
    let splits = data.splits.filter { name == DataSet.wholeName || $0.name == name }
    guard splits.contains(where: { !$0.samples.isEmpty }) else {
      let missing = splits.reduce(0) { $0 + $1.missing.count }
      throw missing > 0
        ? DataSetError.allMissing(data.path, name, count: missing)
        : DataSetError.noSplit(data.path, name, found: data.splits.map(\.name))
    }
    let order = data.labels.compactMap { label in
      let places = card.labels.indices.filter { card.labels[$0] == label }
      return places.count == 1 ? places[0] : nil
    }
    guard data.isMultiLabel == (task == .multilabel) else {
      throw TrainingError.unfitData(
        data.isMultiLabel
          ? "\(data.path): an input may have several labels, but those of the model exclude each other"
          : "\(data.path): every input has one label, but the model may find several; give a table "
            + "with the column labels, joined by |")
    }
    guard order.count == data.labels.count else {
      throw TrainingError.otherLabels(data.path, model: card.labels, data: data.labels)
    }
    let count = card.labels.count
    return splits.flatMap { split in
      split.samples.map { sample in
        (
          DataSet.Sample(path: sample.path, truth: sample.truth.moved(to: order, of: count)),
          split.name
        )
      }
    }
  }

  /// Measures what the model said of samples.
  ///
  /// - Parameters:
  ///   - scored: The samples with their probabilities.
  ///   - threshold: The probability from which a label counts; the model's unless given.
  ///   - resamples: The resamples of the bootstrap.
  ///   - seed: Selects them.
  ///   - work: Is told of resamples; ends where its task is cancelled.
  /// - Returns: The measures.
  /// - Throws: `CancellationError`.
  public func evaluation(
    of scored: [Scored], threshold: Double? = nil, resamples: Int = 1000, seed: UInt64 = 0,
    work: Work = .unwatched
  ) throws -> Evaluation {
    try Evaluation(
      probabilities: scored.map(\.probabilities), truths: scored.map(\.sample.truth), task: task,
      labels: card.labels,
      thresholds: card.labels.indices.map {
        threshold ?? card.output.threshold(ofLabel: $0) ?? 0.5
      }, resamples: resamples, seed: seed, work: work)
  }
}

extension DataSet.Truth {
  /// The same with labels at other places; what has no place is not known.
  fileprivate func moved(to places: [Int], of count: Int) -> Self {
    switch self {
    case .label(let index): return .label(places[index])
    case .labels(let values):
      var moved = [Float](repeating: .nan, count: count)
      for (place, value) in zip(places, values) { moved[place] = value }
      return .labels(moved)
    }
  }
}
