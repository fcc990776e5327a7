public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// Normalises every channel, `(x − mean) / √(variance + ε) · scale + offset`.
///
/// Inputs: `x` with the channels last, then scale, offset, mean and variance, each `[C]`. In
/// inference the moments are the stored running statistics; in training they are ``ChannelMean``
/// and ``ChannelVariance`` of `x` itself, recorded as values, so that the gradient through them
/// comes from the chain rule. Updating the running statistics is the trainer's business.
public struct BatchNormalization: Primitive {
  /// What is added to the variance.
  public let epsilon: Float

  /// Makes the operation.
  public init(epsilon: Float) {
    self.epsilon = epsilon
  }

  public var name: String { "batchNormalization" }

  public var nature: Nature { .linear }

  public var reach: Reach { .pointwise }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(5...5, inputs)
    guard inputs[0].rank > 1 else {
      throw ShapeError(name, inputs, "the first input needs a batch axis and a channel axis")
    }
    guard inputs.dropFirst().allSatisfy({ $0 == [inputs[0][-1]] }) else {
      throw ShapeError(name, inputs, "scale, offset, mean and variance need one number a channel")
    }
    return inputs[0]
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 2 * output.count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let channels = x.shape[-1]
    let factor = inputs[1].zip(deviation(inputs[4])) { $0 / $1 }
    return Tensor(uninitialized: x.shape) { y in
      x.withUnsafePointer { x in
        factor.withUnsafePointer { factor in
          inputs[2].withUnsafePointer { offset in
            inputs[3].withUnsafePointer { mean in
              for row in stride(from: 0, to: inputs[0].count, by: channels) {
                let (x, y) = (x + row, y + row)
                for c in 0..<channels { y[c] = (x[c] - mean[c]) * factor[c] + offset[c] }
              }
            }
          }
        }
      }
    }
  }

  // With σ = √(variance + ε) and sums over everything but channels:
  // dx = dy · scale / σ, dscale = Σ dy · (x − mean) / σ, doffset = Σ dy, dmean = −scale / σ · Σ dy,
  // dvariance = −scale / (2 σ³) · Σ dy · (x − mean).
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let (x, scale, mean) = (inputs[0], inputs[1], inputs[3])
    let channels = x.shape[-1]
    let deviation = deviation(inputs[4])
    var results = [Tensor?](repeating: nil, count: 5)
    if wanted[0] {
      let factor = scale.zip(deviation) { $0 / $1 }
      results[0] = Tensor(uninitialized: x.shape) { dx in
        cotangent.withUnsafePointer { dy in
          factor.withUnsafePointer { factor in
            for row in stride(from: 0, to: x.count, by: channels) {
              let (dx, dy) = (dx + row, dy + row)
              for c in 0..<channels { dx[c] = dy[c] * factor[c] }
            }
          }
        }
      }
    }
    if wanted[2] || wanted[3] {
      let sum = sumOfRows(cotangent, channels: channels)
      if wanted[2] { results[2] = sum }
      if wanted[3] { results[3] = sum * (scale.zip(deviation) { -$0 / $1 }) }
    }
    if wanted[1] || wanted[4] {
      var sums = [Double](repeating: 0, count: channels)
      sums.withUnsafeMutableBufferPointer { sums in
        cotangent.withUnsafePointer { dy in
          x.withUnsafePointer { x in
            mean.withUnsafePointer { mean in
              for row in stride(from: 0, to: inputs[0].count, by: channels) {
                let (x, dy) = (x + row, dy + row)
                for c in 0..<channels { sums[c] += Double(dy[c] * (x[c] - mean[c])) }
              }
            }
          }
        }
      }
      let sum = Tensor([channels], sums.map(Float.init))
      if wanted[1] { results[1] = sum.zip(deviation) { $0 / $1 } }
      if wanted[4] {
        results[4] = sum * scale.zip(deviation) { -0.5 * $0 / ($1 * $1 * $1) }
      }
    }
    return results
  }

  private func deviation(_ variance: Tensor) -> Tensor {
    variance.map { ($0 + epsilon).squareRoot() }
  }
}

extension Value {
  /// Records a batch normalisation of this value, whose last axis holds the channels.
  ///
  /// - Parameters:
  ///   - scale: `[C]`.
  ///   - offset: `[C]`.
  ///   - mean: `[C]`: running statistics, or ``channelMean()`` of the same value in training.
  ///   - variance: `[C]`: running statistics, or ``channelVariance()`` of the same value in
  ///     training.
  ///   - epsilon: What is added to the variance.
  /// - Returns: A value of the same shape.
  public func batchNormalized(
    scale: Value, offset: Value, mean: Value, variance: Value, epsilon: Float
  ) -> Value {
    applying(BatchNormalization(epsilon: epsilon), [scale, offset, mean, variance])
  }
}
