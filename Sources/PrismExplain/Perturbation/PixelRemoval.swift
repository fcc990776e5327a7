public import PrismTensor

/// Pixels that are taken away, or brought in, step by step in a stated order.
public struct PixelRemoval: Sendable, Equatable, Codable {
  /// The pixels, the first to go first; a place in row-major order each.
  public let order: [Int32]
  /// The number of pixels a step.
  public let step: Int
  /// Whether pixels are brought in, from none to all, instead of taken away.
  public let isInsertion: Bool

  /// Makes the steps.
  ///
  /// - Parameters:
  ///   - map: `[H, W]`; its largest values go first, equal ones in the order of the pixels.
  ///   - step: The number of pixels a step; at least 1.
  ///   - isInsertion: Whether pixels are brought in.
  public init(by map: Tensor, step: Int, isInsertion: Bool) {
    order = map.descendingOrder.map { Int32($0) }
    self.step = step
    self.isInsertion = isInsertion
  }

  /// The number of images: one before the first step and one after each.
  public var count: Int {
    guard step > 0 else { return 0 }
    return order.isEmpty ? 1 : (order.count - 1) / step + 2
  }

  /// The part of the image that one step's pixels take, in the mean over the steps: in squares of
  /// which fourteen lie side by side.
  ///
  /// - Parameter width: The image's width.
  /// - Returns: A share, from above 0 to 1.
  func meanExtent(width: Int) -> Double {
    guard step >= 1, width >= 1, !order.isEmpty else { return 1 }
    let side = max(1, width / 14)
    let across = (width + side - 1) / side
    let down = ((order.count + width - 1) / width + side - 1) / side
    var lastStep = [Int](repeating: -1, count: across * down)
    var (taken, steps) = (0, 0)
    for start in stride(from: 0, to: order.count, by: step) {
      for p in order[start..<min(start + step, order.count)] {
        let square = Int(p) / width / side * across + Int(p) % width / side
        guard lastStep.indices.contains(square), lastStep[square] != steps else { continue }
        lastStep[square] = steps
        taken += 1
      }
      steps += 1
    }
    return Double(taken) / Double(steps) / Double(across * down)
  }

  /// The place of every pixel in the order.
  ///
  /// - Throws: ``ExplanationError`` where the order does not hold every pixel of the image once.
  func ranks(for image: ExplainedImage) throws(ExplanationError) -> [Int] {
    guard step >= 1 else { throw .parameter("the step", "must be at least 1") }
    var ranks = [Int](repeating: -1, count: image.area)
    for (place, p) in order.enumerated() {
      guard ranks.indices.contains(Int(p)), ranks[Int(p)] < 0 else { break }
      ranks[Int(p)] = place
    }
    guard order.count == image.area, !ranks.contains(-1) else {
      throw .parameter("the order of removal", "must hold every pixel of the image once")
    }
    return ranks
  }
}
