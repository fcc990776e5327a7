import PrismAutodiff
import PrismCard
import PrismLayers
import PrismTensor
import PrismTestSupport
import PrismWeights
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Layers against the primitives they are to record, and against numbers computed here.
@Suite("layers")
struct LayerTests {
  private static func random(_ shape: Shape, _ seed: UInt64) -> Tensor {
    var random = SeededRandom(seed: seed)
    return .uniform(shape, in: -1..<1, using: &random)
  }

  /// The output of a layer and the names that it recorded.
  private func run(
    _ x: Tensor, _ body: (Value) -> Value
  ) throws -> (output: Tensor, names: [String]) {
    let recording = try Recording(input: x.shape, body)
    let output = try recording(x)[0]
    return (output, recording.names.map(\.name))
  }

  /// A layer with drawn tensors; biases and statistics are drawn too.
  private func made<Layer>(_ make: (WeightReader) throws -> Layer) throws -> Layer {
    try WeightReader.bind(making: { GeneratedWeights.tensor($0, $1) }) {
      try make($0.scope("layer"))
    }
  }

  // MARK: - Convolutions

  @Test(
    "a convolution records its primitive under its name, with and without bias",
    arguments: [true, false])
  func convolution(_ hasBias: Bool) throws {
    let layer = try made {
      try Conv2D(
        $0, inputs: 4, outputs: 6, kernel: 3, stride: 2, padding: .symmetric(1), groups: 2,
        hasBias: hasBias)
    }
    #expect(layer.weight.shape == [6, 2, 3, 3])
    #expect(layer.bias?.shape == (hasBias ? [6] : nil))
    let x = Self.random([2, 7, 5, 4], 1)
    let found = try run(x) { layer($0) }
    let expected = try run(x) {
      $0.convolution(
        $0.parameter(layer.weight, named: "w"),
        bias: layer.bias.map { [x = $0] in x.parameter($0, named: "b") }, stride: 2,
        padding: .symmetric(1), groups: 2)
    }
    #expect(found.output.shape == [2, 4, 3, 6])
    #expect(found.output == expected.output)
    #expect(found.names == ["layer.weight"] + (hasBias ? ["layer.bias"] : []) + ["layer"])
  }

  @Test("one element of a convolution, by hand")
  func convolutionByHand() throws {
    let layer = try made {
      try Conv2D($0, inputs: 2, outputs: 3, kernel: 3, padding: .same, hasBias: true)
    }
    let x = Self.random([1, 4, 4, 2], 2)
    let y = try run(x) { layer($0) }.output
    for (row, column, output) in [(0, 0, 0), (1, 2, 1), (3, 3, 2)] {
      var sum = Double(try #require(layer.bias)[output])
      for i in 0..<3 {
        for j in 0..<3 {
          let (r, c) = (row + i - 1, column + j - 1)
          guard (0..<4).contains(r), (0..<4).contains(c) else { continue }
          for channel in 0..<2 {
            sum += Double(layer.weight[output, channel, i, j]) * Double(x[0, r, c, channel])
          }
        }
      }
      #expect(abs(Double(y[0, row, column, output]) - sum) < 1e-5)
    }
  }

  @Test("a convolution with one group a channel is depthwise")
  func depthwise() throws {
    let layer = try made {
      try Conv2D($0, inputs: 5, outputs: 5, kernel: 3, padding: .same, groups: 5)
    }
    let x = Self.random([1, 6, 6, 5], 3)
    let recording = try Recording(input: x.shape) { layer($0) }
    let isDepthwise = recording.values.contains {
      if case .computed(is DepthwiseConvolution, _) = $0.origin { true } else { false }
    }
    #expect(isDepthwise)
    let expected = try run(x) {
      $0.depthwiseConvolution($0.parameter(layer.weight, named: "w"), padding: .same)
    }
    #expect(try recording(x)[0] == expected.output)
  }

  // MARK: - Dense

  @Test("a dense layer is its weights times the row, plus the bias")
  func dense() throws {
    let layer = try made { try Dense($0, inputs: 4, outputs: 3) }
    let x = Self.random([2, 4], 4)
    let (y, names) = try run(x) { layer($0) }
    #expect(y.shape == [2, 3])
    #expect(names == ["layer.weight", "layer.bias", "layer"])
    for n in 0..<2 {
      for k in 0..<3 {
        let sum = (0..<4).reduce(Double(layer.bias[k])) {
          $0 + Double(layer.weight[k, $1]) * Double(x[n, $1])
        }
        #expect(abs(Double(y[n, k]) - sum) < 1e-6)
      }
    }
  }

  // MARK: - Normalisation

  @Test("a normalisation uses its statistics")
  func normalization() throws {
    let layer = try made { try BatchNorm($0, channels: 3, epsilon: 1e-3) }
    let x = Self.random([2, 3, 3, 3], 5)
    let (y, names) = try run(x) { layer($0) }
    #expect(
      names == ["weight", "bias", "running_mean", "running_var"].map { "layer.\($0)" } + ["layer"])
    for c in 0..<3 {
      let deviation = (Double(layer.variance[c]) + Double(layer.epsilon)).squareRoot()
      let expected =
        (Double(x[1, 2, 0, c]) - Double(layer.mean[c])) / deviation * Double(layer.scale[c])
        + Double(layer.offset[c])
      #expect(abs(Double(y[1, 2, 0, c]) - expected) < 1e-5)
    }
  }

