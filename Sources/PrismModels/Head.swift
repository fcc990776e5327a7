public import PrismAutodiff
public import PrismCard
public import PrismLayers
internal import PrismTensor
public import PrismWeights

/// The chain of layers after a convolutional base: from the map of features to the logits.
public struct Head: Sendable {
  private enum Layer {
    case globalAveragePool
    case globalMaxPool
    case globalConcatPool(ModelCard.ConcatOrder)
    case adaptiveAveragePool(height: Int, width: Int)
    case flatten
    case dropout(rate: Double)
    case dense(Dense, Activation)
    case batchNorm(BatchNorm)
    case layerNorm(LayerNorm)
    case activation(Activation)
  }

  private let layers: [Layer]

  /// The number of logits.
  public let outputs: Int

  /// Reads the weights of a head.
  ///
  /// - Parameters:
  ///   - reader: At the root of the model's names.
  ///   - chain: The head as the model card states it.
  ///   - features: The shape of one image's features, `[H, W, C]`, for the model card's input size.
  /// - Throws: ``WeightError`` where a tensor cannot be taken.
  public init(
    _ reader: WeightReader, _ chain: [ModelCard.HeadLayer], features: (Int, Int, Int)
  ) throws(WeightError) {
    var (height, width, channels) = features
    var layers: [Layer] = []
    for layer in chain {
      switch layer {
      case .globalAveragePool:
        layers.append(.globalAveragePool)
        (height, width) = (1, 1)
      case .globalMaxPool:
        layers.append(.globalMaxPool)
        (height, width) = (1, 1)
      case .globalConcatPool(let order):
        layers.append(.globalConcatPool(order))
        (height, width, channels) = (1, 1, 2 * channels)
      case .adaptiveAveragePool(let rows, let columns):
        layers.append(.adaptiveAveragePool(height: rows, width: columns))
        (height, width) = (rows, columns)
      case .flatten:
        layers.append(.flatten)
        (height, width, channels) = (1, 1, height * width * channels)
      case .dropout(let rate):
        layers.append(.dropout(rate: rate))
      case .dense(let name, let units, let activation):
        layers.append(
          .dense(
            try Dense(reader.scope(name), inputs: channels, outputs: units), activation)
        )
        channels = units
      case .batchNorm(let name, let epsilon):
        layers.append(
          .batchNorm(
            try BatchNorm(reader.scope(name), channels: channels, epsilon: Float(epsilon))))
      case .layerNorm(let name, let epsilon):
        layers.append(
          .layerNorm(
            try LayerNorm(reader.scope(name), channels: channels, epsilon: Float(epsilon))))
      case .activation(let activation):
        layers.append(.activation(activation))
      }
    }
    self.layers = layers
    outputs = channels
  }

  /// The normalisations, whose running statistics training moves.
  public var normalizations: [BatchNorm] {
    layers.compactMap { if case .batchNorm(let normalization) = $0 { normalization } else { nil } }
  }

  /// Records the head.
  ///
  /// - Parameters:
  ///   - features: `[N, H, W, C]`.
  ///   - seed: In training, selects the masks of the dropouts; normalisations then use the moments
  ///     of the batch. `nil` for inference, where dropout is the identity.
  /// - Returns: The logits, `[N, K]`.
  public func callAsFunction(_ features: Value, trainingWith seed: UInt64? = nil) -> Value {
    var y = features
    for (i, layer) in layers.enumerated() {
      switch layer {
      case .globalAveragePool: y = y.globalAveragePool()
      case .globalMaxPool: y = y.globalMaxPool()
      case .globalConcatPool(.maxAverage):
        y = y.globalMaxPool().concatenated(with: [y.globalAveragePool()])
      case .globalConcatPool(.averageMax):
        y = y.globalAveragePool().concatenated(with: [y.globalMaxPool()])
      case .adaptiveAveragePool(let height, let width):
        y = y.adaptiveAveragePool(height: height, width: width)
      case .flatten: y = y.flattenedChannelsFirst()
      case .dropout(let rate):
        guard let seed, rate > 0 else { continue }
        y = y.dropout(rate: Float(rate), seed: CounterRandom(seed: seed).bits(i))
      case .dense(let dense, let activation): y = activation(dense(y))
      case .batchNorm(let normalization):
        y = seed == nil ? normalization(y) : normalization.training(y)
      case .layerNorm(let normalization): y = normalization(y)
      case .activation(let activation): y = activation(y)
      }
    }
    return y
  }
}
