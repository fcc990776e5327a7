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
    guard region.shape == [height, width] else {
      throw .maskSize(given: region.shape, expected: [height, width])
    }
    let values = region.scalars
    let holes = values.indices.filter { values[$0] != 0 }
    guard holes.count < area else {
      throw .unsuitable("the region that is to be filled in is the whole image")
    }
    var random = SeededRandom(seed: seed)
    let filled = NoisyLinearImputation(input)(filling: holes, noise: noise, using: &random)
    return ExplainedImage(filled, pixels: pixels, black: black, white: white)
  }
}
