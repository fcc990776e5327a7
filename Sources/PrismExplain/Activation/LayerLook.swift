internal import PrismAutodiff
internal import PrismRuntime
internal import PrismTensor

/// A layer's activations for an image and the gradients of logits at them.
struct LayerLook {
  let name: String
  /// The image's pass, with what is needed to go on from the layer.
  let pass: ForwardPass
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
  ///   - further: The evaluations that the method needs besides, for a layer with so many channels.
  /// - Throws: ``ExplanationError``, and what the model throws.
  init(
    _ image: ExplainedImage, targets: [Int], layer: String?,
    of classifier: any DifferentiableClassifier, work: Work, isDifferentiated: Bool = false,
    further: (_ channels: Int) -> Int = { _ in 0 }
  ) throws {
    try self.init(
      image, sums: isDifferentiated ? targets.map { LogitTarget($0) } : [], targets: targets,
      layer: layer, of: classifier, work: work, further: further)
  }

  /// Runs the model and checks what comes out.
  ///
  /// - Parameters:
  ///   - image: The image.
  ///   - sums: The sums of logits whose gradients are wanted.
  ///   - targets: The logits to explain.
  ///   - layer: The layer's name; `nil` for the model's default.
  ///   - classifier: The model.
  ///   - work: Is told of the pass.
  ///   - further: The evaluations that the method needs besides, for a layer with so many channels.
  /// - Throws: ``ExplanationError``, and what the model throws.
  init(
    _ image: ExplainedImage, sums: [LogitTarget], targets: [Int], layer: String?,
    of classifier: any DifferentiableClassifier, work: Work,
    further: (_ channels: Int) -> Int = { _ in 0 }
  ) throws {
    try image.check(for: classifier, targets: targets)
    name = layer ?? classifier.defaultLayer
    if let shape = classifier.shape(of: name), shape.rank != 4 {
      throw ExplanationError.layerWithoutExtent(layer: name, shape: shape)
    }
    let channels = classifier.shape(of: name).map { $0[3] } ?? 0
    work.plan(1 + further(channels))
    pass = try classifier.forward(image.pass, to: name)
    let found = try classifier.backward(
      from: sums, to: name, passes: [pass], rule: ExactRule())
    guard let found = found.first else { throw UnknownValueError(name: name) }
    (activation, gradients) = (found.value, found.cotangents)
    try work.did(1)
    guard activation.isFinite, gradients.allSatisfy(\.isFinite) else {
      throw ExplanationError.notFinite(layer: name)
    }
  }
}
