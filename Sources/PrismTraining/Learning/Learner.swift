internal import PrismAutodiff
internal import PrismKernels
internal import PrismLayers
public import PrismModels
internal import PrismRuntime
public import PrismTensor

/// A network in training: its parameters, which of them change, and one step of change.
///
/// The normalisations of the base use their stored statistics, also where their scale and offset
/// are trained; those of the head use the moments of the batch. What does not change, the *prefix*,
/// is computed by a plan, and so is the rest of the base with the walk back through it: in groups
/// of ``groupSize`` samples, one group a thread, and the groups' gradients are added in their
/// order, so that the bits of a step do not depend on the number of threads. The head and the loss
/// are differentiated as they are recorded.
public struct Learner {
  /// The samples of a batch that are differentiated together.
  public static let groupSize = 4

  /// All tensors of the network, by name.
  public private(set) var parameters: [String: Tensor]
  /// The names of the parameters that change, sorted.
  public let trained: [String]
  /// The features from which a step begins, for one sample.
  public let featureShape: Shape
  private let trainedNames: Set<String>
  private let network: Network
  private let objective: Objective
  private let base: Recording
  private let baseEnd: ValueID
  /// Where the trained part of the base begins; its end where nothing of the base is trained.
  private let cut: ValueID
  /// The head for one sample in training.
  private let sampleHead: Recording
  /// Where the trained part of the head begins.
  private let headCut: ValueID
  private let prefix: Plan?

  /// Makes a learner.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - parameters: All its tensors, by name.
  ///   - trained: The names of the parameters that change.
  ///   - objective: What it is trained for.
  /// - Throws: `ShapeError`, `InstructionSetError`.
  public init(
    _ network: Network, parameters: [String: Tensor], trained: Set<String>, objective: Objective
  ) throws {
    self.network = network
    self.parameters = parameters
    self.objective = objective
    self.trained = trained.sorted()
    trainedNames = trained
    let base = try network.recordBase().replacing(parameters)
    self.base = base
    baseEnd = base.outputs[0]
    let first = base.firstUse { name in trained.contains(name) }
    cut = first.map { base.cut(before: $0) } ?? baseEnd
    let head = try Recording(input: network.featureShape) { network.head($0, trainingWith: 0) }
    sampleHead = head
    if cut == baseEnd {
      headCut = head.cut(before: head.firstUse { _ in true })
      featureShape = head[headCut].shape
    } else {
      headCut = head.inputs[0]
      featureShape = base[cut].shape
    }
    prefix = cut == base.inputs[0] ? nil : try Plan(base, wanted: [cut])
  }

  /// The floating-point operations of the part that is trained, for one sample's forward pass.
  public var trainedFlops: Int {
    get throws { try base.continued(from: cut, to: baseEnd).flops }
  }

  // MARK: - Features

  /// The features of some inputs, from which steps begin.
  ///
  /// - Parameter inputs: `[N, H, W, 3]`.
  /// - Returns: N tensors of ``featureShape``.
  /// - Throws: `EvaluationError`.
  public func features(_ inputs: Tensor) throws -> [Tensor] {
    let values = try prefix.map { try $0(inputs)[0] } ?? inputs
    let samples = try Memory.expecting(floats: values.count) {
      (0..<values.shape[0]).map(values.slice)
    }
    guard cut == baseEnd else { return samples }
    return try headFeatures(samples)
  }

  /// The part of the head that does not change.
  private func headFeatures(_ samples: [Tensor]) throws -> [Tensor] {
    let head = sampleHead
    guard headCut != head.inputs[0] else { return samples }
    return try samples.map { sample in
      try head.evaluate([headCut], given: [head.inputs[0]: sample])[headCut] ?? sample
    }
  }

