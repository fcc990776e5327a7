internal import PrismRuntime

extension Model {
  /// Tests whether labels' numbers depend on a concept, in one layer.
  ///
  /// - Parameters:
  ///   - test: The concept, as ``conceptTest(positive:random:at:as:runs:penalty:seed:work:)`` has
  ///     made it of the same layer.
  ///   - targets: The labels.
  ///   - layer: The layer's name; `nil` for the model's default.
  ///   - inputs: What is looked at, such as pictures of the label; each as the network takes it.
  ///   - vector: How the layer's values become vectors, as for the test.
  ///   - work: Is told of every group of inputs.
  /// - Returns: One score a target.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func scores(
    of test: ConceptTest, targets: [Prediction.Entry], at layer: String? = nil,
    inputs: [Tensor], as vector: LayerVector = .flat, work: Work = .unwatched
  ) throws -> [ConceptScore] {
    try gradients(
      of: targets.outputs(labels: labels.count), contrasts: targets.contrasts, at: layer,
      for: inputs, as: vector, work: work
    ).map { try test.score($0, work: work) }
  }

  /// Learns a concept in one layer, from inputs that show it and random ones.
  ///
  /// - Parameters:
  ///   - positive: Inputs that show the concept, each as the network takes it.
  ///   - random: Other inputs.
  ///   - layer: The layer's name; `nil` for the model's default.
  ///   - vector: How the layer's values become vectors.
  ///   - runs: How often it is done, with other random inputs each time.
  ///   - penalty: The weight of the ridge penalty.
  ///   - seed: Selects who is in which run.
  ///   - work: Is told of every group of inputs.
  /// - Returns: The test.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func conceptTest(
    positive: [Tensor], random: [Tensor], at layer: String? = nil, as vector: LayerVector = .flat,
    runs: Int = 10, penalty: Double = 0.01, seed: UInt64 = 0, work: Work = .unwatched
  ) throws -> ConceptTest {
    try ConceptTest(
      positive: values(at: layer, for: positive, as: vector, work: work),
      random: values(at: layer, for: random, as: vector, work: work), runs: runs,
      penalty: penalty, seed: seed, work: work)
  }

  /// Finds the concepts that a layer sees in inputs.
  ///
  /// - Parameters:
  ///   - search: How many are looked for, and how.
  ///   - inputs: Each as the network takes it.
  ///   - targets: The labels whose dependence on the concepts is measured.
  ///   - work: Is told of every batch.
  /// - Returns: The concepts.
  /// - Throws: ``ModelError``, `ExplanationError`; `CancellationError` in a cancelled task.
  public func concepts(
    _ search: ConceptDiscovery, in inputs: [Tensor], targets: [Prediction.Entry],
    work: Work = .unwatched
  ) throws -> ConceptDiscovery.Findings {
    try namingLayers {
      try Limits.current.bounding {
        try search.find(
          in: inputs, targets: targets.outputs(labels: labels.count),
          of: classifier.contrasting(targets.contrasts), work: work)
      }
    }
  }
}
