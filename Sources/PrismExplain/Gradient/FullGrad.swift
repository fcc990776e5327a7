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
      let ones = [Float](repeating: 1, count: image.channels)
      let product = gradient * image.input
      for (p, value) in product.scaledMagnitudes(times: ones).enumerated() { sum[p] += value }
      return Attribution(
        target: target, values: image.map(sum), evaluations: 1, diagnostics: gradient.blankness)
    }
  }
}

/// The derivative; on the way the contributions of biases are added up.
private final class BiasRule: WatchingRule {
  private let height: Int
  private let width: Int
  private let contributions: Mutex<[Double]>

  init(height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    contributions = Mutex([Double](repeating: 0, count: height * width))
  }

  /// What all biases contribute to every pixel.
  func sum() -> [Double] { contributions.withLock { $0 } }

  func watches(_ primitive: any Primitive, constants: [Tensor?]) -> Bool {
    bias(of: primitive, constants) != nil
  }

  func watch(_ cotangent: Tensor, of primitive: any Primitive, constants: [Tensor?]) {
    guard cotangent.shape.rank == 4, cotangent.shape[0] == 1,
      let bias = bias(of: primitive, constants)
    else { return }
    let small = Tensor(
      [cotangent.shape[1], cotangent.shape[2]],
      cotangent.scaledMagnitudes(times: bias).map { Float($0) })
    let map = small.resizedBilinear(height: height, width: width)
    contributions.withLock { sums in
      map.withUnsafePointer { map in for p in sums.indices { sums[p] += Double(map[p]) } }
    }
  }

  /// What an operation adds to every channel; `nil` where it has no bias.
  private func bias(of primitive: any Primitive, _ constants: [Tensor?]) -> [Float]? {
    switch primitive {
    case is any ConvolutionPrimitive where constants.count == 3: return constants[2]?.scalars
    case let normalization as BatchNormalization:
      let moments = constants.compactMap { $0?.scalars }
      guard moments.count == 4 else { return nil }
      return moments[3].enumerated().map { c, variance in
        moments[1][c] - moments[2][c] * moments[0][c]
          / (variance + normalization.epsilon).squareRoot()
      }
    default: return nil
    }
  }
}

extension Tensor {
  /// The sum over channels of magnitudes that are scaled to 0…1 in every channel.
  ///
  /// - Parameter factors: By which every channel is multiplied first.
  /// - Returns: Of `[1, h, w, C]` h · w numbers.
  fileprivate func scaledMagnitudes(times factors: [Float]) -> [Double] {
    let channels = shape[3]
    return withUnsafePointer { values in
      var low = [Float](repeating: .infinity, count: channels)
      var high = [Float](repeating: 0, count: channels)
      for row in stride(from: 0, to: count, by: channels) {
        for c in 0..<channels {
          let magnitude = abs(values[row + c] * factors[c])
          low[c] = min(low[c], magnitude)
          high[c] = max(high[c], magnitude)
        }
      }
      let scales = (0..<channels).map { 1 / (Double(high[$0] - low[$0]) + 1e-7) }
      return stride(from: 0, to: count, by: channels).map { row in
        var sum = 0.0
        for c in 0..<channels {
          sum += Double(abs(values[row + c] * factors[c]) - low[c]) * scales[c]
        }
        return sum
      }
    }
  }
}
