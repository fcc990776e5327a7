extension Tensor {
  /// This map at another size, by plain bilinear interpolation with half-pixel centres.
  ///
  /// The definition of torch's `interpolate(mode: bilinear, align_corners: false)` without
  /// antialiasing, of OpenCV's `INTER_LINEAR` and of Keras' resizing; edges are repeated.
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