  /// The logits of samples in inference mode, with the parameters as they are.
  ///
  /// - Parameters:
  ///   - count: The number of samples.
  ///   - features: Gives the features of a range of samples.
  /// - Returns: `[count, logits]`.
  /// - Throws: What `features` throws; `EvaluationError`.
  public func logits(
    count: Int, features: (Range<Int>) throws -> [Tensor]
  ) throws -> Tensor {
    let chunk = 64
    let body =
      cut == baseEnd
      ? nil : try Plan(try base.continued(from: cut, to: baseEnd, parameters: parameters))
    var rows: [Tensor] = []
    for start in stride(from: 0, to: count, by: chunk) {
      let range = start..<min(start + chunk, count)
      let loaded = try features(range)
      let known = try Memory.expecting(floats: loaded.reduce(0) { $0 + $1.count }) {
        Tensor.stacking(loaded)
      }
      let mapped = try body.map { try $0(known)[0] } ?? known
      let head = try Recording(
        input: network.featureShape.replacing(axis: 0, with: range.count)
      ) { network.head($0) }
      let begin = try begin(of: head)
      var given = parameterTensors(of: head)
      given[begin] = mapped
      let output = head.outputs[0]
      rows.append(try head.evaluate([output], given: given)[output] ?? Tensor([range.count, 1]))
    }
    return Tensor.stacking(rows)
  }

  /// Where the trained part of the head begins in another recording of it: of a batch, in
  /// inference, with a loss.
  private func begin(of recording: Recording) throws -> ValueID {
    try recording.counterpart(of: headCut, in: sampleHead)
  }

  /// The current tensors of all parameters of a recording.
  private func parameterTensors(of recording: Recording) -> [ValueID: Tensor] {
    var result: [ValueID: Tensor] = [:]
    for (id, name) in recording.parameterNames {
      if let tensor = parameters[name] { result[id] = tensor }
    }
    return result
  }

  // MARK: - A step

  /// Makes one step: forward, loss, backward, update.
  ///
  /// - Parameters:
  ///   - features: One tensor a sample, as ``features(_:)`` gives them.
  ///   - truths: What is true of the samples.
  ///   - optimizer: Moves the parameters.
  ///   - seed: Selects the masks of dropouts.
  /// - Returns: The loss before the step.
  /// - Throws: `ShapeError`, `EvaluationError`; `OutOfMemoryError`, when nothing has been changed.
  public mutating func step(
    features: [Tensor], truths: [DataSet.Truth], optimizer: inout Optimizer, seed: UInt64
  ) throws -> Double {
    let before = statistics
    let (loss, gradients) = try gradients(features: features, truths: truths, seed: seed)
    do {
      // Both means of the optimiser, and the parameters themselves where somebody else has them.
      try Memory.expecting(floats: 3 * gradients.values.reduce(0) { $0 + $1.count }) {
        optimizer.update(&parameters, gradients: gradients)
      }
    } catch {
      // Statistics have moved already.
      parameters.merge(before) { $1 }
      throw error
    }
    return loss
  }

  /// The running statistics of the head, which a step moves before it changes what is trained.
  ///
  /// Nothing else is kept of before a step: parameters that are used nowhere else are changed where
  /// they are.
  private var statistics: [String: Tensor] {
    let names = network.head.normalizations.flatMap {
      ["\($0.name).running_mean", "\($0.name).running_var"]
    }
    return parameters.filter { names.contains($0.key) }
  }

  /// The loss of a batch and its gradients by the trained parameters.
  ///
  /// Running statistics of normalisations in the head move towards the moments of the batch, by a
  /// tenth as torch has it.
  ///
  /// - Parameters: As for ``step(features:truths:optimizer:seed:)``.
  public mutating func gradients(
    features: [Tensor], truths: [DataSet.Truth], seed: UInt64
  ) throws -> (loss: Double, gradients: [String: Tensor]) {
    let before = statistics
    do {
      let known = features.reduce(0) { $0 + $1.count }
      let mapped = cut == baseEnd ? 0 : features.count * network.featureShape.count
      // Beside the values of both walks: features and maps side by side, what is given back of the
      // maps, and sums of gradients.
      let trained = trained.reduce(0) { $0 + (parameters[$1]?.count ?? 0) }
      return try Memory.expecting(floats: 2 * known + 4 * mapped + trained) {
        try walk(features: features, truths: truths, seed: seed)
      }
    } catch {
      // Statistics may have moved already.
      parameters.merge(before) { $1 }
      throw error
    }
  }

