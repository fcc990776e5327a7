import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

/// A convolution with a pooling after it, large enough to be computed in bands.
struct PooledCase: Sendable, CustomTestStringConvertible {
  var height = 130
  var width = 129
  var window = 2
  var stride = 2
  var isJoined = true

  var testDescription: String { "\(height)×\(width), pooling \(window)×\(window)/\(stride)" }

  static let all: [PooledCase] = [
    PooledCase(), PooledCase(height: 133, width: 127), PooledCase(window: 4, stride: 4),
    PooledCase(height: 5, width: 3300), PooledCase(height: 4200, width: 4),
    // Windows that overlap, or that rows of tiles do not fill.
    PooledCase(window: 3, isJoined: false), PooledCase(window: 3, stride: 3, isJoined: false),
  ]

  /// A recording from `[1, height, width, 16]` to a map of 64 channels.
  func recording() throws -> Recording {
    var random = SeededRandom(seed: 5)
    return try Recording(input: [1, height, width, 16]) { image in
      image.convolution(
        image.parameter(
          .uniform([64, 16, 3, 3], in: -0.2..<0.2, using: &random), named: "weight"),
        bias: image.parameter(.uniform([64], in: -1..<1, using: &random), named: "bias"),
        padding: .symmetric(1)
      ).relu().maxPool(kernel: window, stride: stride)
    }
  }

  func images(_ count: Int) -> Tensor {
    var random = SeededRandom(seed: 6)
    return .uniform([count, height, width, 16], in: -1..<1, using: &random)
  }
}

@Suite("convolutions with the pooling after them")
struct PooledConvolutionTests {
  @Test("they compute what the two compute", arguments: PooledCase.all, InstructionSet.available)
  func parity(_ pooled: PooledCase, _ set: InstructionSet) throws {
    let recording = try pooled.recording()
    let plan = try Plan(
      recording, wanted: recording.outputs, precision: .standard, weights: PackedWeights(),
      kernels: Kernels(set))
    let isJoined = plan.program.phases.contains { phase in
      guard case .image(let steps) = phase else { return false }
      return steps.whole.contains { $0.kind is PooledConvolution }
    }
    #expect(isJoined == pooled.isJoined)
    let image = pooled.images(1)
    // Sums of 144 products by F(4×4, 3×3), whose rounding is up to ten times that of the direct
    // sum.
    expectClose(try plan(image)[0], try recording(image)[0], tolerance: 2e-5)
  }

  @Test("the bits do not depend on how rows are divided", arguments: PooledCase.all)
  func determinism(_ pooled: PooledCase) throws {
    try Plan(pooled.recording()).expectSameBits(of: pooled.images(3), threads: [1, 2, 5])
  }
}
