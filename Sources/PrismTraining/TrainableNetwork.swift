public import PrismAutodiff
public import PrismRuntime
public import PrismTensor

/// A network of one's own: how its layers follow each other, and tensors that training changes.
///
/// ```swift
/// let convolution = try Conv2D("convolution", inputs: 3, outputs: 8, kernel: 3, padding: .same)
/// let dense = try Dense("dense", inputs: 8, outputs: 2)
/// var network = try TrainableNetwork(input: [1, 32, 32, 3]) { x in
///   dense(convolution(x).relu().named("features").globalAveragePool())
/// }
/// ```
public struct TrainableNetwork: Sendable {
  /// The shape of one input, `[1, H, W, C]`.
  public let inputShape: Shape
  /// All tensors of the network, by name.
  public private(set) var parameters: [String: Tensor]
  private let forward: @Sendable (Value, UInt64?) -> Value

  /// Makes a network that does in training what it does afterwards.
  ///
  /// - Parameters:
  ///   - shape: The shape of one input, `[1, H, W, C]`.
  ///   - forward: Applies layers and operations to `[N, H, W, C]` and returns logits `[N, K]`.
  /// - Throws: `ShapeError` where an operation cannot take what it is given.
  public init(
    input shape: Shape, _ forward: @escaping @Sendable (Value) -> Value
  ) throws(ShapeError) {
    try self.init(input: shape) { x, _ in forward(x) }
  }

  /// Makes a network that does in training other things than afterwards, such as dropout.
  ///
  /// - Parameters:
  ///   - shape: The shape of one input, `[1, H, W, C]`.
  ///   - forward: Applies layers and operations to `[N, H, W, C]` and returns logits `[N, K]`. Its second argument is a
  ///     seed in training, for the masks of dropouts, and `nil` afterwards.
  /// - Throws: `ShapeError` where an operation cannot take what it is given.
  public init(
    input shape: Shape, _ forward: @escaping @Sendable (Value, _ seed: UInt64?) -> Value
  ) throws(ShapeError) {
    inputShape = shape
    self.forward = forward
    let recording = try Recording(input: shape) { forward($0, nil) }
    var parameters: [String: Tensor] = [:]
    for (id, name) in recording.parameterNames { parameters[name] = recording.parameter(id) }
    self.parameters = parameters
  }

  /// Records the forward pass with the tensors as they are.
  ///
  /// - Parameter batch: N, the number of inputs at once.
  /// - Returns: A recording from `[N, H, W, C]` to `[N, K]`, with all named values.
  /// - Throws: `ShapeError` where an operation cannot take what it is given.
  public func record(batch: Int = 1) throws(ShapeError) -> Recording {
    let shape = inputShape.replacing(axis: 0, with: batch)
    return try Recording(input: shape) { forward($0, nil) }.replacing(parameters)
  }

  /// Records the forward pass and what follows it, with the tensors as they are.
  package func record(_ ending: (Value) -> Value) throws(ShapeError) -> Recording {
    try Recording(input: inputShape) { ending(forward($0, nil)) }.replacing(parameters)
  }

  /// Makes one step: forward, loss, backward, update.
  ///
  /// Running statistics of normalisations that record their moments (`BatchNorm.training`) move towards them by a tenth.
  ///
  /// - Parameters:
  ///   - inputs: `[N, H, W, C]`.
  ///   - truths: What is true of the inputs, one an input.
  ///   - objective: What the network is trained for.
  ///   - optimizer: Moves the tensors.
  ///   - seed: Selects the masks of dropouts.
  /// - Returns: The loss before the step.
  /// - Throws: ``TrainingError/unfitData(_:)``, `ShapeError`, `EvaluationError`.
  public mutating func step(
    _ inputs: Tensor, truths: [DataSet.Truth], objective: Objective, optimizer: inout Optimizer,
    seed: UInt64 = 0
  ) throws -> Double {
    try objective.check(truths)
    guard inputs.shape == inputShape.replacing(axis: 0, with: truths.count) else {
      throw TrainingError.unfitData(
        "\(truths.count) truths were given for inputs of the shape \(inputs.shape); "
          + "give one truth for every \(inputShape)")
    }
    let (targets, weights) = objective.targets(truths)
    let recording = try Recording(inputs: [inputs.shape, targets.shape, weights.shape]) {
      [objective.loss(forward($0[0], seed), targets: $0[1], weights: $0[2])]
    }
    var given = Dictionary(uniqueKeysWithValues: zip(recording.inputs, [inputs, targets, weights]))
    let names = recording.parameterNames
    for (id, name) in names { if let tensor = parameters[name] { given[id] = tensor } }
    let trained = names.filter { parameters[$0.value] != nil && !BatchStatistic.isOne($0.value) }
    let trace = try recording.trace(
      of: recording.outputs[0], at: trained.keys.sorted(), given: given)
    let loss = Double(trace.output.scalars[0])
    try moveStatistics(recording, given: given)
    let gradients = try trace.gradient(cotangent: Tensor(1))
    optimizer.update(
      &parameters,
      gradients: Dictionary(uniqueKeysWithValues: gradients.map { (trained[$0] ?? "", $1) }))
    return loss
  }

