/// Along one axis of a bilinear resize: the two neighbours of every new element, and the share of
/// the second.
package struct ResizeAxis: Sendable {
  /// Where new elements lie among the old ones, and what happens beyond the outermost.
  package enum Alignment: Sendable {
    /// Half-pixel centres; edges are repeated. Positions in Float, as torch computes them.
    case centres
    /// Half-pixel centres, reflected about the outermost elements. Positions in Double, as
    /// scikit-image has them.
    case mirroredCentres
    /// The first on the first and the last on the last (torch's `align_corners`). Positions in
    /// Double.
    case corners
  }

  /// The neighbour before.
  package private(set) var first: [Int] = []
  /// The neighbour after; at the edge the same.
  package private(set) var second: [Int] = []
  /// The share of the second, from 0 to 1.
  package private(set) var weight: [Float] = []

  /// Finds the neighbours for a resize from one number of elements to another.
  ///
  /// - Parameters:
  ///   - count: The elements there are.
  ///   - newCount: The elements of the whole result.
  ///   - alignment: Where new elements lie among the old ones.
  ///   - range: The elements of the result that are wanted; `nil` for all.
  package init(
    from count: Int, to newCount: Int, alignment: Alignment = .centres, range: Range<Int>? = nil
  ) {
    let range = range ?? 0..<newCount
    first.reserveCapacity(range.count)
    second.reserveCapacity(range.count)
    weight.reserveCapacity(range.count)
    for i in range {
      switch alignment {
      case .centres:
        let scale = Float(count) / Float(newCount)
        let position = max(0, scale * (Float(i) + 0.5) - 0.5)
        let index = min(Int(position), count - 1)
        append(index, share: min(max(position - Float(index), 0), 1), of: count)
      case .mirroredCentres:
        let last = Double(count - 1)
        var position = (Double(i) + 0.5) * Double(count) / Double(newCount) - 0.5
        if position < 0 { position = min(-position, last) }
        if position > last { position = max(2 * last - position, 0) }
        append(position, of: count)
      case .corners:
        let scale = newCount > 1 ? Double(count - 1) / Double(newCount - 1) : 0
        append(Double(i) * scale, of: count)
      }
    }
  }

  private mutating func append(_ position: Double, of count: Int) {
    let index = min(Int(position), count - 1)
    append(index, share: Float(position - Double(index)), of: count)
  }

  private mutating func append(_ index: Int, share: Float, of count: Int) {
    first.append(index)
    second.append(min(index + 1, count - 1))
    weight.append(share)
  }
}
