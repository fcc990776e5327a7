public import PrismRuntime
internal import PrismTensor

/// The mean of saliency maps of the image with noise on it.
///
/// Every sample adds normally distributed noise to the input, with a deviation of `noise` times the input's range;
/// the map is the mean of the samples' ``Saliency``. Sample i depends on the seed and i alone. Definition: Smilkov et
/// al., "SmoothGrad: removing noise by adding noise", 2017.
public struct SmoothGrad: Explainer {
  /// The method's name on the command line.
  public let name = "smoothgrad"
  /// The method's name as it is written in texts.
  public let title = "SmoothGrad"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], cost: "one forward pass a sample, one backward pass a sample and target",
    paper: "Smilkov et al., SmoothGrad, arXiv 1706.03825, 2017")
  private let gradients: NoisyGradients

  /// The number of samples, or the limit where ``stopping`` is given.
  public var samples: Int { gradients.samples }
  /// The deviation of the noise relative to the input's range.
  public var noise: Double { gradients.noise }
  /// The seed of the noise.
  public var seed: UInt64 { gradients.seed }
  /// How channels become one number.
  public var reduction: ChannelReduction { gradients.reduction }
  /// When to stop before all samples are drawn.
  public var stopping: StoppingRule? { gradients.stopping }

  /// Makes the method.
  public init(
    samples: Int = 50, noise: Double = 0.15, seed: UInt64 = 0,
    reduction: ChannelReduction = .largestMagnitude, stopping: StoppingRule? = nil
  ) {
    gradients = NoisyGradients(
      samples: samples, noise: noise, seed: seed, reduction: reduction, stopping: stopping)
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] { gradients.parameters }

  /// Explains predictions for one image; the noise is the same for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    let maps = try gradients.maps(
      image, targets: targets, of: classifier, work: work, statistic: .mean)
    return zip(targets, maps.moments).map { target, moments in
      Attribution(
        target: target, values: image.map(moments.means), evaluations: maps.taken,
        standardError: image.errorMap(moments.standardErrors), diagnostics: maps.diagnostics)
    }
  }
}
