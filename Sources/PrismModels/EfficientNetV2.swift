// EfficientNetV2, the convolutional base: Tan and Le, "EfficientNetV2: Smaller Models and Faster
// Training", ICML 2021 (arXiv:2104.00298). Names are those of torchvision's
// `efficientnet_v2_s/m/l`; with TensorFlow's padding it is Keras' `EfficientNetV2S/M/L`. The
// variants B0 to B3 exist in Keras only and are named by the same rules.

internal import PrismCard
internal import PrismAutodiff
internal import PrismLayers
internal import PrismWeights

/// The convolutional base of EfficientNetV2.
struct EfficientNetV2: ConvolutionalBase {
  /// The sizes of the family.
  enum Variant {
    case s, m, l, b0, b1, b2, b3
  }

  /// One row of the paper's table 4: `repeats` blocks, of which the first has the stride.
  private struct Stage {
    let isFused: Bool
    let expansion, stride, channels, repeats: Int

    static func fused(_ expansion: Int, stride: Int, _ channels: Int, _ repeats: Int) -> Stage {
      Stage(
        isFused: true, expansion: expansion, stride: stride, channels: channels, repeats: repeats)
    }

    static func mobile(_ expansion: Int, stride: Int, _ channels: Int, _ repeats: Int) -> Stage {
      Stage(
        isFused: false, expansion: expansion, stride: stride, channels: channels,
        repeats: repeats)
    }
  }

  /// The channels of the stem, the stages, and the channels of the last convolution.
  private struct Table {
    let stem: Int
    let stages: [Stage]
    let top: Int

    init(stem: Int, stages: [Stage], top: Int) {
      (self.stem, self.stages, self.top) = (stem, stages, top)
    }

    init(_ variant: Variant) {
      switch variant {
      case .s:
        let stages: [Stage] = [
          .fused(1, stride: 1, 24, 2), .fused(4, stride: 2, 48, 4), .fused(4, stride: 2, 64, 4),
          .mobile(4, stride: 2, 128, 6), .mobile(6, stride: 1, 160, 9),
          .mobile(6, stride: 2, 256, 15),
        ]
        self.init(stem: 24, stages: stages, top: 1280)
      case .m:
        let stages: [Stage] = [
          .fused(1, stride: 1, 24, 3), .fused(4, stride: 2, 48, 5), .fused(4, stride: 2, 80, 5),
          .mobile(4, stride: 2, 160, 7), .mobile(6, stride: 1, 176, 14),
          .mobile(6, stride: 2, 304, 18), .mobile(6, stride: 1, 512, 5),
        ]
        self.init(stem: 24, stages: stages, top: 1280)
      case .l:
        let stages: [Stage] = [
          .fused(1, stride: 1, 32, 4), .fused(4, stride: 2, 64, 7), .fused(4, stride: 2, 96, 7),
          .mobile(4, stride: 2, 192, 10), .mobile(6, stride: 1, 224, 19),
          .mobile(6, stride: 2, 384, 25), .mobile(6, stride: 1, 640, 7),
        ]
        self.init(stem: 32, stages: stages, top: 1280)
      case .b0: self.init(width: 1, depth: 1)
      case .b1: self.init(width: 1, depth: 1.1)
      case .b2: self.init(width: 1.1, depth: 1.2)
      case .b3: self.init(width: 1.2, depth: 1.4)
      }
    }

    /// The base variant, scaled.
    init(width: Double, depth: Double) {
      let base: [Stage] = [
        .fused(1, stride: 1, 16, 1), .fused(4, stride: 2, 32, 2), .fused(4, stride: 2, 48, 2),
        .mobile(4, stride: 2, 96, 3), .mobile(6, stride: 1, 112, 5),
        .mobile(6, stride: 2, 192, 8),
      ]
      func channels(_ count: Int) -> Int { max(8, Int(Double(count) * width + 4) / 8 * 8) }
      let stages = base.map { stage in
        Stage(
          isFused: stage.isFused, expansion: stage.expansion, stride: stage.stride,
          channels: channels(stage.channels),
          repeats: Int((Double(stage.repeats) * depth).rounded(.up)))
      }
      self.init(stem: channels(32), stages: stages, top: channels(1280))
    }
  }

  private let stem: ConvNormActivation
  private let stages: [(name: String, blocks: [any Block])]
  private let top: ConvNormActivation

