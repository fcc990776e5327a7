internal import PrismAutodiff
internal import PrismModels
public import PrismRuntime

/// A classifier opened from a weights file: predicts and explains.
public struct Model: Sendable {
  /// A value of the network that can be read and differentiated by name.
  public struct Layer: Sendable, Equatable {
    /// The value's name.
    public let name: String
    /// The value's shape for one input, `[1, H, W, C]` where it is a map.
    public let shape: Shape
    /// Whether the CAM family explains this value unless told otherwise.
    public let isDefault: Bool
    /// Other names of the value, such as Keras'.
    public let aliases: [String]
  }

  /// What the weights file says about the model.
  public let card: ModelCard
  /// The weights file.
  public let file: SafetensorsFile
  let classifier: PlannedClassifier

  /// Opens a weights file.
  ///
  /// The file is mapped into memory, not read: its pages come as they are needed.
  ///
  /// - Parameter path: A file made by the converter.
  /// - Throws: `WeightError` where the file is damaged or does not fit its card; ``ModelError``.
  public init(contentsOf path: String) throws {
    let file = try SafetensorsFile(contentsOf: path)
    let card = try file.card()
    let recording = try Network(card, weights: file).record()
    let outputs = recording[recording.outputs[0]].shape
    guard outputs == [1, card.labels.count] else {
      throw ModelError.labelCount(labels: card.labels.count, outputs: outputs.count)
    }
    classifier = PlannedClassifier(
      recording, defaultLayer: card.layers.default, aliases: card.layers.aliases,
      didPack: file.releasePages)
    self.file = file
    self.card = card
    guard classifier.shape(of: card.layers.default) != nil else {
      throw ModelError.unknownLayer(
        card.layers.default, nearest: Text.nearest(to: card.layers.default, among: layerNames))
    }
  }

  /// The labels in the order of the outputs.
  public var labels: [String] { card.labels }

  /// Every named value in the order of computation, without the weights.
  public var layers: [Layer] {
    let names = Dictionary(grouping: card.layers.aliases.keys.sorted()) {
      card.layers.aliases[$0] ?? ""
    }
    return classifier.recording.names.compactMap { name in
      let entry = classifier.recording[name.value]
      if case .parameter = entry.origin { return nil }
      return Layer(
        name: name.name, shape: entry.shape, isDefault: name.name == card.layers.default,
        aliases: names[name.name] ?? [])
    }
  }

  private var layerNames: [String] {
    layers.flatMap { [$0.name] + $0.aliases }
  }

  /// The network's input for a picture: resized, and its channels ordered and scaled as the card says.
  ///
  /// - Returns: `[1, H, W, 3]`.
  public func input(for image: Image) -> Tensor {
    card.input.image.tensor(of: image)
  }

  /// What explainers look at: the network's input for a picture, and the picture's colours at its size.
  public func explained(_ image: Image) -> ExplainedImage {
    let format = card.input.image
    let (input, pixels) = format.prepared(image)
    return ExplainedImage(input, pixels: pixels.tensor(), black: format.black)
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
    try prediction(of: logits(input(for: image)))
  }

  /// Predicts the labels of a picture that ``explained(_:)`` has made ready.
  ///
  /// What methods need of the default layer is kept with the picture, so that an explanation of it needs no second
  /// forward pass.
  ///
  /// - Throws: ``ModelError/notFinite`` where the weights are broken.
  public func predict(_ image: inout ExplainedImage) throws -> Prediction {
    try prediction(of: image.logits(by: classifier))
  }

  /// Explains one label's number for a picture.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - target: The label, from a ``Prediction`` of the same picture.
  /// - Returns: The explanation.
  /// - Throws: ``ModelError``, `ExplanationError`.
  public func explain(
    _ image: Image, with explainer: some Explainer, target: Prediction.Entry
  ) throws -> Explanation {
    guard let explanation = try explain(image, with: explainer, targets: [target]).first else {
      throw ExplanationError.unsuitable("\(explainer.name) explained nothing")
    }
    return explanation
  }

