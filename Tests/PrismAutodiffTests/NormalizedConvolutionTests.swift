import PrismAutodiff
import PrismTensor
import PrismTestSupport
import Testing

@Suite("normalised convolution")
struct NormalizedConvolutionTests {
  /// A case and the clamp that follows it.
  struct Setup: Sendable, CustomStringConvertible {
    let isDepthwise: Bool
    let kernel, stride: Int
    let high: Float

    var description: String {
      "\(kernel)×\(kernel), stride \(stride), depthwise \(isDepthwise), up to \(high)"
    }
  }

  static let setups = [false, true].flatMap { isDepthwise in
    [1, 3].flatMap { kernel in
      [1, 2].flatMap { stride in
        [Float(0.5), .infinity].map {
          Setup(isDepthwise: isDepthwise, kernel: kernel, stride: stride, high: $0)
        }
      }
    }
  }

  /// The clamp cuts in the middle of the values, so that both sides of it and its inside are met.
  @Test("is the three operations one after the other, with their gradients", arguments: setups)
  func composition(_ setup: Setup) throws {
    var random = SeededRandom(seed: 7)
    let channels = 20
    let outputs = setup.isDepthwise ? channels : 33
    let shape: Shape = [3, 9, 8, channels]
    let weight = Tensor.uniform(
      [outputs, setup.isDepthwise ? 1 : channels, setup.kernel, setup.kernel], in: -1..<1,
      using: &random)
    let rows = (0..<4).map { i in
      Tensor.uniform([outputs], in: i == 3 ? 0.25..<2 : -1..<1, using: &random)
    }
    let image = Tensor.uniform(shape, in: -1..<1, using: &random)
    let padding = Padding.symmetric(setup.kernel / 2)

    func record(_ body: (Value, [Value]) -> Value) throws -> Recording {
      try Recording(inputs: [shape, weight.shape] + rows.map(\.shape)) { inputs in
        [body(inputs[0], Array(inputs.dropFirst()))]
      }
    }
    let separate = try record { x, p in
      let y =
        setup.isDepthwise
        ? x.depthwiseConvolution(p[0], stride: setup.stride, padding: padding)
        : x.convolution(p[0], stride: setup.stride, padding: padding)
      let z = y.batchNormalized(
        scale: p[1], offset: p[2], mean: p[3], variance: p[4], epsilon: 1e-3)
      // min(x, high) = high − relu(high − x).
      guard setup.high < .infinity else { return z.relu() }
      let top = z.parameter(Tensor([1], [setup.high]), named: "high")
      return (top - (top - z).relu()).relu()
    }
    let window = padding.window(
      kernel: (setup.kernel, setup.kernel), stride: (setup.stride, setup.stride),
      height: shape[1], width: shape[2])
    let fused = try record { x, p in
      x.normalizedConvolution(
        NormalizedConvolution(
          window: window, isDepthwise: setup.isDepthwise, epsilon: 1e-3, low: 0, high: setup.high),
        weight: p[0], scale: p[1], offset: p[2], mean: p[3], variance: p[4])
    }
    let tensors = [image, weight] + rows
    var results: [[Tensor]] = []
    for recording in [separate, fused] {
      let given = Dictionary(uniqueKeysWithValues: zip(recording.inputs, tensors))
      let output = recording.outputs[0]
      var cotangents = SeededRandom(seed: 8)
      let cotangent = Tensor.uniform(recording[output].shape, in: -1..<1, using: &cotangents)
      let trace = try recording.trace(of: output, at: recording.inputs, given: given)
      let y = trace.output
      let gradients = try trace.gradient(cotangent: cotangent)
      results.append([y] + recording.inputs.compactMap { gradients[$0] })
    }
    #expect(results[0].count == 7 && results[1].count == 7)
    for (i, (expected, actual)) in zip(results[0], results[1]).enumerated() {
      // Sums of up to 216 products, of which the derivatives by the moments take differences.
      expectClose(actual, expected, tolerance: 2e-5, "part \(i) of \(setup)")
    }
  }
}
