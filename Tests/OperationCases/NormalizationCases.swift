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
