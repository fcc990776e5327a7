public import Prism

/// What is asked about a concept: which labels may depend on it, in which layers, and how that is
/// tested.
public struct ConceptRequest: Sendable, Equatable {
  /// The names of the layers; empty for the model's default.
  public var layers: [String] = []
  /// The labels as ``Target`` reads them; `nil` for the top one of all inputs.
  public var targets: String?
  /// How a layer's values become vectors.
  public var vector = LayerVector.flat
  /// The runs of the test, with other random files each.
  public var runs = 10
  /// The weight of the ridge penalty of the planes.
  public var penalty = 0.01
  /// Selects who is in which run.
  public var seed: UInt64 = 0

  /// Makes a request with the usual numbers.
  public init() {}

  private func layers(of model: Model) -> [String] {
    layers.isEmpty ? [model.card.layers.default] : layers
  }

  /// Says what does not fit before anything is read.
  ///
  /// - Parameter model: The model that is asked.
  /// - Throws: `ModelError` for a layer that it does not have.
  public func check(for model: Model) throws {
    for layer in layers(of: model) { _ = try model.values(at: layer, for: []) }
  }

  /// Tests the concept.
  ///
  /// - Parameters:
  ///   - examples: What shows the concept, what does not, and what is looked at.
  ///   - concept: What the concept is called.
  ///   - model: The model that is asked.
  ///   - work: Watches what is computed of a layer.
  /// - Returns: What was found.
  /// - Throws: ``TargetError``, `ModelError`, `ExplanationError`; `CancellationError` in a cancelled
  ///   task.
  public func report(
    on examples: ConceptExamples, called concept: String, model: Model,
    work: (_ layer: String) -> Work
  ) throws -> ConceptReport {
    let targets = try Target.entries(
      self.targets ?? "top", of: model.prediction(ofMean: examples.inputs.inputs))
    var rows: [ConceptReport.Row] = []
    var sharesRandom = false
    for layer in layers(of: model) {
      let work = work(layer)
      let test = try model.conceptTest(
        positive: examples.positive.inputs, random: examples.random.inputs, at: layer, as: vector,
        runs: runs, penalty: penalty, seed: seed, work: work)
      sharesRandom = test.sharesRandom
      let scores = try model.scores(
        of: test, targets: targets, at: layer, inputs: examples.inputs.inputs, as: vector,
        work: work)
      rows += zip(targets, scores).map { .init(layer: layer, target: $0, score: $1) }
    }
    return ConceptReport(
      concept: concept, examples: examples, rows: rows,
      options: [
        .init("runs", .integer(runs)), .init("penalty", .number(penalty)),
        .init("vector", .text(vector.rawValue)), .init("seed", .text("\(seed)")),
      ], sharesRandom: sharesRandom, model: model)
  }
}

/// The files of a test: those that show the concept, random ones, and those that are looked at.
public struct ConceptExamples: Sendable {
  let positive, random, inputs: ExampleFolder

  /// Takes files, one group after the other, and ends at the first of which there are too few.
  ///
  /// - Parameters:
  ///   - positive: What shows the concept.
  ///   - random: What does not.
  ///   - inputs: What is looked at.
  /// - Throws: ``TooFewExamplesError``; what a group cannot be read for.
  public init(
    positive: @autoclosure () throws -> ExampleFolder,
    random: @autoclosure () throws -> ExampleFolder,
    inputs: @autoclosure () throws -> ExampleFolder
  ) throws {
    self.positive = try positive()
    try self.positive.require(ConceptTest.fewestExamples, for: "a concept")
    self.random = try random()
    try self.random.require(ConceptTest.fewestExamples, for: "the random side")
    self.inputs = try inputs()
    try self.inputs.require(1, for: "a test")
  }

  /// The files that cannot be used, and why.
  public var failures: [(path: String, reason: String)] {
    positive.failures + random.failures + inputs.failures
  }
}
