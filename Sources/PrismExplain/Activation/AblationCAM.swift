public import PrismRuntime
internal import PrismTensor

/// Class activation mapping whose weights say how much the logit falls without a channel.
///
/// The map is `ReLU(Σ_c w_c · A_c)` with `w_c = (y − y_c) / y`: y is the logit and y_c the logit
/// with channel c of the layer set to zero, as in the paper (the package pytorch-grad-cam puts a
/// large negative number in the place of channels with negative values). Definition: Desai and
/// Ramaswamy, "Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free
/// Localization", WACV 2020.
public struct AblationCAM: ClassActivationMap {
  /// The method's name on the command line.
  public let name = "ablationcam"
  /// The method's name as it is written in texts.
  public let title = "Ablation-CAM"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.layer], cost: "one pass a channel from the layer to the output",
    paper: "Desai and Ramaswamy, Ablation-CAM, WACV 2020")
  /// How many channels are removed between two reports.
  static let group = 16

  /// Which layer is looked at, and what of the map is kept.
  public let choice: LayerChoice

  /// Makes the method.
  public init(_ choice: LayerChoice) { self.choice = choice }

  /// Explains predictions for one image; every channel is removed once for all targets.
  ///
  /// - Throws: ``ExplanationError`` where the layer has no rows and columns or the model's values
  ///   are not finite.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    let look = try LayerLook(
      image, targets: targets, layer: layer, of: classifier, work: work
    ) { $0 + 1 }
    let channels = look.activation.shape[3]
    let logits = try logits(without: channels, look, classifier, work)
    guard logits.isFinite else { throw ExplanationError.notFinite(layer: "the output") }
    return try targets.map { target in
      let whole = Double(logits[channels, target])
      guard whole != 0 else {
        throw ExplanationError.unsuitable(
          "Ablation-CAM divides by the logit, and the logit of output \(target) is zero")
      }
      let weights = (0..<channels).map { Float((whole - Double(logits[$0, target])) / whole) }
      return finish(
        look.activation.weightedSum(Tensor([channels], weights)), target: target,
        layer: look.name, image: image, evaluations: channels + 1)
    }
  }

  /// The logits without each of the channels, and in the last row the logits themselves.
  private func logits(
    without channels: Int, _ look: LayerLook, _ classifier: any DifferentiableClassifier,
    _ work: Work
  ) throws -> Tensor {
    let count = channels + 1
    return Tensor.stacking(
      try stride(from: 0, to: count, by: Self.group).map { first in
        let rows = try classifier.logits(
          count: min(Self.group, count - first), at: look.name, of: look.pass
        ) { index, value in
          let channel = first + index
          guard channel < channels else { return }
          value.withUnsafeMutableBufferPointer { value in
            for i in stride(from: channel, to: value.count, by: channels) { value[i] = 0 }
          }
        }
        try work.did(rows.shape[0])
        return rows
      })
  }
}
