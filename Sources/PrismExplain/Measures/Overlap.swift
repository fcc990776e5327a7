public import PrismTensor

/// How well what a map points at covers a region that the user knows to be the right one.
///
/// The map becomes a region of its own as CheXlocalize makes it one: scaled to levels from 0 to 255
/// and cut where Otsu's threshold lies. What speaks against the label is taken as nothing first, for
/// signed methods. A map that points at nothing overlaps with nothing. Definition: Saporta et al.,
/// "Benchmarking saliency methods for chest X-ray interpretation", Nature Machine Intelligence 2022.
public struct Overlap: Sendable, Equatable, Codable {
  /// The intersection of both regions over their union, from 0 to 1.
  public let intersectionOverUnion: Double
  /// The share of the image that the map points at.
  public let area: Double

  /// Judges a map.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`.
  ///   - mask: `[H, W]`, not zero inside the region.
  /// - Throws: ``ExplanationError`` where the sizes differ, a value is not finite or the region is
  ///   empty.
  public init(of map: Tensor, in mask: Tensor) throws(ExplanationError) {
    try map.check(with: mask)
    let isRight = mask.scalars.map { $0 != 0 }
    guard isRight.contains(true) else { throw .unsuitable("the mask marks no region") }
    let isMarked = map.otsuRegion
    let common = zip(isMarked, isRight).count { $0 && $1 }
    let union = zip(isMarked, isRight).count { $0 || $1 }
    intersectionOverUnion = Double(common) / Double(union)
    area = Double(isMarked.count { $0 }) / Double(isMarked.count)
  }
}

extension Tensor {
  /// Where the positive part of a map is strong: above Otsu's threshold of its 256 levels.
  ///
  /// Definition: Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions
  /// on Systems, Man, and Cybernetics 1979; the first of equal thresholds, as OpenCV has it.
  ///
  /// - Returns: One value an element; none where the positive part is constant.
  package var otsuRegion: [Bool] {
    let values = scalars.map { $0 > 0 ? $0 : 0 }
    guard let low = values.min(), let high = values.max(), low < high, high.isFinite else {
      return values.map { _ in false }
    }
    let levels = values.map { Int(($0 - low) / (high - low) * 255) }
    let threshold = Self.otsuThreshold(of: levels)
    return levels.map { $0 > threshold }
  }

  /// The level that divides levels from 0 to 255 best.
  private static func otsuThreshold(of levels: [Int]) -> Int {
    var histogram = [Double](repeating: 0, count: 256)
    for level in levels { histogram[level] += 1 / Double(levels.count) }
    let mean = histogram.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
    var (share, sum) = (0.0, 0.0)
    var best = (variance: 0.0, level: 0)
    for (level, part) in histogram.enumerated() {
      share += part
      sum += Double(level) * part
      guard share > 1e-7, share < 1 - 1e-7 else { continue }
      let distance = sum / share - (mean - sum) / (1 - share)
      let variance = share * (1 - share) * distance * distance
      if variance > best.variance { best = (variance, level) }
    }
    return best.level
  }
}
