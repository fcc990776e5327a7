internal import PrismRuntime
internal import PrismTensor

/// What methods choose that look at an image with noise on it.
public struct NoisySampling: Sendable {
  /// The number of samples, or the limit where ``stopping`` is given.
  public var samples: Int
  /// The deviation of the noise relative to the input's range.
  public var noise: Double
  /// The seed of the noise.
  public var seed: UInt64
  /// How channels become one number.
  public var reduction: ChannelReduction
  /// When to stop before all samples are drawn.
  public var stopping: StoppingRule?

  /// Makes the choices; those left out are the methods' defaults.
  public init(
    samples: Int = 50, noise: Double = 0.15, seed: UInt64 = 0,
    reduction: ChannelReduction = .largestMagnitude, stopping: StoppingRule? = nil
  ) {
    self.samples = samples
    self.noise = noise
    self.seed = seed
    self.reduction = reduction
    self.stopping = stopping
  }
}

/// A statistic of saliency maps of the image with noise on it: what SmoothGrad and VarGrad share.
///
/// Every sample adds normally distributed noise to the input, with a deviation of
/// ``NoisySampling/noise`` times the input's range. Sample i depends on the seed and i alone.
public protocol NoisyGradientMethod: Explainer {
  /// How samples are drawn.
  var sampling: NoisySampling { get }

  /// Makes the method.
  init(_ sampling: NoisySampling)
}

extension NoisyGradientMethod {
  /// Makes the method.
  ///
  /// - Parameters:
  ///   - samples: The number of samples, or the limit where `stopping` is given.
  ///   - noise: The deviation of the noise relative to the input's range.
  ///   - seed: The seed of the noise.
  ///   - reduction: How channels become one number.
  ///   - stopping: When to stop before all samples are drawn.
  public init(
    samples: Int = 50, noise: Double = 0.15, seed: UInt64 = 0,
    reduction: ChannelReduction = .largestMagnitude, stopping: StoppingRule? = nil
  ) {
    self.init(
      NoisySampling(
        samples: samples, noise: noise, seed: seed, reduction: reduction, stopping: stopping))
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("samples", sampling.samples), .number("noise", sampling.noise),
      .seed(sampling.seed), .text("reduction", sampling.reduction.rawValue),
    ] + sampling.stopping.parameters
  }

  /// The statistic of the samples' maps, one attribution a target; the noise is the same for all
  /// targets.
  func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work, statistic: SampledMaps.Statistic
  ) throws -> [Attribution] {
    let maps = try sampledMaps(
      image, targets: targets, of: classifier, work: work, statistic: statistic)
    return zip(targets, maps.moments).map { target, moments in
      let (values, errors) =
        switch statistic {
        case .mean: (moments.means, moments.standardErrors)
        case .variance: (moments.variances, moments.standardErrorsOfVariances)
        }
      return Attribution(
        target: target, values: image.map(values), evaluations: maps.taken,
        standardError: image.errorMap(errors), diagnostics: maps.diagnostics)
    }
  }

  private func sampledMaps(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work, statistic: SampledMaps.Statistic
  ) throws -> SampledMaps {
    let (noise, seed) = (sampling.noise, sampling.seed)
    var maps = try SampledMaps(
      image, targets: targets.count, statistic: statistic, samples: sampling.samples,
      rule: sampling.stopping)
    guard noise >= 0, noise.isFinite else {
      throw ExplanationError.parameter("the noise", "must be a number that is not negative")
    }
    let gradient = try InputGradient(
      image, targets: targets, of: classifier, work: work, evaluations: sampling.samples)
    let deviation = Float(noise) * (image.input.maximum - image.input.minimum)
    try maps.draw(inGroupsOf: InputGradient.group) { range in
      try gradient(
        range.map { sample in
          var random = SeededRandom(seed: seed, sample: sample)
          return image.input.map { $0 + deviation * random.normal() }
        })
    } _: { gradients, index in
      gradients[index].map { sampling.reduction($0) }
    }
    return maps
  }
}

extension SeededRandom {
  /// The generator of one sample: a function of the seed and the sample's index alone.
  init(seed: UInt64, sample: Int) {
    self.init(seed: CounterRandom(seed: seed).bits(sample))
  }
}
