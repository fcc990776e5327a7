internal import PrismTensor

extension Tensor {
  /// This image, `[1, H, W, C]`, averaged over a box: `cv2.blur` without rounding.
  ///
  /// The box of k elements begins k / 2 before the element; beyond the border the image is
  /// reflected about its outermost pixel (`BORDER_REFLECT_101`).
  func boxBlurred(rows: Int, columns: Int) -> Tensor {
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    func reflected(_ index: Int, _ count: Int) -> Int {
      guard count > 1 else { return 0 }
      let period = 2 * (count - 1)
      let i = ((index % period) + period) % period
      return i < count ? i : period - i
    }
    var across = [Double](repeating: 0, count: count)
    withUnsafePointer { source in
      for y in 0..<height {
        for x in 0..<width {
          for k in 0..<columns {
            let other = (y * width + reflected(x - columns / 2 + k, width)) * channels
            for c in 0..<channels {
              across[(y * width + x) * channels + c] += Double(source[other + c])
            }
          }
        }
      }
    }
    let row = width * channels
    return Tensor(uninitialized: shape) { target in
      var sums = [Double](repeating: 0, count: row)
      for y in 0..<height {
        for i in 0..<row { sums[i] = 0 }
        for k in 0..<rows {
          let other = reflected(y - rows / 2 + k, height) * row
          for i in 0..<row { sums[i] += across[other + i] }
        }
        for i in 0..<row { target[y * row + i] = Float(sums[i] / Double(rows * columns)) }
      }
    }
  }
}