  /// Trains on inputs in memory.
  ///
  /// - Parameters:
  ///   - inputs: Each `[1, H, W, C]`.
  ///   - truths: What is true of the inputs, one an input.
  ///   - objective: What the network is trained for.
  ///   - optimizer: Moves the tensors.
  ///   - epochs: How often every input is looked at.
  ///   - batch: The inputs of a step.
  ///   - seed: Selects the order of the inputs and the masks of dropouts.
  ///   - work: Watches and stops training; it counts steps.
  /// - Returns: The mean loss of every epoch.
  /// - Throws: ``TrainingError``, `ShapeError`, `EvaluationError`; `CancellationError` in a cancelled task.
  public mutating func train(
    _ inputs: [Tensor], truths: [DataSet.Truth], objective: Objective,
    optimizer: Optimizer = Optimizer(rate: 1e-3), epochs: Int, batch: Int = 16, seed: UInt64 = 0,
    work: Work = .unwatched
  ) throws -> [Double] {
    guard inputs.count == truths.count, !inputs.isEmpty,
      inputs.allSatisfy({ $0.shape == inputShape })
    else {
      throw TrainingError.unfitData(
        "\(inputs.count) inputs and \(truths.count) truths were given; give one truth an input, and "
          + "every input the shape \(inputShape)")
    }
    let batch = max(batch, 1)
    let starts = Array(stride(from: 0, to: inputs.count, by: batch))
    work.plan(max(epochs, 0) * starts.count)
    var optimizer = optimizer
    var random = SeededRandom(seed: seed)
    var losses: [Double] = []
    for epoch in 0..<max(epochs, 0) {
      let order = inputs.indices.shuffled(using: &random)
      var sum = 0.0
      for start in starts {
        let chosen = order[start..<min(start + batch, order.count)]
        let loss = try step(
          Tensor.stacking(chosen.map { inputs[$0] }), truths: chosen.map { truths[$0] },
          objective: objective, optimizer: &optimizer, seed: random.next())
        guard loss.isFinite else {
          throw TrainingError.diverged(phase: "training", epoch: epoch + 1)
        }
        sum += loss * Double(chosen.count)
        try work.did(1)
      }
      losses.append(sum / Double(inputs.count))
    }
    return losses
  }

  /// Moves running statistics by a tenth towards the batch's mean and unbiased variance.
  private mutating func moveStatistics(_ recording: Recording, given: [ValueID: Tensor]) throws {
    let moments = recording.names.compactMap { name in
      BatchStatistic(moment: name.name).map { (statistic: $0, value: name.value) }
    }
    let values = try recording.evaluate(moments.map(\.value), given: given)
    for (statistic, id) in moments {
      guard let moment = values[id], let input = recording.operands(of: id).first else { continue }
      let shape = recording[input].shape
      statistic.move(&parameters, towards: moment, rows: shape.count / max(shape[-1], 1))
    }
  }
}

/// A running statistic of a normalisation, by the name of the moment it follows.
private struct BatchStatistic {
  private let name: String
  private let isVariance: Bool

  /// Whether a parameter is a running statistic, which no gradient moves.
  static func isOne(_ parameter: String) -> Bool {
    parameter.hasSuffix(".running_mean") || parameter.hasSuffix(".running_var")
  }

  /// The statistic that follows a named value, or `nil` where the value is no moment of a batch.
  init?(moment value: String) {
    for (suffix, statistic) in [(".batch_mean", ".running_mean"), (".batch_var", ".running_var")]
    where value.hasSuffix(suffix) {
      name = value.dropLast(suffix.count) + statistic
      isVariance = suffix == ".batch_var"
      return
    }
    return nil
  }

  /// Moves the statistic by a tenth towards a moment of so many rows.
  func move(_ parameters: inout [String: Tensor], towards moment: Tensor, rows: Int) {
    guard rows > 1, let old = parameters[name], old.shape == moment.shape else { return }
    let factor = isVariance ? Float(rows) / Float(rows - 1) : 1
    parameters[name] = old.zip(moment) { 0.9 * $0 + 0.1 * factor * $1 }
  }
}

extension Objective {
  /// Throws unless truths are of the kind and the number of labels.
  func check(_ truths: [DataSet.Truth]) throws(TrainingError) {
    guard !truths.isEmpty else { throw .unfitData("no truths were given") }
    for truth in truths {
      switch truth {
      case .label(let index):
        guard task != .multilabel, (0..<labelCount).contains(index) else {
          throw .unfitData(
            "the label \(index) does not fit \(task.rawValue) of \(labelCount) labels")
        }
      case .labels(let values):
        guard task == .multilabel, values.count == labelCount else {
          throw .unfitData(
            "truths of \(values.count) labels do not fit \(task.rawValue) of \(labelCount) labels")
        }
      }
    }
  }
}
