internal import PrismRuntime
internal import PrismTensor

/// A classifier that can only be asked: any function of pictures, explained without weights and
/// gradients.
///
/// ```swift
/// let box = BlackBox(
///   ClosureClassifier(inputShape: [1, 224, 224, 3], labels: ["cat", "dog"]) { images in
///     try askTheServer(images)
///   })
/// let explanation = try box.explain(image, with: LIME(), target: box.predict(image).top)
/// ```
public struct BlackBox: Sendable {
  /// The names of the outputs, in their order.
  public let labels: [String]
  /// What turns the outputs into probabilities.
  public let output: ModelCard.Output
  /// How a picture becomes the classifier's input.
  public let input: ModelCard.ImageInput
  private let classifier: any Classifier

  /// Makes a black box of a classifier.
  ///
  /// - Parameters:
  ///   - classifier: Takes `[N, H, W, 3]` and gives `[N, K]`.
  ///   - labels: The names of the K outputs, in their order.
  ///   - output: What turns the outputs into probabilities.
  ///   - input: How a picture becomes the classifier's input; `nil` for colours from 0 to 1,
  ///     resized bilinearly.
  public init(
    _ classifier: some Classifier, labels: [String], output: ModelCard.Output = .softmax,
    input: ModelCard.ImageInput? = nil
  ) {
    let shape = classifier.inputShape
    let isImage = shape.rank == 4
    self.labels = labels
    self.output = output
    self.input =
      input
      ?? ModelCard.ImageInput(
        height: isImage ? shape[1] : 1, width: isImage ? shape[2] : 1, resize: .bilinear,
        scale: 1.0 / 255, mean: [0, 0, 0], std: [1, 1, 1])
    // What a program's own code gives is looked at before anything relies on it.
    self.classifier = ClosureClassifier(inputShape: shape, labels: labels) {
      try classifier.logits($0)
    }
  }

  /// Makes a black box of a closure.
  ///
  /// - Parameters:
  ///   - classifier: The closure, with the names of its outputs.
  ///   - output: What turns the outputs into probabilities.
  ///   - input: How a picture becomes the classifier's input; `nil` for colours from 0 to 1,
  ///     resized bilinearly.
  public init(
    _ classifier: ClosureClassifier, output: ModelCard.Output = .softmax,
    input: ModelCard.ImageInput? = nil
  ) {
    self.init(classifier, labels: classifier.labels, output: output, input: input)
  }

  /// What explainers look at: the classifier's input for a picture, and the picture's colours at
  /// its size.
  public func explained(_ image: Image) -> ExplainedImage {
    let (prepared, pixels) = input.prepared(image)
    return ExplainedImage(prepared, pixels: pixels.tensor(), black: input.black)
  }

  /// Predicts the labels of a picture.
  ///
  /// - Throws: What the classifier throws; `ClassifierError`; ``ModelError/notFinite``.
  public func predict(_ image: Image) throws -> Prediction {
    let input = input.tensor(of: image)
    guard input.shape == classifier.inputShape else {
      throw ModelError.inputShape(card: input.shape, network: classifier.inputShape)
    }
    let logits = try classifier.logits(input).scalars.map(Double.init)
    guard logits.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
    return Prediction(logits: logits, labels: labels, output: output)
  }

  /// Explains one label's number for a picture.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: A method that knows nothing of a model but its outputs.
  ///   - target: The label, from a ``Prediction`` of the same picture.
  ///   - work: Watches the method.
  /// - Returns: The explanation.
  /// - Throws: What the classifier throws; `ExplanationError`; `CancellationError` in a cancelled
  ///   task.
  public func explain(
    _ image: Image, with explainer: any BlackBoxExplainer, target: Prediction.Entry,
    work: Work = .unwatched
  ) throws -> Explanation {
    try explain(image, with: explainer, targets: [target], work: work).onlyOne(by: explainer)
  }

  /// Explains several labels' numbers for a picture, in one pass.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: A method that knows nothing of a model but its outputs.
  ///   - targets: The labels, from a ``Prediction`` of the same picture.
  ///   - work: Watches the method.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: What the classifier throws; `ExplanationError`; `CancellationError` in a cancelled
  ///   task.
  public func explain(
    _ image: Image, with explainer: any BlackBoxExplainer, targets: [Prediction.Entry],
    work: Work = .unwatched
  ) throws -> [Explanation] {
    try explainer.explaining(targets, crop: input.crop) {
      try explainer.explain(
        explained(image), targets: targets.outputs(labels: labels.count),
        of: classifier.contrastingOutputs(targets.contrasts), work: work)
    }
  }
}
