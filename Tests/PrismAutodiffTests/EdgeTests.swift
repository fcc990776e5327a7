import PrismAutodiff
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import Testing

@Suite("operations at their edges")
struct EdgeTests {
  @Test("softmax and losses survive logits of any size")
  func largeLogits() throws {
    for size in [88, 1000, 1e30, 3e38] as [Float] {
      let logits = Tensor([3, 3], [size, 0, -size, -size, -size, -size, size, size, size])
      let third = Float(1) / 3
      let probabilities = Softmax().forward([logits])
      expectClose(
        probabilities, Tensor([3, 3], [1, 0, 0, third, third, third, third, third, third]),
        tolerance: 1e-6)
      let cotangent = Tensor([3, 3], (0..<9).map(Float.init))
      let targets = Tensor([3, 3], [0, 1, 0, 0, 1, 0, 0, 1, 0])
      for primitive in [Softmax(), LogSoftmax()] as [any Primitive] {
        let output = primitive.forward([logits])
        // log softmax of ±3e38 is a difference that Float cannot hold; −infinity is the right
        // answer there.
        #expect(!output.scalars.contains { $0.isNaN })
        let gradient = primitive.pullback(
          cotangent, inputs: [logits], output: output, wanted: [true])[0]
        #expect(gradient?.isFinite == true, "\(primitive.name) at \(size)")
      }
      for primitive in [CrossEntropy(), BinaryCrossEntropy()] as [any Primitive] {
        let inputs = [logits, targets]
        let output = primitive.forward(inputs)
        #expect(!output.scalars[0].isNaN, "\(primitive.name) at \(size)")
        let gradient = primitive.pullback(
          Tensor(1), inputs: inputs, output: output, wanted: [true, false])[0]
        #expect(gradient?.isFinite == true, "\(primitive.name) at \(size)")
      }
    }
  }

  @Test("functions pass NaN on, and stay finite far from zero")
  func furtherFunctions() {
    let functions: [any Primitive] = [
      HardSigmoid(), HardSwish(), GELU(), GELU(approximation: .tanh), ErrorFunction(), ELU(),
      LeakyReLU(), Clip(low: -1, high: 1), Softplus(), Absolute(),
    ]
    for primitive in functions {
      #expect(primitive.forward([Tensor([1], [.nan])]).scalars[0].isNaN, "\(primitive.name)")
      let input = Tensor([4], [-1e30, -1000, 1000, 1e30])
      let output = primitive.forward([input])
      #expect(output.isFinite, "\(primitive.name): \(output.scalars)")
      let gradient = primitive.pullback(
        Tensor([4], [1, 1, 1, 1]), inputs: [input], output: output, wanted: [true])[0]
      #expect(gradient?.isFinite == true, "\(primitive.name)")
    }
    for primitive in [Maximum(), Minimum()] as [any Primitive] {
      for (a, b) in [(Float.nan, Float(1)), (1, .nan)] {
        let output = primitive.forward([Tensor([1], [a]), Tensor([1], [b])])
        #expect(output.scalars[0].isNaN, "\(primitive.name)")
      }
    }
    #expect(ReduceMax(axes: [0]).forward([Tensor([3], [1, .nan, 2])]).scalars[0].isNaN)
  }

  @Test("equal numbers share the gradient of the larger of two, as in torch")
  func equalOperands() {
    for primitive in [Maximum(), Minimum()] as [any Primitive] {
      let x = Tensor([2], [3, 3])
      let gradients = primitive.pullback(
        Tensor([2], [1, 2]), inputs: [x, x], output: x, wanted: [true, true])
      #expect(gradients.map { $0?.scalars } == [[0.5, 1], [0.5, 1]])
    }
  }

  @Test("sigmoid and SiLU saturate without NaN, and pass NaN on")
  func saturation() {
    let x = Tensor([6], [-3e38, -200, -90, 90, 200, 3e38])
    expectClose(Sigmoid().forward([x]), Tensor([6], [0, 0, 0, 1, 1, 1]), tolerance: 1e-30)
    expectClose(SiLU().forward([x]) * 1e-38, x.map { max($0, 0) * 1e-38 }, tolerance: 1e-6)
    for primitive in [ReLU(), ReLU6(), Sigmoid(), SiLU(), Tanh()] as [any Primitive] {
      #expect(primitive.forward([Tensor([1], [.nan])]).scalars[0].isNaN, "\(primitive.name)")
      let output = primitive.forward([x])
      let gradient = primitive.pullback(
        Tensor([6], repeating: 1), inputs: [x], output: output, wanted: [true])[0]
      #expect(gradient?.isFinite == true, "\(primitive.name)")
    }
  }

