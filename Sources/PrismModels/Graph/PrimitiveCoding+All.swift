internal import PrismAutodiff
internal import PrismTensor

extension PrimitiveCoding {
  /// Every primitive.
  package static let all = windows + dense + functions + pairs + reductions + shaping + training

  private static let windows = [
    PrimitiveCoding("convolution") { (it: Convolution) in
      .window(it.window) + (it.groups == 1 ? [] : .integer("groups", it.groups))
    } _: {
      Convolution(
        window: try $0.window(),
        groups: try $0.integer("groups", default: 1, in: 1...NodeAttributes.largest))
    },
    PrimitiveCoding("depthwise_convolution") { (it: DepthwiseConvolution) in
      .window(it.window)
    } _: {
      DepthwiseConvolution(window: try $0.window())
    },
    PrimitiveCoding("normalized_convolution") { (it: NormalizedConvolution) in
      .window(it.window) + .flag("depthwise", it.isDepthwise) + .number("epsilon", it.epsilon)
        + .number("low", it.low) + .number("high", it.high)
    } _: {
      NormalizedConvolution(
        window: try $0.window(), isDepthwise: try $0.flag("depthwise"), epsilon: try $0.epsilon(),
        low: try $0.number("low", default: -.infinity),
        high: try $0.number("high", default: .infinity))
    },
    PrimitiveCoding("max_pool") { (it: MaxPool) in
      .window(it.window)
    } _: {
      MaxPool(window: try $0.window())
    },
    PrimitiveCoding("average_pool") { (it: AveragePool) in
      let uncounted = [it.uncounted.bottom, it.uncounted.right]
      return .window(it.window) + .flag("counts_padding", it.countsPadding)
        + (uncounted == [0, 0] ? [] : .integers("uncounted", uncounted))
    } _: {
      let window = try $0.window()
      let uncounted = try $0.integers("uncounted", count: 2, default: [0, 0])
      return AveragePool(
        window: window, countsPadding: try $0.flag("counts_padding"),
        uncounted: .init(bottom: uncounted[0], right: uncounted[1]))
    },
    PrimitiveCoding("adaptive_average_pool") { (it: AdaptiveAveragePool) in
      .integer("height", it.height) + .integer("width", it.width)
    } _: {
      AdaptiveAveragePool(height: try $0.integer("height"), width: try $0.integer("width"))
    },
    PrimitiveCoding("global_average_pool", GlobalAveragePool()),
    PrimitiveCoding("global_max_pool", GlobalMaxPool()),
    PrimitiveCoding("resize") { (it: Resize) in
      .integer("height", it.height) + .integer("width", it.width)
        + .text("method", it.method.rawValue) + .text("coordinates", it.coordinates.rawValue)
        + (it.rounding == .floor ? [] : .text("rounding", it.rounding.rawValue))
    } _: {
      Resize(
        height: try $0.integer("height"), width: try $0.integer("width"),
        method: try $0.choice("method"),
        coordinates: try $0.choice("coordinates", default: Resize.Coordinates.halfPixel),
        rounding: try $0.choice("rounding", default: Resize.Rounding.floor))
    },
  ]

  private static let dense = [
    PrimitiveCoding("dense", FullyConnected()),
    PrimitiveCoding("batch_normalization") { (it: BatchNormalization) in
      .number("epsilon", it.epsilon)
    } _: {
      BatchNormalization(epsilon: try $0.epsilon())
    },
    PrimitiveCoding("layer_normalization") { (it: LayerNormalization) in
      .number("epsilon", it.epsilon)
    } _: {
      LayerNormalization(epsilon: try $0.epsilon())
    },
    PrimitiveCoding("softmax", Softmax()),
    PrimitiveCoding("log_softmax", LogSoftmax()),
  ]

  private static let functions = [
    PrimitiveCoding("relu", ReLU()),
    PrimitiveCoding("relu6", ReLU6()),
    PrimitiveCoding("silu", SiLU()),
    PrimitiveCoding("sigmoid", Sigmoid()),
    PrimitiveCoding("tanh", Tanh()),
    PrimitiveCoding("hard_swish", HardSwish()),
    PrimitiveCoding("erf", ErrorFunction()),
    PrimitiveCoding("softplus", Softplus()),
    PrimitiveCoding("exponential", Exponential()),
    PrimitiveCoding("logarithm", Logarithm()),
    PrimitiveCoding("square_root", SquareRoot()),
    PrimitiveCoding("absolute", Absolute()),
    PrimitiveCoding("prelu", PReLU()),
    PrimitiveCoding("hard_sigmoid") { (it: HardSigmoid) in
      .number("slope", it.slope) + .number("offset", it.offset)
    } _: {
      HardSigmoid(
        slope: try $0.number("slope", default: 1 / 6),
        offset: try $0.number("offset", default: 0.5))
    },
    PrimitiveCoding("gelu") { (it: GELU) in
      it.approximation == .none ? [] : .text("approximation", it.approximation.rawValue)
    } _: {
      GELU(approximation: try $0.choice("approximation", default: GELU.Approximation.none))
    },
    PrimitiveCoding("elu") { (it: ELU) in
      .number("alpha", it.alpha)
    } _: {
      ELU(alpha: try $0.number("alpha", default: 1))
    },
    PrimitiveCoding("leaky_relu") { (it: LeakyReLU) in
      .number("slope", it.slope)
    } _: {
      LeakyReLU(slope: try $0.number("slope", default: 0.01))
    },
    PrimitiveCoding("clip") { (it: Clip) in
      .number("low", it.low) + .number("high", it.high)
    } _: {
      let low = try $0.number("low", default: -.infinity)
      let high = try $0.number("high", default: .infinity)
      guard low <= high, low.isFinite || high.isFinite else {
        throw AttributeError(reason: "needs low, high or both, in this order")
      }
      return Clip(low: low, high: high)
    },
    PrimitiveCoding("power") { (it: Power) in
      .number("exponent", it.exponent)
    } _: {
      Power(exponent: try $0.number("exponent"))
    },
  ]

