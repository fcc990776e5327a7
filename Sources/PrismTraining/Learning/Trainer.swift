public import PrismCard
internal import PrismModels
internal import PrismTensor
public import PrismWeights

/// Trains a new head on a published base, then the base's last layers: transfer learning in five
/// phases.
///
/// 1. The base is opened and frozen, and a new head is put on it. 2. The features that the frozen
/// base gives are computed once. 3. Warm-up: the head alone is trained on them. 4. From the best
/// epoch on, the last layers of the base are fine-tuned at a lower rate, on features of what stays
/// frozen. 5. The epoch that is best by ``TrainingOptions/monitor`` is kept.
public struct Trainer: Sendable {
  /// The card of the model that comes out.
  public let card: ModelCard
  let base: SafetensorsFile
  let network: Network
  let options: TrainingOptions
  let data: DataSet
  let training, validation: [DataSet.Sample]
  let loader: any SampleLoader
  let objective: Objective
  let startingTensors: [String: Tensor]

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
    try Self.check(data, options)
    guard baseCard.architecture != .graph || !baseCard.head.isEmpty else {
      throw TrainingError.noHead(base.path)
    }
    (training, validation) = (
      data.split("training")?.samples ?? [], data.split("validation")?.samples ?? []
    )
    let task = options.task
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

  /// Refuses data that the options do not fit or that teach nothing.
  private static func check(_ data: DataSet, _ options: TrainingOptions) throws {
    let found = data.splits.map(\.name)
    for name in ["training", "validation"] where data.split(name)?.samples.isEmpty ?? true {
      throw DataSetError.noSplit(data.path, name, found: found)
    }
    let task = options.task
    if data.isMultiLabel != (task == .multilabel) {
      throw TrainingError.wrongTask(
        task.rawValue,
        reason: data.isMultiLabel
          ? "a sample may have several labels; use multilabel"
          : "a sample has one label; use \(data.labels.count == 2 ? "binary" : "multiclass")")
    }
    if !data.isMultiLabel {
      guard data.labels.count > 1 else {
        throw DataSetError.oneClass(data.path, data.labels.first ?? "")
      }
      let counts = data.split("training")?.present.counts(of: data.labels.count) ?? []
      if let lacking = counts.firstIndex(of: 0) {
        throw DataSetError.untrainable(
          data.path, label: data.labels[lacking],
          found: zip(data.labels, counts).filter { $1 > 0 }.map(\.0))
      }
    }
    if task == .binary, data.labels.count != 2 {
      throw TrainingError.wrongTask(
        task.rawValue, reason: "there are \(data.labels.count) labels; use multiclass")
    }
    if task == .multiclass, options.sensitivity != nil {
      throw TrainingError.wrongTask(
        task.rawValue, reason: "labels that exclude each other have no threshold to choose")
    }
    try options.monitor.check(validation: data.split("validation")?.samples ?? [], data)
  }
}
