internal import PrismTensor

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

  /// Every slice along the first axis times its own factor, rounded once.
  func scalingRows(by factors: [Double]) -> Tensor {
    let length = count / factors.count
    return withUnsafePointer { source in
      Tensor(uninitialized: shape) { target in
        for (row, factor) in factors.enumerated() {
          let (source, target) = (source + row * length, target + row * length)
          for i in 0..<length { target[i] = Float(Double(source[i]) * factor) }
        }
      }
    }
  }
}