  private mutating func walk(
    features: [Tensor], truths: [DataSet.Truth], seed: UInt64
  ) throws -> (loss: Double, gradients: [String: Tensor]) {
    guard cut != baseEnd else {
      let (loss, gradients, _) = try head(
        Tensor.stacking(features), truths, seed: seed, needsInput: false)
      return (loss, gradients)
    }
    var loss = Double.nan
    var gradients: [String: Tensor] = [:]
    let body = try body().callAsFunction(features) { mapped in
      let found = try head(mapped, truths, seed: seed, needsInput: true)
      (loss, gradients) = (found.0, found.1)
      return found.2
    }
    return (loss, gradients.merging(body) { first, _ in first })
  }

  private func isTrained(_ name: String) -> Bool { trainedNames.contains(name) }

  /// The trained part of the base with the parameters as they are.
  private func body() throws -> TrainingPlan {
    let recording = try base.continued(from: cut, to: baseEnd, parameters: parameters)
    guard
      let plan = try TrainingPlan(
        recording, trained: trainedNames, groupSize: Self.groupSize)
    else {
      throw ShapeError(
        "training", [recording[recording.inputs[0]].shape],
        "the features do not depend on the trained parameters")
    }
    return plan
  }

  /// The loss, the gradients by the head's parameters and, where asked for, by the head's input.
  private mutating func head(
    _ mapped: Tensor, _ truths: [DataSet.Truth], seed: UInt64, needsInput: Bool
  ) throws -> (Double, [String: Tensor], Tensor) {
    let (targets, elements) = objective.targets(truths)
    let shape = network.featureShape.replacing(axis: 0, with: truths.count)
    let (network, objective) = (network, objective)
    let recording = try Recording(inputs: [shape, targets.shape, elements.shape]) {
      [objective.loss(network.head($0[0], trainingWith: seed), targets: $0[1], weights: $0[2])]
    }
    let begin = try begin(of: recording)
    var given = parameterTensors(of: recording)
    given[begin] = mapped
    given[recording.inputs[1]] = targets
    given[recording.inputs[2]] = elements
    let names = recording.parameterNames.filter { isTrained($0.value) }
    let trace = try recording.trace(
      of: recording.outputs[0], at: names.keys.sorted() + (needsInput ? [begin] : []),
      given: given)
    let loss = Double(trace.output.scalars[0])
    try moveStatistics(recording, given: given, samples: truths.count)
    let result = try trace.gradient(cotangent: Tensor(1))
    var gradients: [String: Tensor] = [:]
    for (id, name) in names { gradients[name] = result[id] }
    return (loss, gradients, result[begin] ?? Tensor([]))
  }

  /// Moves running statistics by a tenth towards the batch's mean and unbiased variance.
  private mutating func moveStatistics(
    _ recording: Recording, given: [ValueID: Tensor], samples: Int
  ) throws {
    guard samples > 1 else { return }
    for normalization in network.head.normalizations {
      guard let mean = recording.value(named: normalization.batchMean),
        let variance = recording.value(named: normalization.batchVariance)
      else { continue }
      let moments = try recording.evaluate([mean, variance], given: given)
      // A map has as many rows as pixels, a vector one a sample.
      let input = recording.operands(of: mean).first.map { recording[$0].shape } ?? [samples, 1]
      let rows = Float(input.count / max(input[-1], 1))
      for (name, id, factor) in [
        ("\(normalization.name).running_mean", mean, 1),
        ("\(normalization.name).running_var", variance, rows / (rows - 1)),
      ] {
        guard let old = parameters[name], let new = moments[id] else { continue }
        parameters[name] = old.zip(new) { 0.9 * $0 + 0.1 * factor * $1 }
      }
    }
  }
}

extension Recording {
  /// The first computed value with a parameter whose name is accepted, or a dropout, or `nil`.
  fileprivate func firstUse(_ isTrained: (String) -> Bool) -> ValueID? {
    let names = parameterNames
    return ids.first { id in
      primitive(of: id) is Dropout
        || operands(of: id).contains { names[$0].map(isTrained) ?? false }
    }
  }
}
