internal import PrismAutodiff
public import PrismRuntime
internal import PrismTensor

/// The weights of a layer's channels whose map, as a mask, keeps most of the logit.
///
/// The map is `Σ_c softmax(u)_c · A_c` with the activations A of a layer. Enlarged bilinearly to the
/// input's size and scaled to 0…1 it is multiplied with the input, and u is what makes the logit of
/// the product large: found from equal weights by so many steps of Adam (β₁ = 0.9, β₂ = 0.999,
/// ε = 1e-8). Definition: Zhang et al., "Opti-CAM: Optimizing Saliency Maps for Interpretability",
/// Computer Vision and Image Understanding, 2024.
public struct OptiCAM: ClassActivationMap {
  /// The method's name on the command line.
  public let name = "opticam"
  /// The method's name as it is written in texts.
  public let title = "Opti-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .layer], cost: "one forward and one backward pass a step and target",
    paper: "Zhang et al., Opti-CAM, CVIU 2024")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice
  /// The number of steps.
  public let steps: Int
  /// The size of a step.
  public let rate: Double

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.init(choice, steps: 100) }

  /// Makes the method.
  ///
  /// - Parameters:
  ///   - choice: Which layer is looked at, and what of the map is kept.
  ///   - steps: The number of steps.
  ///   - rate: The size of a step.
  public init(_ choice: LayerChoice, steps: Int, rate: Double = 0.1) {
    self.choice = choice
    self.steps = steps
    self.rate = rate
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    GradCAM(choice).parameters + [.integer("steps", steps), .number("rate", rate)]
  }

  /// Explains predictions for one image; every target has steps of its own.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns or the model's values
  ///   are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard (1...100_000).contains(steps) else {
      throw ExplanationError.parameter("the number of steps", "must lie between 1 and 100000")
    }
    guard rate > 0, rate.isFinite else {
      throw ExplanationError.parameter("the size of a step", "must be a number above 0")
    }
    let look = try LayerLook(
      image, targets: targets, layer: layer, of: classifier, work: work
    ) { _ in targets.count * steps }
    return try targets.map { target in
      let gradient = try InputGradient(
        image, targets: [target], of: classifier, work: work, evaluations: 0)
      var search = MaskSearch(look.activation, image, rate: rate)
      for step in 1...steps {
        guard let masked = search.masked else { break }
        search.climb(try gradient(masked)[0], step: step)
      }
      return finish(
        search.map, target: target, layer: look.name, image: image, evaluations: steps + 1)
    }
  }
}

/// The search of ``OptiCAM``.
private struct MaskSearch {
  private let activation: Tensor
  private let image: ExplainedImage
  private let rate: Double
  private let resize: Resize
  /// What the softmax makes weights of.
  private var scores: [Double]
  private var means: [Double]
  private var squares: [Double]

  init(_ activation: Tensor, _ image: ExplainedImage, rate: Double) {
    self.activation = activation
    self.image = image
    self.rate = rate
    resize = Resize(height: image.height, width: image.width, method: .bilinear)
    scores = [Double](repeating: 0, count: activation.shape[3])
    (means, squares) = (scores, scores)
  }

  /// The weighted sum of the channels, `[h, w]`.
  var map: Tensor {
    activation.weightedSum(Tensor([scores.count], softmax(scores).map { Float($0) }))
  }

  /// The map at the image's size, and its ends; `nil` where it is the same everywhere.
  private var mask: (values: Tensor, low: Float, high: Float)? {
    let map = map
    let large = resize.forward([map.reshaped(to: [1, map.shape[0], map.shape[1], 1])])
    let (low, high) = (large.minimum, large.maximum)
    return high > low ? (large, low, high) : nil
  }

  /// The image multiplied with the mask.
  var masked: Tensor? {
    mask.map { mask in
      let (low, range, channels) = (mask.low, mask.high - mask.low, image.channels)
      return mask.values.withUnsafePointer { values in
        image.input.withUnsafePointer { x in
          Tensor(uninitialized: image.input.shape) { target in
            for i in 0..<image.input.count {
              target[i] = x[i] * (values[i / channels] - low) / range
            }
          }
        }
      }
    }
  }

  /// Changes the weights such that the logit grows.
  ///
  /// - Parameters:
  ///   - gradient: The logit's, at the masked image.
  ///   - step: The number of the step, from 1.
  mutating func climb(_ gradient: Tensor, step: Int) {
    guard let mask else { return }
    let slopes = self.slopes(gradient, mask)
    let weights = softmax(scores)
    let mean = zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
    let (first, second) = (1 - power(0.9, step), 1 - power(0.999, step))
    for c in scores.indices {
      let slope = weights[c] * (slopes[c] - mean)
      means[c] = 0.9 * means[c] + 0.1 * slope
      squares[c] = 0.999 * squares[c] + 0.001 * slope * slope
      scores[c] += rate * means[c] / first / ((squares[c] / second).squareRoot() + 1e-8)
    }
  }

  /// The logit's derivative by the weight of every channel.
  private func slopes(
    _ gradient: Tensor, _ mask: (values: Tensor, low: Float, high: Float)
  ) -> [Double] {
    // By the scaled mask, then by the map at the image's size: its ends count besides.
    let scaled = image.product(image.input, gradient)
    let (low, high) = (Double(mask.low), Double(mask.high))
    let values = mask.values.scalars.map(Double.init)
    var large = scaled.map { $0 / (high - low) }
    let square = (high - low) * (high - low)
    let least = values.indices.min { values[$0] < values[$1] } ?? 0
    let most = values.indices.max { values[$0] < values[$1] } ?? 0
    for (slope, value) in zip(scaled, values) {
      large[least] += slope * (value - high) / square
      large[most] -= slope * (value - low) / square
    }
    let small = resize.pullback(
      Tensor(mask.values.shape, large.map { Float($0) }),
      inputs: [Tensor([1, activation.shape[1], activation.shape[2], 1])], output: mask.values,
      wanted: [true])[0]
    let channels = scores.count
    return small?.withUnsafePointer { small in
      activation.channelSums { a, i in Double(a[i]) * Double(small[i / channels]) }
    } ?? scores.map { _ in 0 }
  }

  /// A number multiplied with itself so many times.
  private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}
