public import PrismRuntime
internal import PrismTensor

/// Integrated gradients averaged over baselines and over places on the way, all drawn at random
/// (GradientSHAP).
///
/// `E[(x − b) · ∂y/∂x (b + t (x − b))]` with b drawn from the baselines and t from 0…1, added up
/// over the channels. The sum of the map is `y(x) − E[y(b)]` in expectation; the completeness gap
/// says how far this draw is off, and the standard error how sure every pixel is. With
/// `isStratified` the draws cover baselines and places evenly: sample i takes baseline `i mod n`
/// and a t from its own slice of 0…1, which has the same expectation and errs less; the standard
/// error, which treats samples as independent, is then an upper estimate. With ``stopping`` draws
/// are independent, since nobody knows beforehand how many there will be. Definition: Erion et al.,
/// "Improving performance of deep learning models with axiomatic attribution priors and expected
/// gradients", Nature Machine Intelligence, 2021.
public struct ExpectedGradients: Explainer {
  /// The method's name on the command line.
  public let name = "gradientshap"
  /// The method's name as it is written in texts.
  public let title = "GradientSHAP"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .baseline], unit: .explained,
    cost: "one forward pass a sample, one backward pass a sample and target",
    paper: "Erion et al., Axiomatic attribution priors and expected gradients, Nature MI 2021")
  /// The number of samples, or the limit where ``stopping`` is given.
  public let samples: Int
  /// What baselines are drawn from.
  public let baselines: [Masker]
  /// The seed of the draws.
  public let seed: UInt64
  /// Whether draws cover baselines and places evenly.
  public let isStratified: Bool
  /// When to stop before all samples are drawn.
  public let stopping: StoppingRule?

  /// Makes the method.
  public init(
    samples: Int = 200, baselines: [Masker] = [.constant([0])], seed: UInt64 = 0,
    isStratified: Bool = true, stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.baselines = baselines
    self.seed = seed
    self.isStratified = isStratified && stopping == nil
    self.stopping = stopping
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("samples", samples),
      .text("baselines", baselines.map(\.description).joined(separator: ",")), .seed(seed),
      .flag("stratified", isStratified),
    ] + stopping.parameters
  }

  /// Explains predictions for one image; the draws are the same for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    var maps = try SampledMaps(
      image, targets: targets.count, samples: samples, rule: stopping)
    guard !baselines.isEmpty else {
      throw ExplanationError.parameter("the set of baselines", "is empty")
    }
    let gradient = try InputGradient(
      image, targets: targets, of: classifier, work: work,
      evaluations: samples + baselines.count + 1)
    let starts = try baselines.map { try $0.replacement(for: image) }
    let ends = try Evaluator(classifier, targets: targets, work: work)(starts + [image.input])
    try maps.draw(inGroupsOf: InputGradient.group) { range in
      var (ways, images) = ([Tensor](), [Tensor]())
      for sample in range {
        var random = SeededRandom(seed: seed, sample: sample)
        let (start, t) = draw(sample, of: starts, &random)
        let way = image.input - start
        ways.append(way)
        images.append(start.zip(way) { $0 + t * $1 })
      }
      return (ways: ways, gradients: try gradient(images))
    } _: { group, index in
      group.gradients[index].map { image.product(group.ways[index], $0) }
    }
    return targets.indices.map { index in
      let means = maps.moments[index].means
      let base = ends.dropLast().reduce(0) { $0 + $1[index] } / Double(starts.count)
      return Attribution(
        target: targets[index], values: image.map(means), evaluations: maps.taken + ends.count,
        completenessGap: ends[starts.count][index] - base - means.reduce(0, +), baseValue: base,
        explainedValue: ends[starts.count][index],
        standardError: image.errorMap(maps.moments[index].standardErrors),
        diagnostics: maps.diagnostics)
    }
  }

  private func draw(
    _ sample: Int, of starts: [Tensor], _ random: inout SeededRandom
  ) -> (Tensor, Float) {
    let position = random.uniform()
    guard isStratified else {
      return (starts[Int(random.next(upperBound: UInt64(starts.count)))], position)
    }
    // Among the samples of one baseline, each has its own slice of the way.
    let (round, baseline) = sample.quotientAndRemainder(dividingBy: starts.count)
    let slices = (samples - baseline + starts.count - 1) / starts.count
    return (starts[baseline], (Float(round) + position) / Float(slices))
  }
}
