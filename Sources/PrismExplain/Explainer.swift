public import PrismRuntime
public import PrismTensor

/// A method that says which parts of an image a prediction rests on.
///
/// Explainers are small values; their properties are the method's published parameters.
public protocol Explainer: Sendable {
  /// The method's name on the command line, such as `gradcam`.
  var name: String { get }
  /// The method's name as it is written in texts, such as `Grad-CAM`.
  var title: String { get }

  /// Explains predictions for one image.
  ///
  /// - Parameters:
  ///   - image: `[1, H, W, C]`, as the model takes it.
  ///   - targets: The indices of the logits to explain.
  ///   - classifier: The model.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, and what the classifier throws.
  func explain(
    _ image: Tensor, targets: [Int], of classifier: any DifferentiableClassifier
  ) throws -> [Attribution]
}

/// How much every position of an image contributes to one logit.
public struct Attribution: Sendable {
  /// The index of the explained logit.
  public let target: Int
  /// The raw attribution, `[H, W]` at the model's input size: not normalised, signed where the method is.
  public let values: Tensor
  /// The number of forward passes that were spent.
  public let evaluations: Int
  /// `f(image) − f(baseline) − Σ values` for methods that promise completeness, else `nil`.
  public let completenessGap: Double?
  /// The name of the value that was looked at, for methods that look at one.
  public let layer: String?
  /// What a reader of the map should know, such as why it is blank.
  public let diagnostics: [String]

  /// Makes an attribution.
  public init(
    target: Int, values: Tensor, evaluations: Int, completenessGap: Double? = nil,
    layer: String? = nil, diagnostics: [String] = []
  ) {
    self.target = target
    self.values = values
    self.evaluations = evaluations
    self.completenessGap = completenessGap
    self.layer = layer
    self.diagnostics = diagnostics
  }
}

/// Why an explanation could not be made.
public enum ExplanationError: Error, Equatable, CustomStringConvertible {
  /// The layer has no rows and columns, so that there is nothing to draw.
  case layerWithoutExtent(layer: String, shape: Shape)
  /// The model's values are not finite for this input.
  case notFinite(layer: String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .layerWithoutExtent(let layer, let shape):
      "the layer \(layer) has the shape \(shape) and no rows and columns to draw; "
        + "choose a layer with the shape [N, H, W, C]"
    case .notFinite(let layer):
      "the model computes values that are not finite at \(layer); its weights or the input are broken"
    }
  }
}
