public import PrismRuntime
internal import PrismAutodiff
internal import PrismTensor

/// Whether an explanation depends on what the network has learnt: layers are randomised from the
/// top, one after the other.
///
/// A layer is randomised by shuffling the numbers of each of its tensors, which keeps their
/// distribution and forgets what was learnt (the paper draws them anew from the initialiser). After
/// every stage the target is explained again, and the magnitudes of the map are compared with those
/// of the first one by Spearman's rank correlation. A map that tells about the network falls apart
/// with the top layers; one that stays as it was until the lowest layers go tells about the image
/// alone. The mean over the stages says which: guided backpropagation fails, as in the paper.
/// Definition: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018 (cascading
/// randomisation).
public struct ParameterRandomization: Sendable, Equatable, Codable {
  /// The mean correlation over the stages from which a method fails.
  public static let limit = 0.5

  /// One stage of the randomisation.
  public struct Stage: Sendable, Equatable, Codable {
    /// How many layers are randomised.
    public let layers: Int
    /// The lowest of them.
    public let lowest: String
    /// The rank correlation of the magnitudes with those of the first map; 0 where the map has
    /// become constant.
    public let correlation: Double
  }

  /// What became of a map.
  public struct Result: Sendable, Equatable, Codable {
    /// The stages, from the top layer alone to all layers.
    public let stages: [Stage]
    /// How like the first map the others are, the mean over the stages.
    public var mean: Double {
      stages.reduce(0) { $0 + $1.correlation } / Double(max(stages.count, 1))
    }
    /// Whether the map fell apart.
    public var isPassed: Bool { mean < ParameterRandomization.limit }
  }

  /// The number of stages.
  public let stages: Int
  /// The seed of the shuffles.
  public let seed: UInt64

  /// Makes the test.
  public init(stages: Int = 6, seed: UInt64 = 0) {
    self.stages = stages
    self.seed = seed
  }

  /// Tests methods on one image.
  ///
  /// - Parameters:
  ///   - explainers: The methods.
  ///   - target: The logit that is explained.
  ///   - image: The image.
  ///   - classifier: The network; it is not changed.
  ///   - contrasts: Differences of logits that are further outputs of the network.
  ///   - work: Is told of every batch.
  /// - Returns: One result a method; `nil` for one whose first map is constant.
  /// - Throws: ``ExplanationError``, and what the methods throw.
  public func callAsFunction(
    _ explainers: [any Explainer], target: Int, image: ExplainedImage,
    of classifier: PlannedClassifier, contrasts: [Contrast] = [],
    work: Work = .unwatched
  ) throws -> [Result?] {
    guard stages >= 1 else {
      throw ExplanationError.parameter("the number of stages", "must be at least 1")
    }
    func magnitudes(_ explainer: any Explainer, _ classifier: PlannedClassifier) throws -> Tensor {
      let maps = try explainer.explain(
        image, targets: [target], of: classifier.contrasting(contrasts), work: work)
      guard let map = maps.first else {
        throw ExplanationError.unsuitable("\(explainer.name) explained nothing")
      }
      return map.values.map { abs($0) }
    }
    let first = try explainers.map { try magnitudes($0, classifier) }
    let layers = Self.layers(of: classifier.recording)
    guard !layers.isEmpty else {
      throw ExplanationError.unsuitable("the network has no weights to randomise")
    }
    var results = explainers.map { _ in [Stage]() }
    let count = min(stages, layers.count)
    for stage in 1...count {
      // From one layer to all of them, in even steps.
      let depth = count == 1 ? layers.count : 1 + (stage - 1) * (layers.count - 1) / (count - 1)
      var shuffled: [String: Tensor] = [:]
      for layer in layers[..<depth] {
        for (name, tensor) in layer.tensors {
          shuffled[name] = shuffle(tensor, name: name)
        }
      }
      let randomised = classifier.replacing(try classifier.recording.replacing(shuffled))
      for (index, explainer) in explainers.enumerated() {
        let map = try magnitudes(explainer, randomised)
        let correlation = try Agreement(of: first[index], and: map).rankCorrelation
        results[index].append(
          Stage(layers: depth, lowest: layers[depth - 1].name, correlation: correlation ?? 0))
      }
    }
    return zip(first, results).map { $0.minimum == $0.maximum ? nil : Result(stages: $1) }
  }

  private func shuffle(_ tensor: Tensor, name: String) -> Tensor {
    var random = SeededRandom(seed: CounterRandom(name: name).bits(0) ^ seed)
    return Tensor(tensor.shape, tensor.scalars.shuffled(using: &random))
  }

  /// The tensors by the layers they belong to, the last layer first.
  private static func layers(
    of recording: Recording
  ) -> [(name: String, tensors: [(name: String, tensor: Tensor)])] {
    var layers: [(name: String, tensors: [(name: String, tensor: Tensor)])] = []
    for entry in recording.names {
      guard let tensor = recording.parameter(entry.value) else { continue }
      let name = entry.name.lastIndex(of: ".").map { String(entry.name[..<$0]) } ?? entry.name
      if let index = layers.firstIndex(where: { $0.name == name }) {
        layers[index].tensors.append((entry.name, tensor))
      } else {
        layers.append((name, [(entry.name, tensor)]))
      }
    }
    return layers.reversed()
  }
}