  private static let pairs = [
    PrimitiveCoding("add", Add()), PrimitiveCoding("subtract", Subtract()),
    PrimitiveCoding("multiply", Multiply()), PrimitiveCoding("divide", Divide()),
    PrimitiveCoding("maximum", Maximum()), PrimitiveCoding("minimum", Minimum()),
  ]

  private static let axes = -8...8

  private static let reductions = [
    PrimitiveCoding("mean") { (it: Mean) in
      .integers("axes", it.axes) + .flag("keeps_dimensions", it.keepsDimensions)
    } _: {
      Mean(
        axes: try $0.integers("axes", in: axes), keepsDimensions: try $0.flag("keeps_dimensions"))
    },
    PrimitiveCoding("sum") { (it: Sum) in
      .integers("axes", it.axes) + .flag("keeps_dimensions", it.keepsDimensions)
    } _: {
      Sum(
        axes: try $0.integers("axes", in: axes), keepsDimensions: try $0.flag("keeps_dimensions"))
    },
    PrimitiveCoding("reduce_max") { (it: ReduceMax) in
      .integers("axes", it.axes) + .flag("keeps_dimensions", it.keepsDimensions)
    } _: {
      ReduceMax(
        axes: try $0.integers("axes", in: axes), keepsDimensions: try $0.flag("keeps_dimensions"))
    },
  ]

  private static let shaping = [
    PrimitiveCoding("concatenate") { (it: Concatenate) in
      .integer("axis", it.axis)
    } _: {
      Concatenate(axis: try $0.integer("axis", default: -1, in: axes))
    },
    PrimitiveCoding("slice") { (it: Slice) in
      .integer("axis", it.axis) + .integer("start", it.start) + .integer("end", it.end)
        + (it.step == 1 ? [] : .integer("step", it.step))
    } _: {
      let numbers = 0...Int(Int32.max)
      return Slice(
        axis: try $0.integer("axis", in: axes), start: try $0.integer("start", in: numbers),
        end: try $0.integer("end", in: numbers),
        step: try $0.integer("step", default: 1, in: 1...Int(Int32.max)))
    },
    PrimitiveCoding("pad") { (it: Pad) in
      .integer("top", it.top) + .integer("left", it.left) + .integer("bottom", it.bottom)
        + .integer("right", it.right)
    } _: {
      Pad(
        top: try $0.integer("top", default: 0), left: try $0.integer("left", default: 0),
        bottom: try $0.integer("bottom", default: 0), right: try $0.integer("right", default: 0))
    },
    PrimitiveCoding("reshape") { (it: Reshape) in
      .integers("shape", it.shape.dimensions)
    } _: {
      Reshape(shape: Shape(try $0.integers("shape", in: 0...Int(Int32.max))))
    },
    PrimitiveCoding("flatten_channels_first", FlattenChannelsFirst()),
    PrimitiveCoding("transpose") { (it: Transpose) in
      .integers("axes", it.axes)
    } _: {
      Transpose(axes: try $0.integers("axes", in: axes))
    },
    PrimitiveCoding("shuffle_channels") { (it: ShuffleChannels) in
      .integer("groups", it.groups)
    } _: {
      ShuffleChannels(groups: try $0.integer("groups", in: 1...NodeAttributes.largest))
    },
  ]

  /// What is recorded in training alone.
  private static let training = [
    PrimitiveCoding("channel_mean", ChannelMean()),
    PrimitiveCoding("channel_variance", ChannelVariance()),
    PrimitiveCoding("cross_entropy", CrossEntropy()),
    PrimitiveCoding("binary_cross_entropy") { (it: BinaryCrossEntropy) in
      .flag("positive_weights", it.hasPositiveWeights)
        + .flag("element_weights", it.hasElementWeights)
    } _: {
      BinaryCrossEntropy(
        hasPositiveWeights: try $0.flag("positive_weights"),
        hasElementWeights: try $0.flag("element_weights"))
    },
    PrimitiveCoding("dropout") { (it: Dropout) in
      // A seed may be any 64 bits, more than JSON's numbers are trusted with.
      .number("rate", it.rate) + .text("seed", String(it.seed))
    } _: {
      let rate = try $0.number("rate")
      guard rate >= 0, rate < 1 else {
        throw AttributeError(reason: "needs a number from 0 up to 1 as rate")
      }
      guard let seed = UInt64(try $0.text("seed")) else {
        throw AttributeError(reason: "needs a whole number of 64 bits as seed")
      }
      return Dropout(rate: rate, seed: seed)
    },
  ]
}
