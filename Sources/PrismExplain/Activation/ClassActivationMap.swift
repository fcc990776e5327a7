public import PrismRuntime
public import PrismTensor

/// A method of the CAM family: a map made from a layer's activations.
///
/// The last steps are the same for all: negative values are cut off (unless ``isRectified`` says
/// otherwise), and the map is enlarged bilinearly with half-pixel centres to the input's size. The
/// result is not normalised.
public protocol ClassActivationMap: Explainer {
  /// Which layer is looked at, and what of the map is kept.
  var choice: LayerChoice { get }

  /// Makes the method.
  init(_ choice: LayerChoice)
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
  /// Makes the method.
  ///
  /// - Parameters:
  ///   - layer: The name of the layer to explain; `nil` for the model's default.
  ///   - isRectified: Whether negative values of the map are cut off.
  public init(layer: String? = nil, isRectified: Bool = true) {
    self.init(LayerChoice(layer: layer, isRectified: isRectified))
  }

  /// The name of the layer to explain; `nil` for the model's default.
  public var layer: String? { choice.layer }
  /// Whether negative values of the map are cut off.
  public var isRectified: Bool { choice.isRectified }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [.text("layer", layer ?? "the model's default"), .flag("relu", isRectified)]
  }
}

extension MethodFacts {
  /// The facts of a method that looks at a layer and the gradients at it.
  static func gradientMap(paper: String) -> MethodFacts {
    MethodFacts(
      needs: [.gradients, .layer], cost: "one forward pass, one backward pass a target",
      paper: paper)
  }
}

extension GradientActivationMap {
  /// Explains predictions for one image.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns or its values are not
  ///   finite.
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
