public import PrismRuntime
internal import PrismTensor

/// How an image is divided into segments.
public enum Segmenter: Sendable, Equatable {
  /// As given.
  case labels(Segmentation)
  /// Rectangles of equal size, but for rounding.
  case grid(rows: Int, columns: Int)
  /// Mode seeking in colour and place; `lime`'s numbers are 4, 200 and 0.2.
  case quickshift(kernelSize: Double = 4, maximumDistance: Double = 200, ratio: Double = 0.2)
  /// k-means in colour and place; the number of segments is approximate.
  case slic(count: Int = 50, compactness: Double = 10, isConnected: Bool = true)
  /// Joining neighbours along a spanning tree; a larger scale gives larger segments.
  case felzenszwalb(scale: Double = 100, sigma: Double = 0.8, minimumSize: Int = 20)

  /// The name and the numbers, for the record.
  public var description: String {
    switch self {
    case .labels: "given"
    case .grid(let rows, let columns): "grid:\(rows)x\(columns)"
    case .quickshift(let kernel, let distance, let ratio):
      "quickshift:\(kernel):\(distance):\(ratio)"
    case .slic(let count, let compactness, let isConnected):
      "slic:\(count):\(compactness)\(isConnected ? "" : ":unconnected")"
    case .felzenszwalb(let scale, let sigma, let size): "felzenszwalb:\(scale):\(sigma):\(size)"
    }
  }

  /// What to tell where a method found far fewer segments than it was asked for.
  ///
  /// - Parameter found: How many it found.
  /// - Returns: One line, or `nil`.
  func note(found: Int) -> String? {
    guard case .slic(let count, _, _) = self, 2 * found < count else { return nil }
    return "SLIC was asked for \(count) segments and found \(found): small ones were joined to "
      + "their neighbours; a grid:RxC has the number it is given"
  }

  /// The segments of an image.
  ///
  /// - Parameters:
  ///   - image: With its colours where the method looks at them.
  ///   - work: Is asked whether it goes on.
  /// - Returns: A segmentation of the image's size.
  /// - Throws: ``ExplanationError``, and `CancellationError` in a cancelled task.
  public func segments(of image: ExplainedImage, work: Work = .unwatched) throws -> Segmentation {
    switch self {
    case .labels(let segmentation):
      try segmentation.check(for: image)
      return segmentation
    case .grid(let rows, let columns):
      guard (1...image.height).contains(rows), (1...image.width).contains(columns) else {
        throw ExplanationError.parameter(
          "the grid", "must have at least 1 row and column and no more than the image")
      }
      return Segmentation(
        renumbering: (0..<image.area).map { p in
          (p / image.width * rows / image.height) * columns
            + p % image.width * columns / image.width
        }, height: image.height, width: image.width)
    case .quickshift(let kernel, let distance, let ratio):
      guard kernel >= 1, kernel <= 100, distance >= 0, ratio >= 0, ratio.isFinite else {
        throw ExplanationError.parameter(
          "quickshift", "needs a kernel size from 1 to 100, and a distance and ratio from 0 up")
      }
      return try quickshiftSegments(
        try LabImage(image, for: "quickshift"), kernelSize: kernel, maximumDistance: distance,
        ratio: ratio, work: work)
    case .slic(let count, let compactness, let isConnected):
      guard count >= 1, count <= image.area, compactness > 0, compactness.isFinite else {
        throw ExplanationError.parameter(
          "SLIC", "needs from 1 segment to one a pixel, and a compactness above 0")
      }
      return try slicSegments(
        try LabImage(image, for: "SLIC", isStretched: true), count: count,
        compactness: compactness, isConnected: isConnected, work: work)
    case .felzenszwalb(let scale, let sigma, let size):
      guard scale >= 0, scale.isFinite, sigma >= 0, sigma <= 100, size >= 0 else {
        throw ExplanationError.parameter(
          "Felzenszwalb's method", "needs numbers that are not negative, and a sigma up to 100")
      }
      return try felzenszwalbSegments(
        try image.colors(for: "Felzenszwalb's method").scalars.map { Double($0) / 255 },
        height: image.height, width: image.width, scale: scale, sigma: sigma, minimumSize: size,
        work: work)
    }
  }
}

extension ExplainedImage {
  /// The picture's colours, checked.
  func colors(for method: String) throws(ExplanationError) -> Tensor {
    guard let pixels else { throw .noPixels(for: method) }
    guard pixels.shape == [height, width, 3], pixels.isFinite else {
      throw .maskSize(given: pixels.shape, expected: [height, width, 3])
    }
    return pixels
  }
}
