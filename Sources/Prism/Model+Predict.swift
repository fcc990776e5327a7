internal import PrismRuntime

extension Model {
  /// The network's input for a picture: resized, and its channels ordered and scaled as the card says.
  ///
  /// - Returns: `[1, H, W, 3]`.
  public func input(for image: Image) -> Tensor {
    card.input.image.tensor(of: image)
  }

  /// What explainers look at: the network's input for a picture, and the picture's colours at its size.
  public func explained(_ image: Image) -> ExplainedImage {
    let format = card.input.image
    // Resized once: a picture of the network's size is its own resize.
    let resized = format.pixels(of: image)
    return ExplainedImage(input(for: resized), pixels: resized.tensor(), black: format.black)
  }

  /// The logits of a batch of inputs.
  ///
  /// - Parameter inputs: `[N, H, W, 3]`, as ``input(for:)`` makes them.
  /// - Returns: `[N, K]`, one row an input.
  /// - Throws: `EvaluationError` where the inputs have another size.
  public func logits(_ inputs: Tensor) throws -> Tensor {
    try classifier.logits(inputs)
  }

  /// Predicts the labels of a picture.
  ///
  /// - Throws: ``ModelError/notFinite`` where the weights are broken.
  public func predict(_ image: Image) throws -> Prediction {
    try prediction(for: input(for: image))
  }

  /// Predicts the labels of a picture that ``explained(_:)`` has made ready.
  ///
  /// - Throws: ``ModelError/notFinite`` where the weights are broken.
  public func predict(_ image: ExplainedImage) throws -> Prediction {
    try prediction(for: image.input)
  }

  private func prediction(for input: Tensor) throws -> Prediction {
    let logits = try classifier.logits(input).scalars.map(Double.init)
    guard logits.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
    return Prediction(logits: logits, labels: card.labels, output: card.output)
  }
}
