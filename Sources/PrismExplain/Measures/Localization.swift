public import PrismTensor

/// How well a map finds a region that the user knows to be the right one.
public struct Localization: Sendable, Equatable, Codable {
  /// The share of the places with the map's largest value that lie inside the region: 1 or 0 for one
  /// such place, and between where several are equal, as all pixels of a segment are.
  public let hitShare: Double
  /// Whether the map's largest value lies inside the region (the pointing game): at least half of
  /// the places that have it.
  public let isHit: Bool
  /// The share of the positive attribution inside the region; `nil` where nothing is positive.
  public let massInside: Double?
  /// The share of the image that the region covers: what a constant map would have inside.
  public let area: Double

  /// Judges a map.
  ///
  /// Definition of the pointing game: Zhang et al., "Top-down Neural Attention by Excitation
  /// Backprop", ECCV 2016.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`.
  ///   - mask: `[H, W]`, not zero inside the region.
  ///   - margin: How many pixels outside the region still count as a hit, in rows and columns.
  /// - Throws: ``ExplanationError`` where the sizes differ, a value is not finite or the region is
  ///   empty.
  public init(of map: Tensor, in mask: Tensor, margin: Int = 0) throws(ExplanationError) {
    try map.check(with: mask)
    let isInside = mask.scalars.map { $0 != 0 }
    guard isInside.contains(true) else { throw .unsuitable("the mask marks no region") }
    guard margin >= 0 else { throw .parameter("the margin", "must not be negative") }
    let values = map.scalars
    let reach = RegionReach(isInside, height: map.shape[0], width: map.shape[1])
    let largest = map.maximum
    let peaks = values.indices.filter { values[$0] == largest }
    hitShare = Double(peaks.count { reach.isNear($0, margin: margin) }) / Double(peaks.count)
    isHit = hitShare >= 0.5
    var (inside, total) = (0.0, 0.0)
    for (i, value) in values.enumerated() where value > 0 {
      total += Double(value)
      if isInside[i] { inside += Double(value) }
    }
    massInside = total > 0 ? inside / total : nil
    area = Double(isInside.count { $0 }) / Double(isInside.count)
  }
}

/// How many places of a region lie in rectangles that begin in the upper left corner, by which a
/// look tells whether a square meets the region.
private struct RegionReach {
  private let height: Int
  private let width: Int
  /// With a row and a column of zeros before those of the region.
  private var counts: [Int]

  init(_ isInside: [Bool], height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    counts = [Int](repeating: 0, count: (height + 1) * (width + 1))
    for y in 0..<height {
      var row = 0
      for x in 0..<width {
        row += isInside[y * width + x] ? 1 : 0
        counts[(y + 1) * (width + 1) + x + 1] = counts[y * (width + 1) + x + 1] + row
      }
    }
  }

  /// Whether the region has a place that is at most so many rows and columns from another.
  func isNear(_ place: Int, margin: Int) -> Bool {
    let (y, x) = (place / width, place % width)
    let (top, bottom) = (max(y - margin, 0), min(y + margin, height - 1) + 1)
    let (left, right) = (max(x - margin, 0), min(x + margin, width - 1) + 1)
    func count(_ y: Int, _ x: Int) -> Int { counts[y * (width + 1) + x] }
    return count(bottom, right) - count(top, right) - count(bottom, left) + count(top, left) > 0
  }
}
