public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// Normalises every row along the last axis by its own mean and variance,
/// `(x − mean) / √(variance + ε) · scale + offset`.
///
/// Inputs: `x` with the channels last, then scale and offset, each `[C]`. Moments in Double.
/// Definition: Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450; over the channels of
/// every position, as ConvNeXt has it.
public struct LayerNormalization: Primitive {
  /// What is added to the variance.
  public let epsilon: Float

  /// Makes the operation.
  public init(epsilon: Float) {
    self.epsilon = epsilon
  }

  public var name: String { "layerNormalization" }

  public var nature: Nature { .other }

  public var reach: Reach { .pointwise }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(3...3, inputs)
    guard inputs[0].rank > 1 else {
      throw ShapeError(name, inputs, "the first input needs a batch axis and a channel axis")
    }
    guard inputs.dropFirst().allSatisfy({ $0 == [inputs[0][-1]] }) else {
      throw ShapeError(name, inputs, "scale and offset need one number a channel")
    }
    return inputs[0]
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int { 7 * output.count }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let channels = inputs[0].shape[-1]
    return inputs[0].withUnsafePointer { x in
      inputs[1].withUnsafePointer { scale in
        inputs[2].withUnsafePointer { offset in
          Tensor(uninitialized: inputs[0].shape) { y in
            for row in stride(from: 0, to: inputs[0].count, by: channels) {
              let (x, y) = (x + row, y + row)
              let (mean, factor) = moments(x, channels)
              for c in 0..<channels { y[c] = (x[c] - mean) * factor * scale[c] + offset[c] }
            }
          }
        }
      }
    }
  }

  // With x̂ the normalised row and g = dy · scale: dx = (g − mean g − x̂ · mean(g · x̂)) / σ.
  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let channels = inputs[0].shape[-1]
    var dx = wanted[0] ? Tensor(inputs[0].shape) : nil
    var sums = [Double](repeating: 0, count: channels)
    inputs[0].withUnsafePointer { x in
      inputs[1].withUnsafePointer { scale in
        cotangent.withUnsafePointer { dy in
          for row in stride(from: 0, to: inputs[0].count, by: channels) {
            let (x, dy) = (x + row, dy + row)
            let (mean, factor) = moments(x, channels)
            var (sum, product) = (0.0, 0.0)
            for c in 0..<channels {
              let (g, normal) = (Double(dy[c] * scale[c]), Double((x[c] - mean) * factor))
              sum += g
              product += g * normal
              sums[c] += Double(dy[c]) * normal
            }
            dx?.withUnsafeMutablePointer { dx in
              let (first, second) = (
                Float(sum / Double(channels)), Float(product / Double(channels))
              )
              for c in 0..<channels {
                let normal = (x[c] - mean) * factor
                dx[row + c] = (dy[c] * scale[c] - first - normal * second) * factor
              }
            }
          }
        }
      }
    }
    return [
      dx, wanted[1] ? Tensor([channels], sums.map(Float.init)) : nil,
      wanted[2] ? sumOfRows(cotangent, channels: channels) : nil,
    ]
  }

  /// The mean of a row, and one over its deviation.
  private func moments(_ x: UnsafePointer<Float>, _ count: Int) -> (mean: Float, factor: Float) {
    var sum = 0.0
    for c in 0..<count { sum += Double(x[c]) }
    let mean = sum / Double(count)
    var squares = 0.0
    for c in 0..<count {
      let difference = Double(x[c]) - mean
      squares += difference * difference
    }
    return (Float(mean), Float(1 / (squares / Double(count) + Double(epsilon)).squareRoot()))
  }
}

extension Value {
  /// Records a layer normalisation over the last axis.
  ///
  /// - Parameters:
  ///   - scale: `[C]`.
  ///   - offset: `[C]`.
  ///   - epsilon: What is added to the variance.
  /// - Returns: A value of the same shape.
  public func layerNormalized(scale: Value, offset: Value, epsilon: Float) -> Value {
    applying(LayerNormalization(epsilon: epsilon), [scale, offset])
  }
}