  @Test("in training a normalisation uses the batch's moments, and names them")
  func trainedNormalization() throws {
    let layer = try made { try BatchNorm($0, channels: 2, epsilon: 1e-3) }
    let x = Self.random([2, 3, 4, 2], 6)
    let (y, names) = try run(x) { layer.training($0) }
    #expect(names.contains(layer.batchMean) && names.contains(layer.batchVariance))
    #expect(layer.batchMean == "layer.batch_mean" && layer.batchVariance == "layer.batch_var")
    for c in 0..<2 {
      let column = stride(from: c, to: x.count, by: 2).map { Double(x.scalars[$0]) }
      let mean = column.reduce(0, +) / 24
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 24
      let expected =
        (Double(x[0, 1, 3, c]) - mean) / (variance + 1e-3).squareRoot() * Double(layer.scale[c])
        + Double(layer.offset[c])
      #expect(abs(Double(y[0, 1, 3, c]) - expected) < 1e-5)
    }
  }

  // MARK: - Blocks

  @Test(
    "a brick is convolution, normalisation and activation, each under torchvision's name",
    arguments: [Activation.relu6, .silu, .linear])
  func brick(_ activation: Activation) throws {
    let convention = Convention(epsilon: 1e-5, padsLikeTensorFlow: false)
    let layer = try made {
      try ConvNormActivation(
        $0, inputs: 3, outputs: 4, kernel: 3, stride: 2, activation: activation,
        convention: convention)
    }
    #expect(layer.convolution.bias == nil)
    #expect(layer.normalization.epsilon == 1e-5)
    let x = Self.random([1, 7, 7, 3], 7)
    let (y, names) = try run(x) { layer($0) }
    let expected = try run(x) { activation(layer.normalization(layer.convolution($0))) }
    #expect(y == expected.output && y.shape == [1, 4, 4, 4])
    let steps = names.filter {
      !$0.contains("weight") && !$0.contains("bias") && !$0.contains("run")
    }
    #expect(
      steps == ["layer.0", "layer.1"] + (activation == .linear ? [] : ["layer.2"]) + ["layer"])
  }

  @Test("a gate scales every channel by one number of the whole image")
  func gate() throws {
    let layer = try made { try SqueezeExcitation($0, channels: 4, squeezed: 2) }
    let x = Self.random([2, 3, 3, 4], 8)
    let recording = try Recording(input: x.shape) { layer($0) }
    let y = try recording(x)[0]
    let id = try #require(recording.value(named: "layer.scale_activation"))
    let gate = try #require(try recording.evaluate([id], given: [recording.inputs[0]: x])[id])
    #expect(gate.shape == [2, 1, 1, 4] && gate.minimum > 0 && gate.maximum < 1)
    for (n, row, column) in [(0, 0, 0), (1, 2, 1)] {
      for c in 0..<4 { #expect(y[n, row, column, c] == x[n, row, column, c] * gate[n, 0, 0, c]) }
    }
    // The first gate by hand.
    let names = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    let tensors = try names.map { name -> [Double] in
      let id = try #require(recording.value(named: "layer.\(name)"))
      guard case .parameter(let tensor) = recording[id].origin else { return [] }
      return tensor.scalars.map(Double.init)
    }
    let mean = (0..<4).map { c in (0..<9).reduce(0.0) { $0 + Double(x.scalars[$1 * 4 + c]) } / 9 }
    let hidden = (0..<2).map { h -> Double in
      let sum = (0..<4).reduce(tensors[1][h]) { $0 + tensors[0][h * 4 + $1] * mean[$1] }
      return sum / (1 + exp(-sum))
    }
    for c in 0..<4 {
      let sum = (0..<2).reduce(tensors[3][c]) { $0 + tensors[2][c * 2 + $1] * hidden[$1] }
      #expect(abs(Double(gate[0, 0, 0, c]) - 1 / (1 + exp(-sum))) < 1e-5)
    }
  }

  @Test("every activation is its definition", arguments: Activation.allCases)
  func activation(_ activation: Activation) throws {
    let x = Tensor([1, 5], [-7, -0.5, 0, 0.5, 7])
    let y = try run(x) { activation($0) }.output.scalars.map(Double.init)
    let values = x.scalars.map(Double.init)
    let sum = values.reduce(0) { $0 + exp($1) }
    for (value, found) in zip(values, y) {
      let expected =
        switch activation {
        case .linear: value
        case .relu: max(value, 0)
        case .relu6: min(max(value, 0), 6)
        case .silu: value / (1 + exp(-value))
        case .sigmoid: 1 / (1 + exp(-value))
        case .tanh: tanh(value)
        case .softmax: exp(value) / sum
        case .hardSigmoid: min(max(value / 6 + 0.5, 0), 1)
        case .hardSwish: value * min(max(value / 6 + 0.5, 0), 1)
        case .gelu: 0.5 * value * erfc(-value / 2.0.squareRoot())
        case .geluTanh:
          0.5 * value
            * (1 + tanh((2 / Double.pi).squareRoot() * (value + 0.044715 * pow(value, 3))))
        case .elu: value > 0 ? value : expm1(value)
        case .leakyReLU: value > 0 ? value : 0.01 * value
        }
      #expect(abs(found - expected) < 1e-6, "\(activation) of \(value)")
    }
  }

  @Test("conventions pad as their framework does", arguments: [1, 3, 5, 7])
  func convention(_ kernel: Int) {
    let keras = Convention(epsilon: 1e-3, padsLikeTensorFlow: true)
    let torch = Convention(epsilon: 1e-5, padsLikeTensorFlow: false)
    #expect(keras.padding(kernel: kernel) == .same)
    #expect(torch.padding(kernel: kernel) == .symmetric((kernel - 1) / 2))
  }

  // MARK: - What does not fit

  @Test("inputs of another rank or other channels are shape errors")
  func shapes() throws {
    let convolution = try Conv2D("c", inputs: 3, outputs: 2, kernel: 3)
    let dense = try Dense("d", inputs: 3, outputs: 2)
    let normalization = try BatchNorm("n", channels: 3)
    let gate = try SqueezeExcitation("s", channels: 3, squeezed: 1)
    let cases: [(Shape, (Value) -> Value)] = [
      ([1, 8, 8, 4], { convolution($0) }), ([1, 2, 2, 3], { convolution($0) }),
      ([8, 3], { convolution($0) }), ([1, 4], { dense($0) }), ([1, 8, 8, 3], { dense($0) }),
      ([1, 8, 8, 2], { normalization($0) }), ([1, 8, 8, 2], { gate($0) }),
    ]
    for (shape, layer) in cases {
      #expect(throws: ShapeError.self, "\(shape)") { try Recording(input: shape, layer) }
    }
  }

  @Test("tensors that are missing, misshapen or left over are all named")
  func weights() throws {
    let tensors = ["layer.weight": Tensor([2, 4]), "layer.extra": Tensor([1])]
    #expect {
      try WeightReader.bind(tensors) { try Dense($0.scope("layer"), inputs: 3, outputs: 2) }
    } throws: { error in
      guard case WeightError.mismatch(_, let found) = error else { return false }
      return found.missing == ["layer.bias"] && found.unexpected == ["layer.extra"]
        && found.misshapen == [.init(name: "layer.weight", expected: [2, 3], found: [2, 4])]
    }
  }

  // MARK: - Drawn tensors

  @Test("drawn weights lie within Glorot's bound, differ by name and seed, and come again")
  func drawn() throws {
    let shape: Shape = [16, 8, 3, 3]
    let bound = Float((6.0 / 24).squareRoot())
    let tensor = Initialization.tensor("a.weight", shape, seed: 1)
    #expect(tensor.minimum >= -bound && tensor.maximum < bound)
    #expect(tensor.maximum > 0.95 * bound && tensor.minimum < -0.95 * bound)
    #expect(abs(tensor.sum / Double(tensor.count)) < 0.05)
    #expect(tensor == Initialization.tensor("a.weight", shape, seed: 1))
    #expect(tensor != Initialization.tensor("b.weight", shape, seed: 1))
    #expect(tensor != Initialization.tensor("a.weight", shape, seed: 2))
  }

  @Test("a drawn layer is named and begins without offsets")
  func drawnLayers() throws {
    let convolution = try Conv2D("c", inputs: 3, outputs: 2, kernel: 3, seed: 1)
    #expect(convolution.name == "c" && convolution.weight.shape == [2, 3, 3, 3])
    #expect(convolution.bias == Tensor([2]))
    #expect(try Conv2D("c", inputs: 3, outputs: 2, hasBias: false).bias == nil)
    let dense = try Dense("d", inputs: 3, outputs: 2, seed: 1)
    #expect(dense.weight == Initialization.tensor("d.weight", [2, 3], seed: 1))
    #expect(dense.bias == Tensor([2]))
    let x = Self.random([1, 2, 2, 3], 9)
    let normalization = try BatchNorm("n", channels: 3, epsilon: 0)
    #expect(try run(x) { normalization($0) }.output == x)
    #expect(throws: WeightError.self) { try Dense("d", inputs: 0, outputs: 2) }
    #expect(throws: WeightError.self) { try Conv2D("c", inputs: 3, outputs: -1) }
  }
}
