// DenseNet121, the convolutional base: Huang et al., "Densely Connected Convolutional Networks",
// CVPR 2017 (arXiv:1608.06993). Names are those of torchvision's `densenet121`; with an epsilon of
// 1.001e-5 it is Keras' `DenseNet121`. The last activation, which torchvision applies in place
// after `features.norm5`, is a value of its own here, `features.relu5`: nothing overwrites the
// normalised features.

internal import PrismAutodiff
internal import PrismLayers
internal import PrismWeights

/// The convolutional base of DenseNet121, up to and including the last activation.
struct DenseNet121: ConvolutionalBase {
  /// The number of layers of every dense block.
  private static let blocks = [6, 12, 24, 16]
  /// The channels that one layer adds.
  private static let growth = 32

  private let stem: Conv2D
  private let stemNormalization: BatchNorm
  private let blocks: [[DenseLayer]]
  private let transitions: [Transition]
  private let normalization: BatchNorm

  /// Reads the base's weights.
  ///
  /// - Parameters:
  ///   - reader: At the root of the model's names.
  ///   - epsilon: That of batch normalisation.
  /// - Throws: `WeightError` where a tensor cannot be taken.
  init(_ reader: WeightReader, epsilon: Float) throws(WeightError) {
    let features = reader.scope("features")
    var channels = 2 * Self.growth
    stem = try Conv2D(
      features.scope("conv0"), inputs: 3, outputs: channels, kernel: 7, stride: 2,
      padding: .symmetric(3))
    stemNormalization = try BatchNorm(
      features.scope("norm0"), channels: channels, epsilon: epsilon)
    var blocks: [[DenseLayer]] = []
    var transitions: [Transition] = []
    for (i, count) in Self.blocks.enumerated() {
      var layers: [DenseLayer] = []
      for j in 0..<count {
        layers.append(
          try DenseLayer(
            features.scope("denseblock\(i + 1)").scope("denselayer\(j + 1)"), inputs: channels,
            growth: Self.growth, epsilon: epsilon))
        channels += Self.growth
      }
      blocks.append(layers)
      if i < Self.blocks.count - 1 {
        transitions.append(
          try Transition(
            features.scope("transition\(i + 1)"), channels: channels, epsilon: epsilon))
        channels /= 2
      }
    }
    self.blocks = blocks
    self.transitions = transitions
    normalization = try BatchNorm(
      features.scope("norm5"), channels: channels, epsilon: epsilon)
  }

  func callAsFunction(_ x: Value) -> Value {
    var y = stemNormalization(stem(x)).relu().named("features.relu0")
    y = y.maxPool(kernel: 3, stride: 2, padding: .symmetric(1)).named("features.pool0")
    for (i, layers) in blocks.enumerated() {
      for layer in layers { y = y.concatenated(with: [layer(y)]) }
      y.named("features.denseblock\(i + 1)")
      if i < transitions.count { y = transitions[i](y) }
    }
    return normalization(y).relu().named("features.relu5")
  }
}

/// One layer of a dense block: normalise, 1×1, normalise, 3×3; its output is appended to its input.
private struct DenseLayer: Sendable {
  let name: String
  let normalization1: BatchNorm
  let convolution1: Conv2D
  let normalization2: BatchNorm
  let convolution2: Conv2D

  init(_ reader: WeightReader, inputs: Int, growth: Int, epsilon: Float) throws(WeightError) {
    name = reader.path
    let bottleneck = 4 * growth
    normalization1 = try BatchNorm(reader.scope("norm1"), channels: inputs, epsilon: epsilon)
    convolution1 = try Conv2D(reader.scope("conv1"), inputs: inputs, outputs: bottleneck)
    normalization2 = try BatchNorm(reader.scope("norm2"), channels: bottleneck, epsilon: epsilon)
    convolution2 = try Conv2D(
      reader.scope("conv2"), inputs: bottleneck, outputs: growth, kernel: 3,
      padding: .symmetric(1))
  }

  func callAsFunction(_ x: Value) -> Value {
    let hidden = convolution1(normalization1(x).relu().named("\(name).relu1"))
    return convolution2(normalization2(hidden).relu().named("\(name).relu2")).named(name)
  }
}

/// What halves the channels, the rows and the columns between two dense blocks.
private struct Transition: Sendable {
  let name: String
  let normalization: BatchNorm
  let convolution: Conv2D

  init(_ reader: WeightReader, channels: Int, epsilon: Float) throws(WeightError) {
    name = reader.path
    normalization = try BatchNorm(reader.scope("norm"), channels: channels, epsilon: epsilon)
    convolution = try Conv2D(reader.scope("conv"), inputs: channels, outputs: channels / 2)
  }

  func callAsFunction(_ x: Value) -> Value {
    convolution(normalization(x).relu().named("\(name).relu"))
      .averagePool(kernel: 2, stride: 2).named("\(name).pool").named(name)
  }
}
