public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The mean of every channel over all other axes: `[N, H, W, C]` to `[C]`, accumulated in Double.
public struct ChannelMean: ChannelMomentPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "channelMean" }

  public var nature: Nature { .linear }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { inputs[0].count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let channels = inputs[0].shape[-1]
    return sumOfRows(
      inputs[0], channels: channels, times: Double(channels) / Double(inputs[0].count))
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let x = inputs[0]
    let channels = x.shape[-1]
    let share = cotangent * (Float(channels) / Float(x.count))
    let dx = Tensor(uninitialized: x.shape) { dx in
      share.withUnsafePointer { share in
        for row in stride(from: 0, to: x.count, by: channels) {
          (dx + row).update(from: share, count: channels)
        }
      }
    }
    return [dx]
  }
}

extension Value {
  /// Records the mean of every channel over all other axes.
  public func channelMean() -> Value { applying(ChannelMean()) }
}
