internal import PrismTensor

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

/// The sum over all rows of a matrix with the given number of columns, accumulated in Double, times
/// a factor.
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
