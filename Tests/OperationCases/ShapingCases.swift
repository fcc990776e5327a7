import PrismAutodiff
import PrismTensor

extension OperationCase {
  /// Operations that move elements and compute nothing.
  public static let shaping: [OperationCase] =
    concatenation + padding + slices + transpositions + shuffles + resizes
    + [
      OperationCase("", Reshape(shape: [6, 4]), inputs: [[2, 3, 4]]) {
        Grid([6, 4], $0[0].values)
      },
      OperationCase("of every image", Reshape(shape: [0, 2, 6]), inputs: [[2, 3, 4]]) {
        Grid([2, 2, 6], $0[0].values)
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

  /// The index along every axis of an element, and back.
  private static func index(_ offset: Int, _ extents: [Int]) -> [Int] {
    var (rest, index) = (offset, extents)
    for k in extents.indices.reversed() {
      index[k] = rest % extents[k]
      rest /= extents[k]
    }
    return index
  }

  private static func offset(_ index: [Int], _ extents: [Int]) -> Int {
    zip(index, extents).reduce(0) { $0 * $1.1 + $1.0 }
  }

  /// A grid whose element at an index is another grid's at the index that a function gives.
  private static func moved(
    _ x: Grid, to extents: [Int], _ source: ([Int]) -> [Int]
  ) -> Grid {
    var y = Grid(Shape(extents))
    for i in y.values.indices {
      y.values[i] = x.values[offset(source(index(i, extents)), x.shape.dimensions)]
    }
    return y
  }

  private static let slices: [OperationCase] = [
    ("channels", -1, 1, 4, 1), ("every other channel", -1, 0, 5, 2), ("a row", 1, 2, 3, 1),
    ("every other column", -2, 1, 4, 2), ("all", 1, 0, 3, 1),
  ].map { (label: String, axis: Int, start: Int, end: Int, step: Int) in
    let shape: Shape = [2, 3, 4, 5]
    return OperationCase(
      label, Slice(axis: axis, start: start, end: end, step: step), inputs: [shape]
    ) { grids in
      let own = axis < 0 ? axis + 4 : axis
      var extents = shape.dimensions
      extents[own] = Array(stride(from: start, to: end, by: step)).count
      return moved(grids[0], to: extents) { index in
        var index = index
        index[own] = start + index[own] * step
        return index
      }
    }
  }

  private static let transpositions: [OperationCase] = [
    [0, 3, 1, 2], [0, 2, 1, 3], [0, 1, 2, 3], [3, 2, 1, 0],
  ].map { (axes: [Int]) in
    OperationCase("\(axes)", Transpose(axes: axes), inputs: [[2, 3, 4, 5]]) { grids in
      moved(grids[0], to: axes.map { grids[0].shape[$0] }) { index in
        var source = index
        for (i, axis) in axes.enumerated() { source[axis] = index[i] }
        return source
      }
    }
  }

  private static let shuffles: [OperationCase] = [2, 3, 1, 6].map { groups in
    OperationCase("of \(groups)", ShuffleChannels(groups: groups), inputs: [[2, 2, 3, 6]]) {
      grids in
      moved(grids[0], to: [2, 2, 3, 6]) { index in
        var index = index
        index[3] = index[3] % groups * (6 / groups) + index[3] / groups
        return index
      }
    }
  }

  private static let resizes: [OperationCase] =
    Resize.Method.allCases.flatMap { method in
      Resize.Coordinates.allCases.flatMap { coordinates in
        Resize.Rounding.allCases.flatMap { rounding in
          [(6, 8), (5, 3), (2, 9), (1, 1)].map { height, width in
            OperationCase(
              "\(method), \(coordinates), \(rounding)",
              Resize(
                height: height, width: width, method: method, coordinates: coordinates,
                rounding: rounding),
              inputs: [[2, 3, 4, 2]], reduction: 8
            ) { resized($0[0], height, width, method, coordinates, rounding) }
          }
        }
      }
    }

  /// A resize by weighing all old rows and columns with a triangle around the new ones.
  private static func resized(
    _ x: Grid, _ height: Int, _ width: Int, _ method: Resize.Method,
    _ coordinates: Resize.Coordinates, _ rounding: Resize.Rounding
  ) -> Grid {
    func weights(_ count: Int, _ extent: Int) -> [[Double]] {
      (0..<count).map { i in
        let scale = Double(extent) / Double(count)
        var place =
          switch coordinates {
          case .halfPixel: (Double(i) + 0.5) * scale - 0.5
          case .asymmetric: Double(i) * scale
          case .alignCorners: count == 1 ? 0 : Double(i) * Double(extent - 1) / Double(count - 1)
          }
        place = min(max(place, 0), Double(extent - 1))
        if method == .nearest {
          place = rounding == .floor ? place.rounded(.down) : (place - 0.5).rounded(.up)
        }
        return (0..<extent).map { max(0, 1 - abs(Double($0) - place)) }
      }
    }
    let (rows, columns) = (weights(height, x.shape[1]), weights(width, x.shape[2]))
    var y = Grid([x.shape[0], height, width, x.shape[3]])
    for i in y.values.indices {
      let at = index(i, y.shape.dimensions)
      for row in 0..<x.shape[1] {
        for column in 0..<x.shape[2] {
          y.values[i] += rows[at[1]][row] * columns[at[2]][column] * x[at[0], row, column, at[3]]
        }
      }
    }
    return y
  }
}
