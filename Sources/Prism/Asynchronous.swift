// The same work for callers that do not wait on their thread: it takes threads of its own, ends
// with its task, and gives the bits of the synchronous form.

internal import PrismRuntime

extension Model {
  /// Predicts the labels of a picture, on a thread of its own.
  ///
  /// - Throws: ``ModelError/notFinite`` where the weights are broken.
  public func predict(_ image: Image) async throws -> Prediction {
    try await WorkThreads.run { try predict(image) }
  }

  /// Explains one label's number for a picture, on a thread of its own.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - target: The label, from a ``Prediction`` of the same picture.
  ///   - work: Watches the method.
  /// - Returns: The explanation.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` soon after the task is
  ///   cancelled.
  public func explain(
    _ image: Image, with explainer: any Explainer, target: Prediction.Entry,
    work: Work = .unwatched
  ) async throws -> Explanation {
    try await WorkThreads.run {
      try explain(image, with: explainer, target: target, work: work)
    }
  }

  /// Explains several labels' numbers for a picture, on a thread of its own.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - targets: The labels, from a ``Prediction`` of the same picture.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - work: Watches the method.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` soon after the task is
  ///   cancelled.
  public func explain(
    _ image: Image, with explainer: any Explainer, targets: [Prediction.Entry],
    batch: Int? = nil, work: Work = .unwatched
  ) async throws -> [Explanation] {
    try await WorkThreads.run {
      try explain(image, with: explainer, targets: targets, batch: batch, work: work)
    }
  }

  /// Explains labels of a picture by several methods and judges the maps, on a thread of its own.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainers: The methods.
  ///   - targets: The labels, from a ``Prediction`` of the same picture; at least one.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - truth: The region that is known to be right, not zero inside, `[H, W]` at the size of the
  ///     network's input.
  ///   - sanity: The test by randomised layers, where wanted.
  ///   - work: Watches the methods and the measures.
  /// - Returns: Everything that is known about the maps.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` soon after the task is
  ///   cancelled.
  public func compare(
    _ image: Image, with explainers: [any Explainer], targets: [Prediction.Entry],
    batch: Int? = nil, truth: Tensor? = nil, sanity: ParameterRandomization? = nil,
    work: Work = .unwatched
  ) async throws -> Comparison {
    try await WorkThreads.run {
      try compare(
        image, with: explainers, targets: targets, batch: batch, truth: truth, sanity: sanity,
        work: work)
    }
  }

  /// The probabilities of the model's labels for a split of data, on a thread of its own.
  ///
  /// - Parameters:
  ///   - name: The name of the split, or ``DataSet/wholeName`` for all.
  ///   - data: Has labels of the model's.
  ///   - work: Is told of samples that are done.
  /// - Returns: The samples of the split in their order.
  /// - Throws: What ``score(_:of:skipping:work:)`` throws; `CancellationError` soon after the task
  ///   is cancelled.
  public func score(
    _ name: String, of data: DataSet, work: Work = .unwatched
  ) async throws -> [Scored] {
    try await WorkThreads.run { try score(name, of: data, work: work) }
  }

  /// Measures what the model said of samples, on a thread of its own.
  ///
  /// - Parameters:
  ///   - scored: The samples with their probabilities.
  ///   - threshold: The probability from which a label counts; the model's unless given.
  ///   - resamples: The resamples of the bootstrap.
  ///   - seed: Selects them.
  ///   - work: Is told of resamples.
  /// - Returns: The measures.
  /// - Throws: `CancellationError` soon after the task is cancelled.
  public func evaluation(
    of scored: [Scored], threshold: Double? = nil, resamples: Int = 1000, seed: UInt64 = 0,
    work: Work = .unwatched
  ) async throws -> Evaluation {
    try await WorkThreads.run {
      try evaluation(
        of: scored, threshold: threshold, resamples: resamples, seed: seed, work: work)
    }
  }

  /// Predicts the labels of a sound, window by window, on a thread of its own.
  ///
  /// - Parameters:
  ///   - sound: Of any rate and length.
  ///   - hop: From one window to the next, in seconds; `nil` for half a window.
  ///   - verdict: How the windows' numbers become the whole's.
  /// - Returns: The prediction of every window, and that of the whole.
  /// - Throws: `SoundError.tooShort`, `.silent`; ``ModelError``.
  public func listen(
    to sound: Sound, hop: Double? = nil, verdict: Verdict = .mean
  ) async throws -> Hearing {
    try await WorkThreads.run { try listen(to: sound, hop: hop, verdict: verdict) }
  }
}

