public import PrismTensor

/// How well a map finds a region that the user knows to be the right one.
public struct Localization: Sendable, Equatable, Codable {
  /// Whether the map's largest value lies inside the region (the pointing game); among equals the
  /// first counts.
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
    guard margin >= 0, let peak = map.indexOfMaximum else {
      throw .parameter("the margin", "must not be negative")
    }
    let width = map.shape[1]
    isHit = isInside.indices.contains {
      isInside[$0] && abs($0 / width - peak / width) <= margin
        && abs($0 % width - peak % width) <= margin
    }
    var (inside, total) = (0.0, 0.0)
    for (i, value) in map.scalars.enumerated() where value > 0 {
      total += Double(value)
      if isInside[i] { inside += Double(value) }
    }
    massInside = total > 0 ? inside / total : nil
    area = Double(isInside.count { $0 }) / Double(isInside.count)
  }
}
