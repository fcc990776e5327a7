import PrismAutodiff
import PrismTensor

extension OperationCase {
  /// Operations that move elements and compute nothing.
  public static let shaping: [OperationCase] =
    concatenation + padding
    + [
      OperationCase("", Reshape(shape: [6, 4]), inputs: [[2, 3, 4]]) {
        Grid([6, 4], $0[0].values)
      },
      OperationCase("to a scalar", Reshape(shape: []), inputs: [[1, 1]]) {
        Grid([], $0[0].values)
      },
      OperationCase("", FlattenChannelsFirst(), inputs: [[2, 3, 4, 5]]) { grids in
        var y = Grid([2, 60])
        for n in 0..<2 {
          for c in 0..<5 {
            for row in 0..<3 {
              for column in 0..<4 {
                y[n, (c * 3 + row) * 4 + column] = grids[0][n, row, column, c]
              }
            }
          }
        }
        return y
      },
    ]

  private static let padding: [OperationCase] = [
    ("all sides", 1, 2, 3, 4), ("none", 0, 0, 0, 0), ("one side", 0, 1, 0, 0),
  ].map { (label: String, top: Int, left: Int, bottom: Int, right: Int) in
    OperationCase(
      label, Pad(top: top, left: left, bottom: bottom, right: right), inputs: [[2, 3, 2, 2]]
    ) { grids in
      var y = Grid([2, 3 + top + bottom, 2 + left + right, 2])
      for n in 0..<2 {
        for row in 0..<3 {
          for column in 0..<2 {
            for c in 0..<2 { y[n, row + top, column + left, c] = grids[0][n, row, column, c] }
          }
        }
      }
      return y
    }
  }

  private static let concatenation: [OperationCase] = [
    ("channels", -1, [[2, 2, 3, 4], [2, 2, 3, 1], [2, 2, 3, 2]]),
    ("rows", 1, [[2, 2, 3, 2], [2, 1, 3, 2]]),
    ("batch", -4, [[1, 2, 2, 2], [2, 2, 2, 2]]),
    ("one alone", 0, [[3]]),
  ].map { (label: String, axis: Int, shapes: [Shape]) in
    OperationCase(label, Concatenate(axis: axis), inputs: shapes) { grids in
      let own = axis < 0 ? axis + shapes[0].rank : axis
      var extents = shapes[0].dimensions
      extents[own] = shapes.reduce(0) { $0 + $1[own] }
      // Element by element, by its index along every axis.
      var y = Grid(Shape(extents))
      for i in y.values.indices {
        var (rest, index) = (i, [Int](repeating: 0, count: extents.count))
        for k in extents.indices.reversed() {
          index[k] = rest % extents[k]
          rest /= extents[k]
        }
        var source = 0
        while index[own] >= shapes[source][own] {
          index[own] -= shapes[source][own]
          source += 1
        }
        var offset = 0
        for k in extents.indices { offset = offset * shapes[source][k] + index[k] }
        y.values[i] = grids[source].values[offset]
      }
      return y
    }
  }
}