extension Model {
  /// Explains labels' numbers for a sound, on a thread of its own.
  ///
  /// - Parameters:
  ///   - hearing: What the model heard.
  ///   - explainer: The method.
  ///   - targets: The labels, from the prediction of the same sound.
  ///   - batch: The largest number of changed pictures that are computed at a time.
  ///   - work: Watches the method.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` soon after the task is
  ///   cancelled.
  public func explain(
    _ hearing: Hearing, with explainer: any Explainer, targets: [Prediction.Entry],
    batch: Int? = nil, work: Work = .unwatched
  ) async throws -> [SoundExplanation] {
    try await WorkThreads.run {
      try explain(hearing, with: explainer, targets: targets, batch: batch, work: work)
    }
  }
}

extension BlackBox {
  /// Explains one label's number for a picture, on a thread of its own.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: A method that knows nothing of a model but its outputs.
  ///   - target: The label, from a ``Prediction`` of the same picture.
  ///   - work: Watches the method.
  /// - Returns: The explanation.
  /// - Throws: What the classifier throws; `ExplanationError`; `CancellationError` soon after the
  ///   task is cancelled.
  public func explain(
    _ image: Image, with explainer: any BlackBoxExplainer, target: Prediction.Entry,
    work: Work = .unwatched
  ) async throws -> Explanation {
    try await WorkThreads.run {
      try explain(image, with: explainer, target: target, work: work)
    }
  }
}

extension TrainableNetwork {
  /// Trains on inputs in memory, on a thread of its own.
  ///
  /// - Parameters:
  ///   - inputs: Each `[1, H, W, C]`.
  ///   - truths: What is true of the inputs, one an input.
  ///   - objective: What the network is trained for.
  ///   - optimizer: Moves the tensors.
  ///   - epochs: How often every input is looked at.
  ///   - batch: The inputs of a step.
  ///   - seed: Selects the order of the inputs and the masks of dropouts.
  ///   - work: Watches training; it counts steps.
  /// - Returns: The mean loss of every epoch.
  /// - Throws: `TrainingError`, `ShapeError`, `EvaluationError`; `CancellationError` within one
  ///   step after the task is cancelled, and the network is then as it was.
  public mutating func train(
    _ inputs: [Tensor], truths: [DataSet.Truth], objective: Objective,
    optimizer: Optimizer = Optimizer(rate: 1e-3), epochs: Int, batch: Int = 16, seed: UInt64 = 0,
    work: Work = .unwatched
  ) async throws -> [Double] {
    let start = self
    let (trained, losses) = try await WorkThreads.run {
      var network = start
      let losses = try network.train(
        inputs, truths: truths, objective: objective, optimizer: optimizer, epochs: epochs,
        batch: batch, seed: seed, work: work)
      return (network, losses)
    }
    self = trained
    return losses
  }
}

extension Trainer {
  /// Trains and writes the best model, on a thread of its own.
  ///
  /// - Parameters:
  ///   - output: The path of the weights file.
  ///   - checkpoint: The path of the checkpoint, written after every epoch and removed at the end.
  ///   - resumes: Whether to go on from the checkpoint.
  ///   - type: How the tensors of the published file are stored.
  ///   - published: The card of the published file, made of ``card`` by its owner.
  ///   - work: Watches training.
  ///   - report: Is told what happens, on the thread that trains.
  /// - Returns: The course of training.
  /// - Throws: ``TrainingError``, `WeightError`, what the loader throws; `CancellationError` soon
  ///   after the task is cancelled.
  public func train(
    output: String, checkpoint: String, resumes: Bool,
    type: SafetensorsWriter.ElementType = .float32, card published: ModelCard? = nil,
    work: Work = .unwatched, report: @escaping @Sendable (TrainingEvent) -> Void = { _ in }
  ) async throws -> Outcome {
    try await WorkThreads.run {
      try train(
        output: output, checkpoint: checkpoint, resumes: resumes, type: type, card: published,
        work: work, shouldStop: { false }, report: report)
    }
  }
}
