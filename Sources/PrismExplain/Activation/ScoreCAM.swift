public import PrismRuntime
internal import PrismTensor

/// Class activation mapping whose weights come from the output instead of the gradient.
///
/// Every channel of the activations is enlarged to the input's size (bilinearly, corners on
/// corners), scaled to the range 0 to 1 (with 1e-8 added to the range), and multiplied with the
/// input; the softmax over the logits that the model gives these inputs weights the channels:
/// `ReLU(Σ_c w_c · A_c)`. As in the package pytorch-grad-cam, whose constants these are.
/// Definition: Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural
/// Networks", CVPR Workshops 2020.
public struct ScoreCAM: ClassActivationMap {
  /// The method's name on the command line.
  public let name = "scorecam"
  /// The method's name as it is written in texts.
  public let title = "Score-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.layer], cost: "one forward pass a channel of the layer",
    paper: "Wang et al., Score-CAM, CVPR Workshops 2020")
  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// Explains predictions for one image; the masked inputs are computed once for all targets.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns or the model's values
  ///   are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    let look = try LayerLook(
      image, targets: targets, layer: layer, of: classifier, work: work
    ) { $0 }
    let activation = look.activation
    let channels = activation.shape[3]
    let images = try PerturbedImages(
      .channels(value: activation), of: image, masker: .constant([0]))
    let scores = try Evaluator(classifier, targets: targets, work: work)(images)
    return targets.enumerated().map { t, target in
      let shares = softmax((0..<channels).map { scores[$0 * targets.count + t] })
      let weights = Tensor([channels], shares.map { Float($0) })
      return finish(
        activation.weightedSum(weights), target: target, layer: look.name, image: image,
        evaluations: channels + 1)
    }
  }
}
