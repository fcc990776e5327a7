public import PrismRuntime
internal import PrismTensor

/// A method that says which parts of an image a prediction rests on.
///
/// Explainers are small values; their properties are the method's published parameters.
public protocol Explainer: Sendable {
  /// The method's name on the command line, such as `gradcam`.
  var name: String { get }
  /// The method's name as it is written in texts, such as `Grad-CAM`.
  var title: String { get }
  /// What the method needs, costs and where it is defined.
  var facts: MethodFacts { get }
  /// The values of the method's parameters, in the order in which they are listed.
  var parameters: [MethodParameter] { get }

  /// Explains predictions for one image.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain.
  ///   - classifier: The model.
  ///   - work: Is told of every batch, and ends the method where its task is cancelled.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, and what the model throws.
  func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution]
}

/// A method that knows nothing of a model but its outputs: any function of an image can be
/// explained by it.
public protocol BlackBoxExplainer: Explainer {
  /// Explains predictions for one image.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain; all come from one pass.
  ///   - classifier: The model.
  ///   - work: Is told of every batch, and ends the method where its task is cancelled.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, and what the model throws.
  func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution]
}

extension BlackBoxExplainer {
  /// Explains predictions for one image, without a look at the model's gradients.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain.
  ///   - classifier: The model.
  ///   - work: Is told of every batch, and ends the method where its task is cancelled.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, and what the model throws.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    try explain(image, targets: targets, of: classifier as any Classifier, work: work)
  }
}

extension Explainer {
  /// Explains predictions for one image, without anybody who watches.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain.
  ///   - classifier: The model.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, what the model throws, and `CancellationError` in a cancelled
  ///   task.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier
  ) throws -> [Attribution] {
    try explain(image, targets: targets, of: classifier, work: .unwatched)
  }
}

extension BlackBoxExplainer {
  /// Explains predictions for one image, without anybody who watches.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain.
  ///   - classifier: The model.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, what the model throws, and `CancellationError` in a cancelled
  ///   task.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier
  ) throws -> [Attribution] {
    try explain(image, targets: targets, of: classifier, work: .unwatched)
  }
}
