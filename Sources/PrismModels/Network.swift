public import PrismAutodiff
public import PrismCard
internal import PrismLayers
public import PrismTensor
public import PrismWeights

/// A network of the zoo: a convolutional base and a head, as a model card describes them.
public struct Network: Sendable {
  /// The name of the value that enters the network.
  public static let inputName = "input"
  /// The name of the value with one number a label, `[N, K]`.
  public static let logitsName = "logits"

  /// The shape of one input, `[1, H, W, C]`.
  public let inputShape: Shape
  /// The shape of one input's features, which the base gives to the head, `[1, H′, W′, C]`.
  public let featureShape: Shape
  /// What turns features into logits.
  public let head: Head
  private let base: any ConvolutionalBase
  private let isBinary: Bool

  /// Builds the network that a file's card describes from the file's tensors.
  ///
  /// - Parameters:
  ///   - card: The file's model card.
  ///   - file: The weights.
  /// - Throws: `WeightError` where tensors are missing, misshapen or left over; `ShapeError` where
  ///   the card's input size is too small for the architecture.
  public init(_ card: ModelCard, weights file: SafetensorsFile) throws {
    self = try WeightReader.bind(file) { reader in try Network(card, reader) }
  }

  /// Builds the network that a card describes.
  ///
  /// - Parameters:
  ///   - card: The model card.
  ///   - reader: At the root of the model's names.
  /// - Throws: As ``init(_:weights:)``.
  public init(_ card: ModelCard, _ reader: WeightReader) throws {
    let input = card.input.image
    inputShape = [1, input.height, input.width, input.channelCount]
    let base = try Self.base(card, reader)
    // Two at once, so that a network that mixes the images of a batch is found.
    let features = try Recording(input: inputShape.replacing(axis: 0, with: 2)) { base($0) }
    let shape = features[features.outputs[0]].shape.replacing(axis: 0, with: 1)
    featureShape = shape
    guard shape.rank == (card.head.isEmpty ? 2 : 4) else {
      throw ShapeError(
        card.head.isEmpty ? "a model without a head" : "the head", [shape],
        "graph.output must be \(card.head.isEmpty ? "logits [N, K]" : "a map [N, H, W, C]")")
    }
    head = try Head(
      reader, card.head,
      features: card.head.isEmpty ? (1, 1, shape[1]) : (shape[1], shape[2], shape[3]))
    isBinary = if case .binary = card.output { true } else { false }
    self.base = base
  }

  /// Records the network's forward pass.
  ///
  /// A binary model has one logit z, of its second label; its recording returns `[−z, z]`, so that
  /// both labels have a logit whose sigmoid is their probability.
  ///
  /// - Parameter batch: N, the number of inputs at once.
  /// - Returns: A recording from `[N, H, W, C]` to `[N, K]`, with all named values.
  /// - Throws: `ShapeError` where the input is too small for the architecture.
  public func record(batch: Int = 1) throws(ShapeError) -> Recording {
    try Recording(input: inputShape.replacing(axis: 0, with: batch)) { x in
      var logits = head(base(x.named(Self.inputName)))
      if isBinary {
        logits = logits * x.parameter(Tensor([1, 2], [-1, 1]), named: "sides")
      }
      return logits.named(Self.logitsName)
    }
  }

  /// Records the convolutional base alone, from `[N, H, W, C]` to features `[N, H′, W′, C]`.
  ///
  /// - Parameter batch: N, the number of inputs at once.
  /// - Returns: The recording, with all named values.
  /// - Throws: `ShapeError` where the input is too small for the architecture.
  public func recordBase(batch: Int = 1) throws(ShapeError) -> Recording {
    try Recording(input: inputShape.replacing(axis: 0, with: batch)) {
      features($0.named(Self.inputName))
    }
  }

  /// Records the convolutional base on a value, `[N, H, W, C]` to `[N, H′, W′, C]`.
  public func features(_ input: Value) -> Value { base(input) }

  private static func base(
    _ card: ModelCard, _ reader: WeightReader
  ) throws -> any ConvolutionalBase {
    let convention = Convention(
      epsilon: Float(card.config.epsilon ?? 0), padsLikeTensorFlow: card.config.padding == .same)
    switch card.architecture {
    case .mobileNetV2:
      return try MobileNetV2(reader, width: card.config.width, convention: convention)
    case .vgg16: return try VGG16(reader)
    case .denseNet121: return try DenseNet121(reader, epsilon: convention.epsilon)
    case .efficientNetV2S: return try EfficientNetV2(reader, variant: .s, convention: convention)
    case .efficientNetV2M: return try EfficientNetV2(reader, variant: .m, convention: convention)
    case .efficientNetV2L: return try EfficientNetV2(reader, variant: .l, convention: convention)
    case .efficientNetV2B0: return try EfficientNetV2(reader, variant: .b0, convention: convention)
    case .efficientNetV2B1: return try EfficientNetV2(reader, variant: .b1, convention: convention)
    case .efficientNetV2B2: return try EfficientNetV2(reader, variant: .b2, convention: convention)
    case .efficientNetV2B3: return try EfficientNetV2(reader, variant: .b3, convention: convention)
    case .graph:
      guard let graph = card.graph else {
        throw CardError.invalid(file: reader.source, field: "graph", reason: "is missing")
      }
      return try GraphBase(graph, reader)
    case .custom:
      throw ShapeError(
        "a card of a custom network", [[1, card.input.image.height, card.input.image.width, 3]],
        "its layers are recorded by a program; open it with Model(contentsOf:network:)")
    }
  }
}
