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
/// error is that of slices one after the other, by their second differences. With ``stopping``
/// draws are independent, since nobody knows beforehand how many there will be. Definition: Erion et
/// al., "Improving performance of deep learning models with axiomatic attribution priors and
/// expected gradients", Nature Machine Intelligence, 2021.
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
      image, targets: targets.count, samples: samples, rule: stopping,
      series: isStratified ? { place(of: $0).baseline } : nil)
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
      for position in range {
        let (start, t) = draw(position, of: starts)
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
        standardError: image.errorMap(maps.standardErrors(of: index)),
        diagnostics: maps.diagnostics)
    }
  }

  /// The baseline and the way from it of the sample at a position.
  private func draw(_ position: Int, of starts: [Tensor]) -> (start: Tensor, t: Float) {
    guard isStratified else {
      var random = SeededRandom(seed: seed, sample: position)
      let t = random.uniform()
      return (starts[Int(random.next(upperBound: UInt64(starts.count)))], t)
    }
    let place = place(of: position)
    var random = SeededRandom(seed: seed, sample: place.slice * starts.count + place.baseline)
    return (starts[place.baseline], (Float(place.slice) + random.uniform()) / Float(place.slices))
  }

  /// Which slice of the way from which baseline: one baseline after the other, and of each one slice
  /// after the other.
  private func place(of position: Int) -> (baseline: Int, slice: Int, slices: Int) {
    let (least, more) = samples.quotientAndRemainder(dividingBy: baselines.count)
    let first = more * (least + 1)
    return position < first
      ? (position / (least + 1), position % (least + 1), least + 1)
      : (more + (position - first) / least, (position - first) % least, least)
  }
}