  /// Reads the base's weights.
  ///
  /// - Parameters:
  ///   - reader: At the root of the model's names.
  ///   - variant: The size.
  ///   - convention: The conventions of the framework that made the weights.
  /// - Throws: `WeightError` where a tensor cannot be taken.
  init(_ reader: WeightReader, variant: Variant, convention: Convention) throws(WeightError) {
    let table = Table(variant)
    let features = reader.scope("features")
    var inputs = table.stem
    stem = try ConvNormActivation(
      features.scope("0"), inputs: 3, outputs: inputs, kernel: 3, stride: 2, activation: .silu,
      convention: convention)
    var stages: [(name: String, blocks: [any Block])] = []
    for stage in table.stages {
      let scope = features.scope(stages.count + 1)
      var blocks: [any Block] = []
      for repetition in 0..<stage.repeats {
        let sizes = BlockSizes(
          inputs: inputs, outputs: stage.channels, expansion: stage.expansion,
          stride: repetition == 0 ? stage.stride : 1)
        blocks.append(
          stage.isFused
            ? try FusedMBConv(scope.scope(repetition), sizes, convention)
            : try MBConv(scope.scope(repetition), sizes, convention))
        inputs = stage.channels
      }
      stages.append((scope.path, blocks))
    }
    self.stages = stages
    top = try ConvNormActivation(
      features.scope(stages.count + 1), inputs: inputs, outputs: table.top, activation: .silu,
      convention: convention)
  }

  func callAsFunction(_ x: Value) -> Value {
    var y = stem(x)
    for stage in stages {
      for block in stage.blocks { y = block(y) }
      y.named(stage.name)
    }
    return top(y).named("features")
  }
}

private struct BlockSizes {
  let inputs, outputs, expansion, stride: Int

  var hidden: Int { inputs * expansion }
  var hasSkip: Bool { stride == 1 && inputs == outputs }
}

private protocol Block: Sendable {
  func callAsFunction(_ x: Value) -> Value
}

/// The fused block: a 3×3 convolution that expands, a 1×1 that projects; only the 3×3 where nothing
/// is expanded.
private struct FusedMBConv: Block {
  let name: String
  let expand: ConvNormActivation
  let project: ConvNormActivation?
  let hasSkip: Bool

  init(
    _ reader: WeightReader, _ sizes: BlockSizes, _ convention: Convention
  ) throws(WeightError) {
    name = reader.path
    let steps = reader.scope("block")
    let isSingle = sizes.expansion == 1
    expand = try ConvNormActivation(
      steps.scope("0"), inputs: sizes.inputs, outputs: isSingle ? sizes.outputs : sizes.hidden,
      kernel: 3, stride: sizes.stride, activation: .silu, convention: convention)
    project =
      isSingle
      ? nil
      : try ConvNormActivation(
        steps.scope("1"), inputs: sizes.hidden, outputs: sizes.outputs, activation: .linear,
        convention: convention)
    hasSkip = sizes.hasSkip
  }

  func callAsFunction(_ x: Value) -> Value {
    let hidden = expand(x)
    let y = (project?(hidden) ?? hidden).named("\(name).block")
    return (hasSkip ? x + y : y).named(name)
  }
}

/// The mobile block: expand 1×1, depthwise 3×3, squeeze-and-excitation, project 1×1.
private struct MBConv: Block {
  let name: String
  let expand, depthwise, project: ConvNormActivation
  let gate: SqueezeExcitation
  let hasSkip: Bool

  init(
    _ reader: WeightReader, _ sizes: BlockSizes, _ convention: Convention
  ) throws(WeightError) {
    name = reader.path
    let steps = reader.scope("block")
    let hidden = sizes.hidden
    expand = try ConvNormActivation(
      steps.scope("0"), inputs: sizes.inputs, outputs: hidden, activation: .silu,
      convention: convention)
    depthwise = try ConvNormActivation(
      steps.scope("1"), inputs: hidden, outputs: hidden, kernel: 3, stride: sizes.stride,
      groups: hidden, activation: .silu, convention: convention)
    gate = try SqueezeExcitation(
      steps.scope("2"), channels: hidden, squeezed: max(1, sizes.inputs / 4))
    project = try ConvNormActivation(
      steps.scope("3"), inputs: hidden, outputs: sizes.outputs, activation: .linear,
      convention: convention)
    hasSkip = sizes.hasSkip
  }

  func callAsFunction(_ x: Value) -> Value {
    let y = project(gate(depthwise(expand(x)))).named("\(name).block")
    return (hasSkip ? x + y : y).named(name)
  }
}
