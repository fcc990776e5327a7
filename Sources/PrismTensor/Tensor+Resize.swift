extension Tensor {
  /// This map at another size, by plain bilinear interpolation with half-pixel centres.
  ///
  /// The definition of torch's `interpolate(mode: bilinear, align_corners: false)` without antialiasing, of OpenCV's
  /// `INTER_LINEAR` and of Keras' resizing; edges are repeated.
  ///
  /// - Precondition: The tensor has the shape `[H, W]`, and no extent is zero.
  /// - Returns: `[height, width]`.
  public func resizedBilinear(height: Int, width: Int) -> Tensor {
    precondition(
      shape.rank == 2 && count > 0 && height > 0 && width > 0,
      "cannot resize \(shape) to \(height)×\(width)")
    if shape == [height, width] { return self }
    let rows = BilinearAxis(from: shape[0], to: height)
    let columns = BilinearAxis(from: shape[1], to: width)
    let (lefts, rights, shares) = (columns.first, columns.second, columns.weight)
    let stride = shape[1]
    return withUnsafePointer { source in
      Tensor(uninitialized: [height, width]) { target in
        // Rows of the source, resized along x when they are first needed.
        var resized = [[Float]](repeating: [], count: shape[0])
        func row(_ index: Int) -> [Float] {
          if resized[index].isEmpty {
            let row = source + index * stride
            resized[index] = (0..<width).map { x in
              (1 - shares[x]) * row[lefts[x]] + shares[x] * row[rights[x]]
            }
          }
          return resized[index]
        }
        for y in 0..<height {
          let v = rows.weight[y]
          let line = target + y * width
          row(rows.first[y]).withUnsafeBufferPointer { top in
            row(rows.second[y]).withUnsafeBufferPointer { bottom in
              for x in 0..<width { line[x] = (1 - v) * top[x] + v * bottom[x] }
            }
          }
        }
      }
    }
  }
}

/// Along one axis of a plain bilinear resize: the two neighbours of every new element, and the share of the second.
package struct BilinearAxis {
  /// The neighbour before.
  package private(set) var first: [Int] = []
  /// The neighbour after; at the edge the same.
  package private(set) var second: [Int] = []
  /// The share of the second, from 0 to 1.
  package private(set) var weight: [Float] = []

  /// Finds the neighbours for a resize from one number of elements to another.
  package init(from count: Int, to newCount: Int) {
    let scale = Float(count) / Float(newCount)
    for i in 0..<newCount {
      let position = max(0, scale * (Float(i) + 0.5) - 0.5)
      let index = min(Int(position), count - 1)
      first.append(index)
      second.append(min(index + 1, count - 1))
      weight.append(min(max(position - Float(index), 0), 1))
    }
  }
}
