internal import PrismKernels
internal import PrismRuntime

extension Model {
  /// The network's input for a picture: resized, and its channels ordered and scaled as the card
  /// says.
  ///
  /// - Returns: `[1, H, W, 3]`.
  public func input(for image: Image) -> Tensor {
    card.input.image.tensor(of: image)
  }

  /// What explainers look at: the network's input for a picture, and the picture's colours at its
  /// size.
  public func explained(_ image: Image) -> ExplainedImage {
    let format = card.input.image
    let (input, pixels) = format.prepared(image)
    return ExplainedImage(
      input, pixels: pixels.tensor(), black: format.black, white: format.white)
  }

  /// The logits of a batch of inputs.
  ///
  /// - Parameter inputs: `[N, H, W, 3]`, as ``input(for:)`` makes them.
  /// - Returns: `[N, K]`, one row an input.
  /// - Throws: `EvaluationError` where the inputs have another size.
  public func logits(_ inputs: Tensor) throws -> Tensor {
    try Limits.current.bounding { try classifier.logits(inputs) }
  }

  /// Predicts the labels of a picture.
  ///
  /// - Throws: ``ModelError/notFinite`` where the weights are broken.
  public func predict(_ image: Image) throws -> Prediction {
    let input = try admitting { self.input(for: image) }
    return try prediction(of: logits(input))
  }

  /// Predicts the labels of a picture that ``explained(_:)-(Image)`` has made ready.
  ///
  /// What methods need of the default layer is kept with the picture, so that an explanation of it
  /// needs no second forward pass.
  ///
  /// - Throws: ``ModelError/notFinite`` where the weights are broken.
  public func predict(_ image: inout ExplainedImage) throws -> Prediction {
    try prediction(of: Limits.current.bounding { try image.logits(by: classifier) })
  }

  /// Makes an input, where there is memory for it.
  ///
  /// - Parameter make: Makes the input, and the picture's colours at its size.
  /// - Returns: What `make` returns.
  /// - Throws: `OutOfMemoryError`; what `make` throws.
  package func admitting<Result>(_ make: () throws -> Result) throws -> Result {
    try Memory.expecting(floats: 4 * classifier.inputShape.count, make)
  }

  private func prediction(of logits: Tensor) throws -> Prediction {
    try prediction(ofLogits: logits.scalars)
  }

  /// What logits mean.
  ///
  /// - Parameter logits: One an output, as of ``logits(_:)``.
  /// - Returns: The labels with their probabilities.
  /// - Throws: ``ModelError/notFinite`` where a number is not finite.
  package func prediction(ofLogits logits: [Float]) throws -> Prediction {
    let logits = logits.map(Double.init)
    guard logits.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
    return Prediction(logits: logits, labels: card.labels, output: card.output)
  }
}
