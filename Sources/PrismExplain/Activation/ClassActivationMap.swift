public import PrismRuntime
public import PrismTensor

/// A method of the CAM family: a map made from a layer's activations.
///
/// The last steps are the same for all: negative values are cut off (unless ``isRectified`` says otherwise), and the
/// map is enlarged bilinearly with half-pixel centres to the input's size. The result is not normalised.
public protocol ClassActivationMap: Explainer {
  /// The name of the layer to explain; `nil` for the model's default.
  var layer: String? { get }
  /// Whether negative values of the map are cut off.
  var isRectified: Bool { get }
}

/// A method of the CAM family that weights the activations by a logit's gradient at them.
public protocol GradientActivationMap: ClassActivationMap {
  /// The map before rectification and enlargement.
  ///
  /// - Parameters:
  ///   - activation: The layer's value, `[1, h, w, C]`.
  ///   - gradient: The gradient of the logit at it, `[1, h, w, C]`.
  /// - Returns: `[h, w]`.
  func map(activation: Tensor, gradient: Tensor) -> Tensor
}

extension ClassActivationMap {
  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [.text("layer", layer ?? "the model's default"), .flag("relu", isRectified)]
  }
}

extension GradientActivationMap {
  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns or its values are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    let look = try LayerLook(
      image, targets: targets, layer: layer, of: classifier, work: work, isDifferentiated: true)
    return zip(targets, look.gradients).map { target, gradient in
      finish(
        map(activation: look.activation, gradient: gradient), target: target, layer: look.name,
        image: image, evaluations: 1, gradient: gradient)
    }
  }
}

extension ClassActivationMap {
  /// Rectifies and enlarges a map.
  func finish(
    _ raw: Tensor, target: Int, layer: String, image: ExplainedImage, evaluations: Int,
    gradient: Tensor? = nil
  ) -> Attribution {
    var diagnostics: [String] = []
    if let gradient, gradient.isZero {
      diagnostics = ["blank map: all gradients are zero at \(layer)"]
    } else if isRectified, raw.maximum <= 0 {
      diagnostics = [
        "blank map: ReLU removed everything, the raw maximum at \(layer) is \(raw.maximum)"
      ]
    }
    let map = isRectified ? raw.map { max($0, 0) } : raw
    return Attribution(
      target: target, values: map.resizedBilinear(height: image.height, width: image.width),
      evaluations: evaluations, layer: layer, diagnostics: diagnostics)
  }
}

/// A layer's activations for an image and the gradients of logits at them.
struct LayerLook {
  let name: String
  let activation: Tensor
  let gradients: [Tensor]

  /// Runs the model and checks what comes out.
  ///
  /// - Parameters:
  ///   - image: The image.
  ///   - targets: The logits to explain.
  ///   - layer: The layer's name; `nil` for the model's default.
  ///   - classifier: The model.
  ///   - work: Is told of the pass.
  ///   - isDifferentiated: Whether gradients are wanted, one a target.
  /// - Throws: ``ExplanationError``, and what the model throws.
  init(
    _ image: ExplainedImage, targets: [Int], layer: String?,
    of classifier: any DifferentiableClassifier, work: Work, isDifferentiated: Bool
  ) throws {
    try image.check(for: classifier, targets: targets)
    name = layer ?? classifier.defaultLayer
    if let shape = classifier.shape(of: name), shape.rank != 4 {
      throw ExplanationError.layerWithoutExtent(layer: name, shape: shape)
    }
    (activation, gradients) = try classifier.gradients(
      of: isDifferentiated ? targets : [], at: name, image: image.input)
    try work.did(1)
    guard activation.isFinite, gradients.allSatisfy(\.isFinite) else {
      throw ExplanationError.notFinite(layer: name)
    }
  }
}

extension Tensor {
  /// The mean over rows and columns of every channel: `[1, h, w, C]` to `[C]`.
  func channelMeans() -> Tensor {
    let positions = Double(count / shape[3])
    let sums = channelSums { values, index in Double(values[index]) }
    return Tensor([shape[3]], sums.map { Float($0 / positions) })
  }

  /// The sum over rows and columns, in Double, of a term for every element.
  @inline(__always)
  func channelSums(_ term: (UnsafePointer<Float>, Int) -> Double) -> [Double] {
    let channels = shape[3]
    var sums = [Double](repeating: 0, count: channels)
    withUnsafePointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for start in stride(from: 0, to: count, by: channels) {
          for c in 0..<channels { sums[c] += term(values, start &+ c) }
        }
      }
    }
    return sums
  }

  /// The sum over channels of weight times activation: `[1, h, w, C]` to `[h, w]`.
  func weightedSum(_ weights: Tensor) -> Tensor {
    weights.withUnsafePointer { weights in
      sumOverChannels { values, index, channel in
        Double(weights[channel]) * Double(values[index])
      }
    }
  }

  /// The sum over channels, in Double, of a term for every element of `[1, h, w, C]`.
  ///
  /// Every fourth channel goes into one of four partial sums.
  ///
  /// - Parameter term: Is given the elements, and the index and the channel of one of them.
  /// - Returns: `[h, w]`.
  @inline(__always)
  func sumOverChannels(_ term: (UnsafePointer<Float>, Int, Int) -> Double) -> Tensor {
    let channels = shape[3]
    return withUnsafePointer { values in
      Tensor(uninitialized: [shape[1], shape[2]]) { map in
        for position in 0..<count / channels {
          let start = position &* channels
          var (s0, s1, s2, s3) = (0.0, 0.0, 0.0, 0.0)
          var c = 0
          while c &+ 4 <= channels {
            s0 += term(values, start &+ c, c)
            s1 += term(values, start &+ c &+ 1, c &+ 1)
            s2 += term(values, start &+ c &+ 2, c &+ 2)
            s3 += term(values, start &+ c &+ 3, c &+ 3)
            c &+= 4
          }
          while c < channels {
            s0 += term(values, start &+ c, c)
            c &+= 1
          }
          map[position] = Float((s0 + s1) + (s2 + s3))
        }
      }
    }
  }
}
