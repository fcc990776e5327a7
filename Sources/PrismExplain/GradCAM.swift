public import PrismRuntime
public import PrismTensor

/// Gradient-weighted class activation mapping.
///
/// With the activations A of a layer and the gradient G of a logit at them, both `[1, h, w, C]`, the map is
/// `ReLU(Σ_c mean(G_c) · A_c)`, enlarged bilinearly (half-pixel centres) to the input's size. Definition: Selvaraju
/// et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
public struct GradCAM: Explainer {
  /// The method's name on the command line.
  public let name = "gradcam"
  /// The method's name as it is written in texts.
  public let title = "Grad-CAM"
  /// The name of the layer to explain; `nil` for the model's default.
  public let layer: String?

  /// Makes the method.
  public init(layer: String? = nil) {
    self.layer = layer
  }

  /// Explains predictions for one image, `[1, H, W, C]`.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns or its values are not finite.
  public func explain(
    _ image: Tensor, targets: [Int], of classifier: any DifferentiableClassifier
  ) throws -> [Attribution] {
    let layer = layer ?? classifier.defaultLayer
    if let shape = classifier.shape(of: layer), shape.rank != 4 {
      throw ExplanationError.layerWithoutExtent(layer: layer, shape: shape)
    }
    let (activation, gradients) = try classifier.gradients(of: targets, at: layer, image: image)
    guard activation.isFinite, gradients.allSatisfy(\.isFinite) else {
      throw ExplanationError.notFinite(layer: layer)
    }
    return zip(targets, gradients).map { target, gradient in
      let raw = Self.weightedSum(activation, weights: Self.channelMeans(gradient))
      let map = raw.map { max($0, 0) }
      return Attribution(
        target: target,
        values: map.resizedBilinear(height: image.shape[1], width: image.shape[2]),
        evaluations: 1, layer: layer,
        diagnostics: Self.diagnose(raw, gradient: gradient, layer: layer))
    }
  }

  /// The mean over rows and columns of every channel: `[1, h, w, C]` to `[C]`.
  static func channelMeans(_ gradient: Tensor) -> Tensor {
    let channels = gradient.shape[3]
    let positions = gradient.count / channels
    var sums = [Double](repeating: 0, count: channels)
    gradient.withUnsafePointer { gradient in
      for position in 0..<positions {
        for c in 0..<channels { sums[c] += Double(gradient[position * channels + c]) }
      }
    }
    return Tensor([channels], sums.map { Float($0 / Double(positions)) })
  }

  /// The sum over channels of weight times activation: `[1, h, w, C]` and `[C]` to `[h, w]`.
  static func weightedSum(_ activation: Tensor, weights: Tensor) -> Tensor {
    let channels = weights.count
    return activation.withUnsafePointer { values in
      weights.withUnsafePointer { weights in
        Tensor(uninitialized: [activation.shape[1], activation.shape[2]]) { map in
          for position in 0..<activation.count / channels {
            var sum = 0.0
            for c in 0..<channels {
              sum += Double(weights[c]) * Double(values[position * channels + c])
            }
            map[position] = Float(sum)
          }
        }
      }
    }
  }

  /// Why a map is blank, if it is.
  static func diagnose(_ raw: Tensor, gradient: Tensor, layer: String) -> [String] {
    if gradient.minimum == 0, gradient.maximum == 0 {
      return ["blank map: all gradients are zero at \(layer)"]
    }
    if raw.maximum <= 0 {
      return ["blank map: ReLU removed everything, the raw maximum at \(layer) is \(raw.maximum)"]
    }
    return []
  }
}
