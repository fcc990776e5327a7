import PrismAutodiff
import PrismTensor

/// Batch normalisation of the definition; the inputs are x, scale, offset, mean and variance.
package func naiveNormalization(_ epsilon: Double, _ inputs: [Grid]) -> Grid {
  var y = inputs[0]
  for i in y.values.indices {
    let c = i % y.shape[-1]
    let (scale, offset, mean, variance) = (inputs[1][c], inputs[2][c], inputs[3][c], inputs[4][c])
    y.values[i] = (y.values[i] - mean) / (variance + epsilon).squareRoot() * scale + offset
  }
  return y
}

/// The elements of every channel.
package func naiveChannels(_ x: Grid) -> [[Double]] {
  (0..<x.shape[-1]).map { c in
    stride(from: c, to: x.values.count, by: x.shape[-1]).map { x.values[$0] }
  }
}

/// The mean of some numbers.
package func naiveMean(_ values: [Double]) -> Double {
  values.reduce(0, +) / Double(values.count)
}

/// Layer normalisation of the definition; the inputs are x, scale and offset.
package func naiveLayerNormalization(_ epsilon: Double, _ inputs: [Grid]) -> Grid {
  var y = inputs[0]
  let channels = y.shape[-1]
  for row in stride(from: 0, to: y.values.count, by: channels) {
    let values = Array(inputs[0].values[row..<row + channels])
    let mean = naiveMean(values)
    let variance = naiveMean(values.map { ($0 - mean) * ($0 - mean) })
    for c in 0..<channels {
      y.values[row + c] =
        (values[c] - mean) / (variance + epsilon).squareRoot() * inputs[1][c] + inputs[2][c]
    }
  }
  return y
}

extension OperationCase {
  /// Batch normalisation and the moments that it uses in training.
  public static let normalization: [OperationCase] =
    [[2, 3, 4, 5], [3, 7], [1, 1, 1, 1]].flatMap { (shape: Shape) in
      let row: Shape = [shape[-1]]
      let moments = shape.count / shape[-1]
      return [
        OperationCase(
          "", BatchNormalization(epsilon: 1e-3), inputs: [shape, row, row, row, row],
          fillings: [.signed, .signed, .signed, .signed, .positive], reduction: 4
        ) { naiveNormalization(Double(Float(1e-3)), $0) },
        OperationCase(
          "", LayerNormalization(epsilon: 1e-2), inputs: [shape, row, row], reduction: 16
        ) { naiveLayerNormalization(Double(Float(1e-2)), $0) },
        OperationCase("", ChannelMean(), inputs: [shape], reduction: moments) {
          Grid(row, naiveChannels($0[0]).map(naiveMean))
        },
        OperationCase("", ChannelVariance(), inputs: [shape], reduction: moments) {
          Grid(
            row,
            naiveChannels($0[0]).map { values in
              let center = naiveMean(values)
              return naiveMean(values.map { ($0 - center) * ($0 - center) })
            })
        },
      ]
    }
}

/// A convolution, its normalisation with stored statistics and a clamp, of the definitions.
private func makeNormalized(
  _ label: String, image: Shape, outputs: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
  padding: Padding = .none, dilation: (Int, Int) = (1, 1), isDepthwise: Bool = false
) -> OperationCase {
  let window = padding.window(
    kernel: kernel, stride: stride, dilation: dilation, height: image[1], width: image[2])
  let weight: Shape = [outputs, isDepthwise ? 1 : image[3], kernel.0, kernel.1]
  let row: Shape = [outputs]
  // Without a clamp, which has no derivative at its ends; the clamp has cases of its own.
  return OperationCase(
    label,
    NormalizedConvolution(window: window, isDepthwise: isDepthwise, epsilon: 1e-3),
    inputs: [image, weight, row, row, row, row],
    fillings: [.signed, .signed, .signed, .signed, .signed, .positive],
    reduction: 2 * weight.count / outputs + 8
  ) { inputs in
    let y = naiveConvolution(window, groups: isDepthwise ? outputs : 1, [inputs[0], inputs[1]])
    return naiveNormalization(Double(Float(1e-3)), [y] + inputs[2...])
  }
}

extension OperationCase {
  /// Convolutions with their normalisation.
  public static let normalizedConvolution: [OperationCase] = [
    makeNormalized("1×1", image: [2, 3, 4, 5], outputs: 18, kernel: (1, 1)),
    makeNormalized(
      "1×1 stride 2", image: [1, 5, 4, 3], outputs: 2, kernel: (1, 1), stride: (2, 2)),
    makeNormalized(
      "3×3 stride 2 same", image: [2, 6, 5, 3], outputs: 4, kernel: (3, 3), stride: (2, 2),
      padding: .same),
    makeNormalized(
      "depthwise 3×3", image: [2, 5, 6, 19], outputs: 19, kernel: (3, 3), padding: .symmetric(1),
      isDepthwise: true),
    makeNormalized(
      "depthwise 3×3 unpadded", image: [1, 5, 4, 3], outputs: 3, kernel: (3, 3), isDepthwise: true),
    makeNormalized(
      "depthwise 5×3, padded unevenly", image: [1, 6, 7, 2], outputs: 2, kernel: (5, 3),
      padding: .explicit(top: 3, left: 0, bottom: 1, right: 2), isDepthwise: true),
    makeNormalized(
      "depthwise 3×3 stride 2", image: [1, 6, 7, 5], outputs: 5, kernel: (3, 3), stride: (2, 2),
      padding: .same, isDepthwise: true),
    makeNormalized(
      "depthwise 3×3 dilated", image: [1, 7, 8, 2], outputs: 2, kernel: (3, 3),
      padding: .symmetric(2), dilation: (2, 2), isDepthwise: true),
  ]
}
