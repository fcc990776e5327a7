/// Fills a hole with the mean of what is kept, then lets the border diffuse into it.
///
/// A sweep sets every pixel of the hole to the mean of its neighbours, downwards and then upwards
/// (Gauss and Seidel), so that the order, and with it every bit, is fixed. What it comes to rest at
/// is the harmonic function (Laplace's equation) with the border's values.
struct HeatDiffusion {
  /// How often the hole is swept, down and up.
  let sweeps: Int

  /// Fills a hole.
  ///
  /// - Parameters:
  ///   - isHole: One flag a pixel, row by row.
  ///   - target: `[H, W, C]`.
  ///   - height: The rows.
  ///   - width: The columns.
  ///   - channels: The numbers a pixel.
  func fill(
    _ isHole: [Bool], of target: UnsafeMutablePointer<Float>, height: Int, width: Int,
    channels: Int
  ) {
    let hole = isHole.indices.filter { isHole[$0] }
    guard !hole.isEmpty, hole.count < isHole.count else { return }
    var means = [Double](repeating: 0, count: channels)
    for p in isHole.indices where !isHole[p] {
      for c in 0..<channels { means[c] += Double(target[p * channels + c]) }
    }
    let kept = Double(isHole.count - hole.count)
    for p in hole { for c in 0..<channels { target[p * channels + c] = Float(means[c] / kept) } }
    func relax(_ p: Int) {
      let (y, x) = (p / width, p % width)
      for c in 0..<channels {
        var sum: Float = 0
        var count: Float = 0
        if y > 0 { sum += target[(p - width) * channels + c]; count += 1 }
        if x > 0 { sum += target[(p - 1) * channels + c]; count += 1 }
        if x + 1 < width { sum += target[(p + 1) * channels + c]; count += 1 }
        if y + 1 < height { sum += target[(p + width) * channels + c]; count += 1 }
        if count > 0 { target[p * channels + c] = sum / count }
      }
    }
    for _ in 0..<sweeps {
      for p in hole { relax(p) }
      for p in hole.reversed() { relax(p) }
    }
  }
}
