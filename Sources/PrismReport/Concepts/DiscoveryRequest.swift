public import Prism

/// What is asked for where concepts are found without examples.
public struct DiscoveryRequest: Sendable, Equatable {
  /// How many concepts are looked for.
  public var count: Int
  /// The layer's name; `nil` for the model's default.
  public var layer: String?
  /// The labels whose dependence is measured, as ``Target`` reads them; `nil` for the top one of
  /// all inputs.
  public var targets: String?
  /// Where the search begins.
  public var seed: UInt64 = 0

  /// Makes a request.
  ///
  /// - Parameter count: How many concepts are looked for.
  public init(count: Int) { self.count = count }

  /// Says what does not fit before anything is read.
  ///
  /// - Parameter model: The model that is asked.
  /// - Throws: `ModelError` for a layer that it does not have.
  public func check(for model: Model) throws { _ = try model.values(at: layer, for: []) }

  /// Finds concepts.
  ///
  /// - Parameters:
  ///   - inputs: What is looked at.
  ///   - model: The model that is asked.
  ///   - work: Watches the search.
  /// - Returns: What was found.
  /// - Throws: ``TooFewExamplesError``, ``TargetError``, `ModelError`, `ExplanationError`;
  ///   `CancellationError` in a cancelled task.
  public func report(
    on inputs: ExampleFolder, model: Model, work: Work = .unwatched
  ) throws -> DiscoveryReport {
    try inputs.require(2, for: "a search for concepts")
    let targets = try Target.entries(
      self.targets ?? "top", of: model.prediction(ofMean: inputs.inputs))
    let search = ConceptDiscovery(
      count: count, layer: layer, keepsHeight: model.card.input.audio != nil, seed: seed)
    let findings = try model.concepts(search, in: inputs.inputs, targets: targets, work: work)
    return DiscoveryReport(findings, by: search, targets: targets, inputs: inputs, model: model)
  }
}
