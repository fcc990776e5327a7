// MobileNetV2, the convolutional base: Sandler et al., "MobileNetV2: Inverted Residuals and Linear
// Bottlenecks", CVPR 2018 (arXiv:1801.04381). Names are those of torchvision's `mobilenet_v2`; with
// TensorFlow's padding and an epsilon of 1e-3 it is Keras' `MobileNetV2`.

internal import PrismCard
internal import PrismAutodiff
internal import PrismLayers
internal import PrismWeights

/// The convolutional base of MobileNetV2.
struct MobileNetV2: ConvolutionalBase {
  /// One row of the paper's table 2: `repeats` blocks, of which the first has the stride.
  private struct Stage {
    let expansion, channels, repeats, stride: Int
  }

  private static let stages = [
    Stage(expansion: 1, channels: 16, repeats: 1, stride: 1),
    Stage(expansion: 6, channels: 24, repeats: 2, stride: 2),
    Stage(expansion: 6, channels: 32, repeats: 3, stride: 2),
    Stage(expansion: 6, channels: 64, repeats: 4, stride: 2),
    Stage(expansion: 6, channels: 96, repeats: 3, stride: 1),
    Stage(expansion: 6, channels: 160, repeats: 3, stride: 2),
    Stage(expansion: 6, channels: 320, repeats: 1, stride: 1),
  ]

  private let stem: ConvNormActivation
  private let blocks: [InvertedResidual]
  private let top: ConvNormActivation

  /// Reads the base's weights.
  ///
  /// - Parameters:
  ///   - reader: At the root of the model's names.
  ///   - width: The width multiplier α of the paper.
  ///   - convention: The conventions of the framework that made the weights.
  /// - Throws: `WeightError` where a tensor cannot be taken.
  init(_ reader: WeightReader, width: Double, convention: Convention) throws(WeightError) {
    let features = reader.scope("features")
    var inputs = divisibleChannels(32 * width)
    stem = try ConvNormActivation(
      features.scope("0"), inputs: 3, outputs: inputs, kernel: 3, stride: 2, activation: .relu6,
      convention: convention)
    var blocks: [InvertedResidual] = []
    for stage in Self.stages {
      let outputs = divisibleChannels(Double(stage.channels) * width)
      for repetition in 0..<stage.repeats {
        blocks.append(
          try InvertedResidual(
            features.scope("\(blocks.count + 1)"), inputs: inputs, outputs: outputs,
            expansion: stage.expansion, stride: repetition == 0 ? stage.stride : 1,
            convention: convention))
        inputs = outputs
      }
    }
    self.blocks = blocks
    top = try ConvNormActivation(
      features.scope("\(blocks.count + 1)"), inputs: inputs,
      outputs: divisibleChannels(1280 * max(1, width)),
      activation: .relu6, convention: convention)
  }

  func callAsFunction(_ x: Value) -> Value {
    var y = stem(x)
    for block in blocks { y = block(y) }
    return top(y).named("features")
  }
}

/// The MobileNetV2 block: expand 1×1, depthwise 3×3, project 1×1, with a skip where shapes allow.
private struct InvertedResidual: Sendable {
  let name: String
  let expand: ConvNormActivation?
  let depthwise: ConvNormActivation
  let project: Conv2D
  let normalization: BatchNorm
  let hasSkip: Bool

  init(
    _ reader: WeightReader, inputs: Int, outputs: Int, expansion: Int, stride: Int,
    convention: Convention
  ) throws(WeightError) {
    name = reader.path
    let steps = reader.scope("conv")
    let hidden = inputs * expansion
    let first = expansion == 1 ? 0 : 1
    expand =
      expansion == 1
      ? nil
      : try ConvNormActivation(
        steps.scope("0"), inputs: inputs, outputs: hidden, activation: .relu6,
        convention: convention)
    depthwise = try ConvNormActivation(
      steps.scope("\(first)"), inputs: hidden, outputs: hidden, kernel: 3, stride: stride,
      groups: hidden, activation: .relu6, convention: convention)
    project = try Conv2D(steps.scope("\(first + 1)"), inputs: hidden, outputs: outputs)
    normalization = try BatchNorm(
      steps.scope("\(first + 2)"), channels: outputs, epsilon: convention.epsilon)
    hasSkip = stride == 1 && inputs == outputs
  }

  func callAsFunction(_ x: Value) -> Value {
    let hidden = depthwise(expand?(x) ?? x)
    let y = normalization(project(hidden)).named("\(name).conv")
    return (hasSkip ? x + y : y).named(name)
  }
}

/// Rounds a scaled number of channels to a multiple of eight, never losing more than a tenth.
func divisibleChannels(_ channels: Double) -> Int {
  let rounded = max(8, Int(channels + 4) / 8 * 8)
  return Double(rounded) < 0.9 * channels ? rounded + 8 : rounded
}
