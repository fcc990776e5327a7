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
    let input = image.input
    let (rows, columns) = (
      CornerAxis(from: activation.shape[1], to: image.height),
      CornerAxis(from: activation.shape[2], to: image.width)
    )
    let scores = try Evaluator(classifier, targets: targets, work: work)(channels) {
      channel, target in
      let mask = Self.mask(activation, channel: channel, rows, columns)
      input.withUnsafePointer { input in
        for p in mask.indices {
          for c in 0..<image.channels {
            target[p * image.channels + c] = input[p * image.channels + c] * mask[p]
          }
        }
      }
    }
    return targets.enumerated().map { t, target in
      let logits = (0..<channels).map { scores[$0 * targets.count + t] }
      let top = logits.max() ?? 0
      let exponentials = logits.map { exponential($0 - top) }
      let sum = exponentials.reduce(0, +)
      let weights = Tensor([channels], exponentials.map { Float($0 / sum) })
      return finish(
        activation.weightedSum(weights), target: target, layer: look.name, image: image,
        evaluations: channels + 1)
    }
  }

  /// One channel at the input's size, from 0 to 1.
  private static func mask(
    _ activation: Tensor, channel: Int, _ rows: CornerAxis, _ columns: CornerAxis
  ) -> [Float] {
    let (stride, channels) = (activation.shape[2], activation.shape[3])
    return activation.withUnsafePointer { a in
      func at(_ y: Int, _ x: Int) -> Float { a[(y * stride + x) * channels + channel] }
      var mask: [Float] = []
      mask.reserveCapacity(rows.first.count * columns.first.count)
      for y in rows.first.indices {
        let (top, bottom, v) = (rows.first[y], rows.second[y], rows.weight[y])
        for x in columns.first.indices {
          let (left, right, u) = (columns.first[x], columns.second[x], columns.weight[x])
          mask.append(
            (1 - v) * ((1 - u) * at(top, left) + u * at(top, right))
              + v * ((1 - u) * at(bottom, left) + u * at(bottom, right)))
        }
      }
      let (low, high) = (mask.min() ?? 0, mask.max() ?? 0)
      return mask.map { ($0 - low) / (high - low + 1e-8) }
    }
  }
}
