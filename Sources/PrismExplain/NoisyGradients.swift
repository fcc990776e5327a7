internal import PrismRuntime
internal import PrismTensor

/// Saliency maps of an image with noise on it: what SmoothGrad and VarGrad share.
struct NoisyGradients {
  let samples: Int
  let noise: Double
  let seed: UInt64
  let reduction: ChannelReduction

  /// The moments of the maps over the samples, one a target, up to a power.
  func moments(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier, order: Int
  ) throws -> [PixelMoments] {
    guard samples >= 1 else {
      throw ExplanationError.parameter("the number of samples", "must be at least 1")
    }
    guard noise >= 0, noise.isFinite else {
      throw ExplanationError.parameter("the noise", "must be a number that is not negative")
    }
    let gradient = try InputGradient(image, targets: targets, of: classifier)
    let deviation = Float(noise) * (image.input.maximum - image.input.minimum)
    var moments = targets.map { _ in PixelMoments(area: image.area, order: order) }
    for sample in 0..<samples {
      var random = SeededRandom(seed: seed, sample: sample)
      let noisy = image.input.map { $0 + deviation * random.normal() }
      for (index, gradient) in try gradient(noisy).enumerated() {
        moments[index].add(reduction(gradient))
      }
    }
    return moments
  }

  var parameters: [MethodParameter] {
    [
      .integer("samples", samples), .number("noise", noise), .seed(seed),
      .text("reduction", reduction.rawValue),
    ]
  }
}

extension SeededRandom {
  /// The generator of one sample: a function of the seed and the sample's index alone.
  init(seed: UInt64, sample: Int) {
    self.init(seed: CounterRandom(seed: seed).bits(sample))
  }
}
