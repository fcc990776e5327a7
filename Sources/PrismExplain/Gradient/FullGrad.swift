internal import PrismAutodiff
public import PrismRuntime
internal import PrismTensor
internal import Synchronization

/// What the input and every bias of the network contribute to the logit, place by place.
///
/// For a network of piecewise linear functions the logit is the sum of the input times its gradient
/// and of every bias times its own; those of convolutions and normalisations have a place. The map
/// adds up the magnitudes of the input's channels and of all channels of biases, each scaled to
/// 0…1 (1e-7 is added to the range) and enlarged bilinearly to the input's size, as in the package
/// pytorch-grad-cam, which scales the sum to 0…1 besides. The bias of a normalisation with stored
/// statistics is `β − μ γ / √(σ² + ε)`. Definition: Srinivas and Fleuret, "Full-Gradient
/// Representation for Neural Network Visualization", NeurIPS 2019.
public struct FullGrad: Explainer {
  /// The method's name on the command line.
  public let name = "fullgrad"
  /// The method's name as it is written in texts.
  public let title = "FullGrad"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients], cost: "one forward pass, one backward pass a target",
    paper: "Srinivas and Fleuret, FullGrad, NeurIPS 2019")
  /// The method has no parameters.
  public let parameters: [MethodParameter] = []

  /// Makes the method.
  public init() {}

  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError`` where the model's values are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier, targets: targets)
    work.plan(targets.count)
    return try targets.map { target in
      let rule = BiasRule(height: image.height, width: image.width)
      let found = try classifier.backward(
        from: [target], to: nil, passes: [image.pass], rule: rule)
      try work.did(1)
      guard let gradient = found.first?.cotangents.first, gradient.isFinite else {
        throw ExplanationError.notFinite(layer: "the gradient of the input")
      }
      var sum = rule.sum()
      for (p, value) in (gradient * image.input).scaledMagnitudes.enumerated() { sum[p] += value }
      return Attribution(
        target: target, values: image.map(sum), evaluations: 1, diagnostics: gradient.blankness)
    }
  }
}

/// The derivative; on the way the contributions of biases are added up.
private final class BiasRule: BackwardRule {
  private let height: Int
  private let width: Int
  private let contributions: Mutex<[Double]>

  init(height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    contributions = Mutex([Double](repeating: 0, count: height * width))
  }

  /// What all biases contribute to every pixel.
  func sum() -> [Double] { contributions.withLock { $0 } }

  func pullback(_ cotangent: Tensor, through operation: EvaluatedOperation) -> [Tensor?] {
    if cotangent.shape.rank == 4, cotangent.shape[0] == 1, let bias = Self.bias(of: operation) {
      let channels = bias.count
      let product = Tensor(uninitialized: cotangent.shape) { target in
        cotangent.withUnsafePointer { g in
          for i in 0..<cotangent.count { target[i] = g[i] * bias[i % channels] }
        }
      }
      let small = Tensor(
        [cotangent.shape[1], cotangent.shape[2]], product.scaledMagnitudes.map { Float($0) })
      let map = small.resizedBilinear(height: height, width: width)
      contributions.withLock { sums in
        map.withUnsafePointer { map in for p in sums.indices { sums[p] += Double(map[p]) } }
      }
    }
    return operation.pullback(cotangent)
  }

  /// What an operation adds to every channel; `nil` where it has no bias.
  private static func bias(of operation: EvaluatedOperation) -> [Float]? {
    let inputs = operation.values.inputs
    switch operation.primitive {
    case is any ConvolutionPrimitive where inputs.count == 3: return inputs[2].scalars
    case let normalization as BatchNormalization where !operation.wanted.dropFirst().contains(true):
      let (scale, offset, mean) = (inputs[1].scalars, inputs[2].scalars, inputs[3].scalars)
      return inputs[4].scalars.enumerated().map { c, variance in
        offset[c] - mean[c] * scale[c] / (variance + normalization.epsilon).squareRoot()
      }
    default: return nil
    }
  }
}

extension Tensor {
  /// The sum over channels of magnitudes that are scaled to 0…1 in every channel: `[1, h, w, C]` to
  /// h · w numbers.
  fileprivate var scaledMagnitudes: [Double] {
    let channels = shape[3]
    return withUnsafePointer { values in
      var low = [Float](repeating: .infinity, count: channels)
      var high = [Float](repeating: 0, count: channels)
      for i in 0..<count {
        let magnitude = abs(values[i])
        low[i % channels] = min(low[i % channels], magnitude)
        high[i % channels] = max(high[i % channels], magnitude)
      }
      let factors = (0..<channels).map { 1 / (Double(high[$0] - low[$0]) + 1e-7) }
      return (0..<count / channels).map { p in
        (0..<channels).reduce(0) { sum, c in
          sum + Double(abs(values[p * channels + c]) - low[c]) * factors[c]
        }
      }
    }
  }
}
