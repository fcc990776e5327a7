public import PrismRuntime
internal import PrismTensor

/// The first principal component of a layer's activations, each multiplied with the logit's gradient
/// at it: what of that which speaks for the target the layer sees most of.
///
/// The projection and its sign are those of ``EigenCAM``, of `G ⊙ A` instead of A, with the
/// activations A of a layer and the gradient G of a logit at them. Definition: the package
/// pytorch-grad-cam, which has it from Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using
/// Principal Components", IJCNN 2020.
public struct EigenGradCAM: ClassActivationMap {
  /// The method's name on the command line.
  public let name = "eigengradcam"
  /// The method's name as it is written in texts.
  public let title = "Eigen-Grad-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts.gradientMap(
    paper: "Gildenblat et al., pytorch-grad-cam, 2021, after Muhammad and Yeasin, IJCNN 2020")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

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
    return try zip(targets, look.gradients).map { target, gradient in
      finish(
        try EigenCAM().map(activation: gradient * look.activation), target: target,
        layer: look.name, image: image, evaluations: 1, gradient: gradient)
    }
  }
}
