internal import PrismTensor

/// Writes images of which parts are masked.
struct MaskedImage: Sendable {
  let input: Tensor
  let replacement: Tensor
  private let sweeps: Int?
  private let height, width, channels: Int

  init(_ image: ExplainedImage, masker: Masker, segmentation: Segmentation? = nil)
    throws(ExplanationError)
  {
    input = image.input
    replacement = try masker.replacement(for: image, segmentation: segmentation)
    sweeps = if case .inpainting(let count) = masker { count } else { nil }
    (height, width, channels) = (image.height, image.width, image.channels)
  }

  /// Writes the image with the pixels masked for which a closure says no.
  @inline(__always)
  func write(_ target: UnsafeMutablePointer<Float>, keeping isKept: (Int) -> Bool) {
    input.withUnsafePointer { input in
      replacement.withUnsafePointer { replacement in
        for p in 0..<height * width {
          let source = isKept(p) ? input : replacement
          for i in p * channels..<(p + 1) * channels { target[i] = source[i] }
        }
      }
    }
    if let sweeps {
      var isHole = [Bool](repeating: false, count: height * width)
      for p in isHole.indices { isHole[p] = !isKept(p) }
      diffuse(target, into: isHole, sweeps: sweeps)
    }
  }

  /// Fills a hole with the mean of what is kept, then lets the border diffuse into it.
  ///
  /// A sweep sets every pixel of the hole to the mean of its neighbours, downwards and then upwards (Gauss and Seidel),
  /// so that the order, and with it every bit, is fixed.
  private func diffuse(_ target: UnsafeMutablePointer<Float>, into isHole: [Bool], sweeps: Int) {
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
