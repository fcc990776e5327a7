internal import PrismTensor

/// A Gaussian blur with zeros around the image, as SciPy's `gaussian_filter` with the mode
/// `constant`: kernels end at four deviations and add up to 1.
struct GaussianBlur {
  private let kernel: [Double]

  /// Makes a blur of a deviation in pixels.
  init(sigma: Double) {
    let radius = Int(4 * sigma + 0.5)
    guard sigma > 0, radius > 0 else {
      kernel = [1]
      return
    }
    let weights = (-radius...radius).map { exponential(-0.5 * Double($0 * $0) / (sigma * sigma)) }
    let total = weights.reduce(0, +)
    kernel = weights.map { $0 / total }
  }

  /// The blurred image.
  ///
  /// - Parameters:
  ///   - image: Channels last, row by row.
  ///   - height: The rows.
  ///   - width: The columns.
  ///   - channels: The numbers a pixel.
  /// - Returns: As many numbers.
  func callAsFunction(
    _ image: [Double], height: Int, width: Int, channels: Int
  ) -> [Double] {
    guard kernel.count > 1 else { return image }
    // Both passes move whole rows, or parts of a row, so that the innermost loop is over neighbours.
    let row = width * channels
    let down = blurred(image, outer: 1, extent: height, inner: row)
    return blurred(down, outer: height, extent: width, inner: channels)
  }

  /// Blurs along the middle one of three axes.
  private func blurred(_ source: [Double], outer: Int, extent: Int, inner: Int) -> [Double] {
    let radius = kernel.count / 2
    var result = [Double](repeating: 0, count: source.count)
    source.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { result in
        for block in 0..<outer {
          let start = block * extent * inner
          for shift in -min(radius, extent - 1)...min(radius, extent - 1) {
            let weight = kernel[shift + radius]
            // Where both the place and its neighbour lie inside.
            let first = max(0, -shift)
            let length = (min(extent, extent - shift) - first) * inner
            let (to, from) = (start + first * inner, start + (first + shift) * inner)
            for i in 0..<max(length, 0) {
              result[to &+ i] += weight * source[from &+ i]
            }
          }
        }
      }
    }
    return result
  }
}