  @Test("sigmoid is exact to a few units over its range")
  func sigmoidAccuracy() {
    let x = Tensor([4001], (0..<4001).map { Float($0 - 2000) * 0.04 })
    let y = Sigmoid().forward([x]).scalars
    for (x, y) in zip(x.scalars, y) {
      let expected = 1 / (1 + exponential(-Double(x)))
      #expect(abs(Double(y) - expected) <= 4 * epsilon * expected)
    }
  }

  @Test("the gradient of a kink is zero, as torch has it")
  func kinks() {
    let x = Tensor([3], [0, -0.0, 6])
    let one = Tensor([3], repeating: 1)
    let relu = ReLU().pullback(one, inputs: [x], output: ReLU().forward([x]), wanted: [true])
    #expect(relu[0] == Tensor([3], [0, 0, 1]))
    let relu6 = ReLU6().pullback(one, inputs: [x], output: ReLU6().forward([x]), wanted: [true])
    #expect(relu6[0] == Tensor([3], [0, 0, 0]))
  }

  @Test("among equal elements the first of the window gets the gradient")
  func ties() {
    let x = Tensor([1, 3, 3, 2], repeating: 5)
    let window = Padding.none.window(kernel: (2, 2), stride: (1, 1), height: 3, width: 3)
    let pool = MaxPool(window: window)
    let cotangent = Tensor([1, 2, 2, 2], [1, 10, 2, 20, 3, 30, 4, 40])
    let dx = pool.pullback(cotangent, inputs: [x], output: pool.forward([x]), wanted: [true])[0]
    #expect(
      dx
        == Tensor(
          [1, 3, 3, 2], [1, 10, 2, 20, 0, 0, 3, 30, 4, 40, 0, 0, 0, 0, 0, 0, 0, 0]))
    let whole = GlobalMaxPool()
    let global = whole.pullback(
      Tensor([1, 2], [7, 8]), inputs: [x], output: whole.forward([x]), wanted: [true])[0]
    #expect(global == Tensor([1, 3, 3, 2], [7, 8] + [Float](repeating: 0, count: 16)))
  }

  @Test("padding never wins a max pool, not even against minus infinity")
  func padding() {
    let window = Padding.symmetric(1).window(kernel: (3, 3), stride: (2, 2), height: 4, width: 4)
    for value in [-1, -3e38, -Float.infinity] {
      let x = Tensor([1, 4, 4, 1], repeating: value)
      #expect(MaxPool(window: window).forward([x]) == Tensor([1, 2, 2, 1], repeating: value))
    }
    let mixed = Tensor([1, 1, 3, 1], [1, .nan, 2])
    #expect(GlobalMaxPool().forward([mixed]).scalars[0].isNaN)
  }

  @Test("dropout's mask belongs to its seed, and its pullback uses the same mask")
  func dropout() throws {
    let x = Tensor([100, 100], repeating: 2)
    let dropout = Dropout(rate: 0.3, seed: 5)
    let y = dropout.forward([x])
    #expect(y == dropout.forward([x]))
    #expect(y != Dropout(rate: 0.3, seed: 6).forward([x]))
    let kept = y.scalars.count { $0 != 0 }
    // 7000 expected with a standard deviation of 46.
    #expect(abs(kept - 7000) < 230)
    #expect(y.scalars.allSatisfy { $0 == 0 || abs($0 - 2 / 0.7) < 1e-6 })
    let dx = dropout.pullback(x, inputs: [x], output: y, wanted: [true])[0]
    #expect(dx == y)
    #expect(Dropout(rate: 0, seed: 5).forward([x]) == x)
    // The same elements whatever the shape.
    #expect(dropout.forward([x.reshaped(to: [10000])]).scalars == y.scalars)
    for rate in [1, -0.1, .nan] as [Float] {
      #expect(throws: ShapeError.self) {
        try Recording(input: [2]) { $0.dropout(rate: rate, seed: 0) }
      }
    }
  }

  @Test("training-mode normalisation gives every channel mean 0 and variance 1")
  func trainingMode() throws {
    let recording = try Recording(input: [4, 5, 6, 3]) { x in
      x.batchNormalized(
        scale: x.parameter(Tensor([3], repeating: 1), named: "scale"),
        offset: x.parameter(Tensor([3]), named: "offset"), mean: x.channelMean(),
        variance: x.channelVariance(), epsilon: 0)
    }
    var random = SeededRandom(seed: 9)
    // A mean far from zero, where a variance from sums of squares would be lost in rounding.
    let x = Tensor.normal([4, 5, 6, 3], using: &random).map { $0 * 0.5 + 1000 }
    let y = try recording(x)[0]
    expectClose(
      ChannelMean().forward([y]) + Tensor([3], repeating: 1), Tensor([3], repeating: 1),
      tolerance: 1e-4)
    expectClose(ChannelVariance().forward([y]), Tensor([3], repeating: 1), tolerance: 1e-4)
  }

  @Test("a loss with every element ignored is zero, and so is its gradient")
  func everythingIgnored() throws {
    let zeros = Tensor([2, 2])
    let inputs = [Tensor([2, 2], [1, 2, 3, 4]), zeros, zeros]
    let loss = BinaryCrossEntropy(hasElementWeights: true)
    let output = loss.forward(inputs)
    #expect(output == Tensor(0))
    let gradients = loss.pullback(
      Tensor(1), inputs: inputs, output: output, wanted: [true, true, true])
    for gradient in gradients { #expect(gradient == zeros) }
  }

  /// Inputs that an operation must refuse.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let primitive: any Primitive
    let inputs: [Shape]

    init(_ primitive: any Primitive, _ inputs: Shape...) {
      self.primitive = primitive
      self.inputs = inputs
    }

    var testDescription: String { "\(primitive.name) of \(inputs)" }
  }

  static let three = SlidingWindow(
    vertical: SlidingWindow.Axis(kernel: 3), horizontal: SlidingWindow.Axis(kernel: 3))
  static let allPadding = SlidingWindow(
    vertical: SlidingWindow.Axis(kernel: 2, before: 2), horizontal: SlidingWindow.Axis(kernel: 2))

  static let refusals: [Refusal] = [
    Refusal(Convolution(window: three), [1, 5, 5, 2]),
    Refusal(Convolution(window: three), [5, 5, 2], [1, 2, 3, 3]),
    Refusal(Convolution(window: three), [1, 5, 5, 2], [1, 3, 3, 3]),
    Refusal(Convolution(window: three), [1, 5, 5, 2], [1, 2, 3, 2]),
    Refusal(Convolution(window: three), [1, 5, 2, 2], [1, 2, 3, 3]),
    Refusal(Convolution(window: three), [1, 5, 5, 2], [1, 2, 3, 3], [2]),
    Refusal(Convolution(window: three, groups: 0), [1, 5, 5, 2], [1, 2, 3, 3]),
    Refusal(Convolution(window: three, groups: .max), [1, 5, 5, 2], [1, 2, 3, 3]),
    Refusal(DepthwiseConvolution(window: three), [1, 5, 5, 2], [2, 2, 3, 3]),
    Refusal(DepthwiseConvolution(window: three), [1, 5, 5, 2], [1, 1, 3, 3]),
    Refusal(DepthwiseConvolution(window: three), [1, 5, 5, 2], [2, 1, 3, 3], [1]),
    Refusal(DepthwiseConvolution(window: three), [1, 2, 5, 2], [2, 1, 3, 3]),
    Refusal(FullyConnected(), [2, 3], [4, 2]),
    Refusal(FullyConnected(), [2, 3], [3]),
    Refusal(FullyConnected(), [2, 3], [4, 3], [3]),
    Refusal(BatchNormalization(epsilon: 0), [2, 3], [3], [3], [3]),
    Refusal(BatchNormalization(epsilon: 0), [2, 3], [3], [3], [3], [2]),
    Refusal(BatchNormalization(epsilon: 0), [3], [3], [3], [3], [3]),
    Refusal(ChannelMean(), [3]),
    Refusal(ChannelVariance(), []),
    Refusal(Softmax(), []),
    Refusal(LogSoftmax(), []),
    Refusal(Softmax(), [2], [2]),
    Refusal(ReLU()),
    Refusal(Sigmoid(), [1], [1]),
    Refusal(Add(), [2], [3]),
    Refusal(Subtract(), [2, 3], [2]),
    Refusal(Multiply(), [2]),
    Refusal(MaxPool(window: three), [5, 5]),
    Refusal(MaxPool(window: three), [1, 2, 5, 1]),
    Refusal(MaxPool(window: allPadding), [1, 5, 5, 1]),
    Refusal(AveragePool(window: allPadding, countsPadding: false), [1, 5, 5, 1]),
    Refusal(AveragePool(window: three, countsPadding: true), [1, 5, 2, 1]),
    Refusal(AdaptiveAveragePool(height: 0, width: 1), [1, 5, 5, 1]),
    Refusal(AdaptiveAveragePool(height: 1, width: -1), [1, 5, 5, 1]),
    Refusal(AdaptiveAveragePool(height: .max, width: .max), [1, 5, 5, 1]),
    Refusal(GlobalAveragePool(), [2, 3]),
    Refusal(GlobalMaxPool(), [2, 3]),
    Refusal(Concatenate()),
    Refusal(Concatenate(axis: 2), [2, 3]),
    Refusal(Concatenate(axis: -3), [2, 3]),
    Refusal(Concatenate(), []),
    Refusal(Concatenate(), [2, 3], [3, 3]),
    Refusal(Concatenate(), [2, 3], [2]),
    Refusal(Concatenate(), [1, .max], [1, .max]),
    Refusal(Pad(top: -1), [1, 2, 2, 1]),
    Refusal(Pad(right: .max), [1, 2, 2, 1]),
    Refusal(Pad(top: 1), [2, 2]),
    Refusal(Reshape(shape: [5]), [2, 3]),
    Refusal(Reshape(shape: [-2, -3]), [2, 3]),
    Refusal(FlattenChannelsFirst(), [2, 3]),
    Refusal(Sum(axes: [2]), [2, 3]),
    Refusal(Sum(axes: [-3]), [2, 3]),
    Refusal(Sum(axes: [1, -1]), [2, 3]),
    Refusal(Mean(axes: [0]), []),
    Refusal(ReduceMax(axes: [2]), [2, 3]),
    Refusal(Slice(start: 0, end: 4), [2, 3]),
    Refusal(Slice(start: 2, end: 2), [2, 3]),
    Refusal(Slice(start: -1, end: 2), [2, 3]),
    Refusal(Slice(start: 0, end: 2, step: 0), [2, 3]),
    Refusal(Slice(axis: 2, start: 0, end: 1), [2, 3]),
    Refusal(Transpose(axes: [0, 0]), [2, 3]),
    Refusal(Transpose(axes: [0]), [2, 3]),
    Refusal(Transpose(axes: [0, 2]), [2, 3]),
    Refusal(ShuffleChannels(groups: 2), [2, 3]),
    Refusal(ShuffleChannels(groups: 0), [2, 3]),
    Refusal(Resize(height: 0, width: 1, method: .nearest), [1, 2, 2, 1]),
    Refusal(Resize(height: .max, width: .max, method: .bilinear), [1, 2, 2, 1]),
    Refusal(Resize(height: 1, width: 1, method: .nearest), [2, 2]),
    Refusal(Reshape(shape: [0, 4]), [2, 3]),
    Refusal(Reshape(shape: [0]), []),
    Refusal(LayerNormalization(epsilon: 0), [2, 3], [2], [3]),
    Refusal(LayerNormalization(epsilon: 0), [3], [3], [3]),
    Refusal(PReLU(), [2, 3], [2]),
    Refusal(Divide(), [2], [3]),
    Refusal(Maximum(), [2, 3], [2]),
    Refusal(Minimum(), [2]),
    Refusal(
      AveragePool(window: three, countsPadding: true, uncounted: .init(bottom: 1)), [1, 5, 5, 1]),
    Refusal(CrossEntropy(), [2, 3], [2, 2]),
    Refusal(CrossEntropy(), [2, 3], [2, 3], [2]),
    Refusal(CrossEntropy(), [3], [3]),
    Refusal(BinaryCrossEntropy(), [2, 3], [3]),
    Refusal(BinaryCrossEntropy(), [2, 3], [2, 3], [3]),
    Refusal(BinaryCrossEntropy(hasPositiveWeights: true), [2, 3], [2, 3], [2]),
    Refusal(BinaryCrossEntropy(hasElementWeights: true), [2, 3], [2, 3], [3]),
  ]

  @Test("inputs that do not fit are an error that names the operation", arguments: refusals)
  func refusal(_ refusal: Refusal) {
    let error = #expect(throws: ShapeError.self) {
      try refusal.primitive.outputShape(refusal.inputs)
    }
    #expect(error?.operation == refusal.primitive.name)
    #expect(error?.inputs == refusal.inputs)
  }
}

private func exponential(_ x: Double) -> Double {
  // (eˣ⁄⁶⁴)⁶⁴ by Taylor's series: independent of the implementation and exact to 1e-14.
  let small = x / 64
  var (term, sum) = (1.0, 1.0)
  for n in 1..<20 {
    term *= small / Double(n)
    sum += term
  }
  return (0..<6).reduce(sum) { power, _ in power * power }
}
