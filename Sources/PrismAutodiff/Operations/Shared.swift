// What several operations need of tensors and pointers.

internal import PrismKernels
internal import PrismTensor

extension PlainWindow {
  /// The numbers of a window between a channels-last input and output.
  init(_ window: Window, input: Shape, output: Shape) {
    self.init(
      height: input[1], width: input[2], outputHeight: output[1], outputWidth: output[2],
      kernelHeight: window.vertical.kernel, kernelWidth: window.horizontal.kernel,
      strideY: window.vertical.stride, strideX: window.horizontal.stride,
      dilationY: window.vertical.dilation, dilationX: window.horizontal.dilation,
      top: window.vertical.before, left: window.horizontal.before)
  }
}

extension Tensor {
  /// `[outer, rows, columns]` to `[outer, columns, rows]`, whatever the shape is called.
  func transposingLastAxes(outer: Int, rows: Int, columns: Int) -> Tensor {
    withUnsafeBufferPointer { source in
      Tensor([outer, columns, rows]) { target in
        for o in 0..<outer {
          let base = o * rows * columns
          for r in 0..<rows {
            for c in 0..<columns {
              target[base + c * rows + r] = source[base + r * columns + c]
            }
          }
        }
      }
    }
  }
}

/// Adds a row to every row of a matrix whose columns are the row's elements.
func addRow(_ row: Tensor, to matrix: UnsafeMutablePointer<Float>, rows: Int) {
  let columns = row.count
  row.withUnsafePointer { row in
    for start in 0..<rows {
      let target = matrix + start * columns
      for c in 0..<columns { target[c] += row[c] }
    }
  }
}

/// The sum over all rows of a matrix with the given number of columns, accumulated in Double, times a factor.
func sumOfRows(_ matrix: Tensor, channels: Int, times factor: Double = 1) -> Tensor {
  var sums = [Double](repeating: 0, count: channels)
  sums.withUnsafeMutableBufferPointer { sums in
    matrix.withUnsafeBufferPointer { matrix in
      for start in stride(from: 0, to: matrix.count, by: channels) {
        for c in 0..<channels { sums[c] += Double(matrix[start + c]) }
      }
    }
  }
  return Tensor([channels], sums.map { Float($0 * factor) })
}
