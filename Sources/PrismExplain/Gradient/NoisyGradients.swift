internal import PrismRuntime
internal import PrismTensor

/// Saliency maps of an image with noise on it: what SmoothGrad and VarGrad share.
struct NoisyGradients {
  let samples: Int
  let noise: Double
  let seed: UInt64
  let reduction: ChannelReduction
  var stopping: StoppingRule?

  /// The maps of the samples, for a statistic of them.
  func maps(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work,
    statistic: SampledMaps.Statistic
  ) throws -> SampledMaps {
    var maps = try SampledMaps(
      image, targets: targets.count, statistic: statistic, samples: samples, rule: stopping)
    guard noise >= 0, noise.isFinite else {
      throw ExplanationError.parameter("the noise", "must be a number that is not negative")
    }
    let gradient = try InputGradient(
      image, targets: targets, of: classifier, work: work)
    let deviation = Float(noise) * (image.input.maximum - image.input.minimum)
    try maps.draw(inGroupsOf: InputGradient.group) { range in
      try gradient(
        range.map { sample in
          var random = SeededRandom(seed: seed, sample: sample)
          return image.input.map { $0 + deviation * random.normal() }
        })
    } _: { gradients, index in
      gradients[index].map { reduction($0) }
    }
    return maps
  }

  var parameters: [MethodParameter] {
    [
      .integer("samples", samples), .number("noise", noise), .seed(seed),
      .text("reduction", reduction.rawValue),
    ] + stopping.parameters
  }
}

extension SeededRandom {
  /// The generator of one sample: a function of the seed and the sample's index alone.
  init(seed: UInt64, sample: Int) {
    self.init(seed: CounterRandom(seed: seed).bits(sample))
  }
}
