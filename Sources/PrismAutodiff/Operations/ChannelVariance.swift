public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The biased variance of every channel over all other axes: `[N, H, W, C]` to `[C]`, accumulated
/// in Double.
public struct ChannelVariance: ChannelMomentPrimitive {
  /// Makes the operation.
  public init() {}

  public var name: String { "channelVariance" }

  public var nature: Nature { .other }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 4 * inputs[0].count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let channels = x.shape[-1]
    let mean = ChannelMean().forward(inputs)
    var sums = [Double](repeating: 0, count: channels)
    sums.withUnsafeMutableBufferPointer { sums in
      x.withUnsafePointer { x in
        mean.withUnsafePointer { mean in
          for row in stride(from: 0, to: inputs[0].count, by: channels) {
            let x = x + row
            for c in 0..<channels {
              let distance = x[c] - mean[c]
              sums[c] += Double(distance * distance)
            }
          }
        }
      }
    }
    let rows = Double(x.count / channels)
    return Tensor([channels], sums.map { Float($0 / rows) })
  }

  // dx = 2 (x − mean) / M · dy; the path through the mean vanishes, because the distances from it
  // sum to zero.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let x = inputs[0]
    let channels = x.shape[-1]
    let mean = ChannelMean().forward(inputs)
    let factor = cotangent * (2 * Float(channels) / Float(x.count))
    let dx = Tensor(uninitialized: x.shape) { dx in
      x.withUnsafePointer { x in
        mean.withUnsafePointer { mean in
          factor.withUnsafePointer { factor in
            for row in stride(from: 0, to: inputs[0].count, by: channels) {
              let (x, dx) = (x + row, dx + row)
              for c in 0..<channels { dx[c] = (x[c] - mean[c]) * factor[c] }
            }
          }
        }
      }
    }
    return [dx]
  }
}

extension Value {
  /// Records the biased variance of every channel over all other axes.
  public func channelVariance() -> Value { applying(ChannelVariance()) }
}
