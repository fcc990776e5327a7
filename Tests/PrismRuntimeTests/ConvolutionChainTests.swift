import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

/// A depthwise convolution with what is before and after it, large enough to be computed in bands.
struct ChainCase: Sendable, CustomTestStringConvertible {
  enum Before: String, Sendable { case nothing, pointwise, dense }

  var before = Before.pointwise
  var hasAfter = true
  var hasResidual = false
  var height = 65
  var width = 71
  var channels = 32
  var kernel = 3
  var stride = 1
  var padding = Padding.symmetric(1)

  var testDescription: String {
    "\(before.rawValue), depthwise \(kernel)×\(kernel)/\(stride) \(padding)"
      + (hasAfter ? ", pointwise" : "") + (hasResidual ? " and residual" : "")
      + ", \(height)×\(width)×\(channels)"
  }

  static let all: [ChainCase] = [
    ChainCase(), ChainCase(hasResidual: true), ChainCase(stride: 2),
    ChainCase(before: .dense, stride: 2, padding: .same), ChainCase(before: .dense),
    ChainCase(before: .nothing), ChainCase(before: .nothing, kernel: 5, padding: .symmetric(2)),
    ChainCase(hasAfter: false), ChainCase(hasAfter: false, kernel: 5, stride: 2, padding: .same),
    ChainCase(padding: .none), ChainCase(channels: 37, kernel: 5, padding: .symmetric(2)),
    // A row is longer than a band may be, and one pixel high.
    ChainCase(height: 3, width: 700, channels: 100),
    ChainCase(height: 1, width: 1500, channels: 96),
    ChainCase(height: 1500, width: 1, channels: 96),
    // More channels than pixels: in blocks of channels, where the chain is divided or nothing comes
    // after it.
    ChainCase(hasAfter: false, height: 7, width: 7, channels: 1000),
    ChainCase(height: 7, width: 9, channels: 999, kernel: 5, padding: .symmetric(2)),
    ChainCase(hasResidual: true, height: 14, width: 14, channels: 600),
    ChainCase(hasAfter: false, height: 13, width: 14, channels: 601, stride: 2, padding: .same),
    ChainCase(hasAfter: false, height: 1, width: 1, channels: 65),
  ]

  /// A recording from `[1, height, width, C]` to a map.
  func recording() throws -> Recording {
    var random = SeededRandom(seed: 3)
    func weight(_ shape: Shape) -> Tensor {
      let bound = (6 / Float(shape.count / shape[0])).squareRoot()
      return .uniform(shape, in: -bound..<bound, using: &random)
    }
    let inputs = before == .nothing ? channels : 8
    return try Recording(input: [1, height, width, inputs]) { image in
      func parameter(_ name: String, _ shape: Shape) -> Value {
        image.parameter(weight(shape), named: name)
      }
      var x = image
      switch before {
      case .nothing: break
      case .pointwise:
        x = x.convolution(
          parameter("before", [channels, inputs, 1, 1]), bias: parameter("before.bias", [channels])
        ).relu6()
      case .dense:
        // Three rows high, so that Winograd's algorithm, which no chain takes, does not suit it.
        x = x.convolution(
          parameter("before", [channels, inputs, 3, 1]),
          padding: .explicit(top: 1, left: 0, bottom: 1, right: 0)
        ).silu()
      }
      x = x.depthwiseConvolution(
        parameter("depthwise", [channels, 1, kernel, kernel]), stride: stride, padding: padding
      ).relu6()
      if hasAfter {
        x = x.convolution(
          parameter("after", [inputs, channels, 1, 1]), bias: parameter("after.bias", [inputs]))
      }
      return hasResidual ? x + image : x
    }
  }

  func images(_ count: Int) -> Tensor {
    var random = SeededRandom(seed: 4)
    return .uniform(
      [count, height, width, before == .nothing ? channels : 8], in: -1..<1, using: &random)
  }
}

@Suite("chains of convolutions in bands")
struct ConvolutionChainTests {
  @Test(
    "a chain computes what its parts compute", arguments: ChainCase.all, InstructionSet.available)
  func parity(_ chain: ChainCase, _ set: InstructionSet) throws {
    let recording = try chain.recording()
    let plan = try Plan(
      recording, wanted: recording.outputs, precision: .standard, weights: PackedWeights(),
      kernels: Kernels(set))
    let chains = plan.program.phases.flatMap { phase -> [ConvolutionChain] in
      guard case .image(let steps) = phase else { return [] }
      return steps.whole.compactMap { $0.kind as? ConvolutionChain }
    }
    let found = try #require(chains.first)
    #expect(chains.count == 1)
    #expect((found.before != nil) == (chain.before != .nothing))
    #expect((found.after != nil) == chain.hasAfter)

    let images = chain.images(2)
    let result = try plan(images)[0]
    for n in 0..<2 {
      // Three sums of at most 100 products of numbers about one, in another order.
      expectClose(
        result.slice(n), try recording(images.slice(n))[0], tolerance: 2e-5, "image \(n)")
    }
  }

  @Test(
    "the walk back through a chain with a stride is one chain, and computes what its parts compute",
    arguments: [(65, 71, 3), (64, 70, 3), (33, 20, 5), (7, 9, 3), (2, 1, 3)],
    InstructionSet.available)
  func walkBack(_ size: (height: Int, width: Int, kernel: Int), _ set: InstructionSet) throws {
    var chain = ChainCase(height: size.height, width: size.width, kernel: size.kernel, stride: 2)
    chain.padding = .symmetric(size.kernel / 2)
    let recording = try chain.recording()
    let (image, output) = (recording.inputs[0], recording.outputs[0])
    let plan = try #require(
      try GradientPlan(
        .init(layer: image, count: 1), in: recording, precision: .standard,
        weights: PackedWeights(), kernels: Kernels(set)))
    let back = plan.plan.program.steps.compactMap { $0.kind as? ConvolutionChain }
      .filter { $0.depthwise is DepthwisePullbackStep }
    #expect(back.count == 1 && back[0].before != nil && back[0].after != nil)

    let images = chain.images(3)
    var random = SeededRandom(seed: 5)
    let cotangent = Tensor.uniform(recording[output].shape, in: -1..<1, using: &random)
    func found(threads: Int) throws -> [Tensor] {
      try plan(
        (0..<3).map { [image: images.slice($0)] }, cotangents: [cotangent],
        on: WorkerPool(workerCount: threads)
      ).map { $0.pass.cotangents[0] }
    }
    let result = try found(threads: 1)
    for n in 0..<3 {
      let expected = try recording.gradient(
        of: output, cotangent: cotangent, at: [image], given: [image: images.slice(n)])
      // Three sums of at most 100 products of numbers about one, in another order.
      expectClose(result[n], try #require(expected[image]), tolerance: 2e-5, "image \(n)")
    }
    for threads in 2...4 { #expect(try found(threads: threads) == result, "\(threads) threads") }
  }

  @Test("the bits do not depend on how rows are divided", arguments: ChainCase.all)
  func determinism(_ chain: ChainCase) throws {
    try Plan(chain.recording()).expectSameBits(of: chain.images(3), threads: Array(1...5))
  }
}
