public import PrismTensor

extension ExplainedImage {
  /// The image with a region filled in from its rim, so that neither what was there nor where it was
  /// can be seen: ROAD's imputation.
  ///
  /// - Parameters:
  ///   - region: Not zero where it is filled, `[H, W]` of the image's size.
  ///   - noise: The standard deviation of what is added, in the network's input.
  ///   - seed: Selects the noise.
  /// - Returns: Another image; nothing is known of it yet.
  /// - Throws: ``ExplanationError`` where the sizes differ, or nothing is left to fill it from.
  public func filled(
    where region: Tensor, noise: Double = 0.01, seed: UInt64 = 0
  ) throws(ExplanationError) -> ExplainedImage {
    let holes = try holes(of: region)
    var random = SeededRandom(seed: seed)
    let filled = NoisyLinearImputation(input)(filling: holes, noise: noise, using: &random)
    return ExplainedImage(filled, pixels: pixels, black: black, white: white)
  }

  /// The image with a region in one colour, the mean of everything outside it: of what is in the
  /// region, or at its rim, nothing remains.
  ///
  /// - Parameter region: `[height, width]`, not zero where it is filled in.
  /// - Returns: The changed image.
  /// - Throws: ``ExplanationError/maskSize(given:expected:)``; ``ExplanationError/unsuitable(_:)``
  ///   where the region is everything.
  public func levelled(where region: Tensor) throws(ExplanationError) -> ExplainedImage {
    let holes = try holes(of: region)
    let channels = channels
    let isHole = region.scalars.map { $0 != 0 }
    var values = input.scalars
    var sums = [Double](repeating: 0, count: channels)
    for p in isHole.indices where !isHole[p] {
      for c in 0..<channels { sums[c] += Double(values[p * channels + c]) }
    }
    let means = sums.map { Float($0 / Double(area - holes.count)) }
    for p in holes {
      for c in 0..<channels { values[p * channels + c] = means[c] }
    }
    return ExplainedImage(Tensor(input.shape, values), pixels: pixels, black: black, white: white)
  }

  /// The places of a region, in row-major order.
  private func holes(of region: Tensor) throws(ExplanationError) -> [Int] {
    guard region.shape == [height, width] else {
      throw .maskSize(given: region.shape, expected: [height, width])
    }
    let values = region.scalars
    let holes = values.indices.filter { values[$0] != 0 }
    guard holes.count < area else {
      throw .unsuitable("the region that is to be filled in is the whole image")
    }
    return holes
  }
}
