public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The channels of several groups in turn: channel `k · groups + g` of the output is channel `k` of
/// group `g` of the input.
///
/// Definition: Zhang et al., "ShuffleNet", CVPR 2018.
public struct ShuffleChannels: Primitive {
  /// The number of groups.
  public let groups: Int

  /// Makes the operation.
  public init(groups: Int) {
    self.groups = groups
  }

  public var name: String { "shuffleChannels" }

  public var nature: Nature { .rearrangement }

  public var reach: Reach { .pointwise }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    guard inputs[0].rank > 0, groups > 0, inputs[0][-1] % groups == 0 else {
      throw ShapeError(name, inputs, "the channels do not fit \(groups) groups")
    }
    return inputs[0]
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 0 }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    shuffled(inputs[0], rows: groups, columns: inputs[0].shape[-1] / groups)
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    [shuffled(cotangent, rows: cotangent.shape[-1] / groups, columns: groups)]
  }

  private func shuffled(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
    x.transposingLastAxes(outer: x.count / (rows * columns), rows: rows, columns: columns)
      .reshaped(to: x.shape)
  }
}

extension Value {
  /// Records the channels of several groups in turn.
  public func shufflingChannels(groups: Int) -> Value { applying(ShuffleChannels(groups: groups)) }
}
