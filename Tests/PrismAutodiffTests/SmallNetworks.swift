import PrismAutodiff
import PrismTensor

/// A small random network with everything that makes gradients go wrong: a skip connection, a gate
/// that broadcasts, a concatenation, a pool, shared statistics.
struct SmallNetwork {
  let recording: Recording
  let input: Tensor

  /// The given values of an evaluation.
  var given: [ValueID: Tensor] { [recording.inputs[0]: input] }

  func id(_ name: String) throws -> ValueID {
    guard let id = recording.value(named: name) else { throw NoSuchValue(name: name) }
    return id
  }

  struct NoSuchValue: Error {
    let name: String
  }

  /// Makes the network with its moments from running statistics, or from the batch as in training.
  init(isTraining: Bool = false) throws {
    var random = SeededRandom(seed: 20)
    func tensor(_ shape: Shape, _ range: Range<Float> = -0.7..<0.7) -> Tensor {
      .uniform(shape, in: range, using: &random)
    }
    let stem = tensor([4, 2, 3, 3])
    let depthwise = tensor([4, 1, 3, 3])
    let moments = [tensor([4], 0.5..<1.5), tensor([4]), tensor([4]), tensor([4], 0.5..<1.5)]
    let (squeeze, excite) = (tensor([2, 4]), tensor([4, 2]))
    let (head, bias) = (tensor([3, 8]), tensor([3]))
    input = tensor([2, 6, 5, 2], -1..<1)
    recording = try Recording(input: input.shape) { x in
      let stem = x.convolution(
        x.parameter(stem, named: "stem.weight"), stride: 1, padding: .symmetric(1)
      ).named("stem")
      let branch = stem.depthwiseConvolution(
        x.parameter(depthwise, named: "depthwise.weight"), padding: .same)
      let normalized = branch.batchNormalized(
        scale: x.parameter(moments[0], named: "scale"),
        offset: x.parameter(moments[1], named: "offset"),
        mean: isTraining
          ? branch.channelMean().named("mean") : x.parameter(moments[2], named: "mean"),
        variance: isTraining
          ? branch.channelVariance().named("variance") : x.parameter(moments[3], named: "variance"),
        epsilon: 1e-3
      ).silu().named("branch")
      let gate = normalized.globalAveragePool()
        .dense(x.parameter(squeeze, named: "squeeze")).silu()
        .dense(x.parameter(excite, named: "excite")).sigmoid()
        .reshaped(to: [2, 1, 1, 4]).named("gate")
      let block = (stem + normalized * gate).named("block")
      let joined = block.concatenated(with: [stem]).named("joined")
      return joined.maxPool(kernel: 3, stride: 2, padding: .symmetric(1)).named("pooled")
        .globalAveragePool()
        .dense(x.parameter(head, named: "head.weight"), bias: x.parameter(bias, named: "head.bias"))
        .named("logits")
    }
  }
}