  /// Explains several labels' numbers for a picture, in one pass where the method allows.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - targets: The labels, from a ``Prediction`` of the same picture.
  ///   - batch: The largest number of changed pictures that are computed at a time; the numbers are the same for any.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: ``ModelError``, `ExplanationError`.
  public func explain(
    _ image: Image, with explainer: some Explainer, targets: [Prediction.Entry], batch: Int? = nil
  ) throws -> [Explanation] {
    try explain(explained(image), with: explainer, targets: targets, batch: batch)
  }

  /// Explains several labels' numbers for a picture that ``explained(_:)`` has made ready.
  ///
  /// Explaining the default layer of a picture that ``predict(_:)-(ExplainedImage)`` was given needs no second forward pass.
  ///
  /// - Parameters:
  ///   - image: The picture.
  ///   - explainer: The method.
  ///   - targets: The labels, from a ``Prediction`` of the same picture.
  ///   - batch: The largest number of changed pictures that are computed at a time; the numbers are the same for any.
  ///   - work: What the evaluations are reported to.
  /// - Returns: One explanation a target, in the order of the targets.
  /// - Throws: ``ModelError``, `ExplanationError`.
  public func explain(
    _ image: ExplainedImage, with explainer: some Explainer, targets: [Prediction.Entry],
    batch: Int? = nil, work: Work = .unwatched
  ) throws -> [Explanation] {
    let clock = ContinuousClock()
    let start = clock.now
    let attributions = try namingLayers {
      try explainer.explain(
        image, targets: targets.map(\.index), of: classifier(batch: batch), work: work)
    }
    let seconds = (clock.now - start) / .seconds(1)
    return zip(targets, attributions).map { target, attribution in
      let parameters = explainer.parameters.map { parameter in
        attribution.layer.flatMap {
          parameter.name == "layer" ? MethodParameter("layer", .text($0)) : nil
        } ?? parameter
      }
      return Explanation(
        method: explainer.name, title: explainer.title, target: target, attribution: attribution,
        parameters: parameters, seconds: seconds)
    }
  }

  /// Why a method cannot explain this model.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - layer: The layer that is to be looked at; `nil` for the model's default.
  /// - Returns: The reason, or `nil` where the method fits.
  public func obstacle(to method: ExplanationMethod, layer: String? = nil) -> String? {
    method.obstacle(for: classifier, layer: layer)
  }

  /// Runs a closure that may meet names of layers, and says which name is nearest to one that does not exist.
  func namingLayers<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as UnknownValueError {
      throw ModelError.unknownLayer(
        error.name, nearest: Text.nearest(to: error.name, among: layerNames))
    }
  }

  /// What explainers ask, no more than so many pictures at a time.
  func classifier(batch: Int?) -> any DifferentiableClassifier {
    batch.map { BatchedClassifier(classifier, batch: $0) } ?? classifier
  }

  private func prediction(of logits: Tensor) throws -> Prediction {
    let logits = logits.scalars.map(Double.init)
    guard logits.allSatisfy(\.isFinite) else { throw ModelError.notFinite }
    return Prediction(logits: logits, labels: card.labels, output: card.output)
  }
}

/// Why a model cannot be used as asked.
public enum ModelError: Error, Equatable, CustomStringConvertible {
  /// The card has another number of labels than the network has outputs.
  case labelCount(labels: Int, outputs: Int)
  /// No value of the network has the name.
  case unknownLayer(String, nearest: String?)
  /// The logits are infinite or NaN.
  case notFinite
  /// The model is not given such inputs.
  case wrongInput(String)

  /// One line that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .labelCount(let labels, let outputs):
      "the model card names \(labels) labels and the network has \(outputs) outputs; convert it again"
    case .unknownLayer(let name, let nearest):
      "the model has no layer called \(name)"
        + (nearest.map { "; did you mean \($0)?" } ?? "; `prism layers` lists the names")
    case .notFinite:
      "the network computes numbers that are not finite for this input; its weights are broken"
    case .wrongInput(let kind):
      "the model takes no \(kind)"
    }
  }
}
