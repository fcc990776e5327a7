public import PrismTensor

extension Tensor {
  /// How unevenly a map spreads its magnitudes: the Gini index, 0 where all are equal, `1 − 1 / n`
  /// for a single pixel.
  ///
  /// With the magnitudes in ascending order `Σ (2 i − n − 1) |v_i| / (n Σ |v_i|)`, i from 1.
  /// Definition: Chalasani et al., "Concise Explanations of Neural Networks using Adversarial
  /// Training", ICML 2020.
  ///
  /// - Returns: `nil` for a map that is zero or not finite.
  public var giniSparseness: Double? {
    let magnitudes = scalars.map { Double(abs($0)) }.sorted()
    let (n, sum) = (Double(magnitudes.count), magnitudes.reduce(0, +))
    guard isFinite, sum > 0 else { return nil }
    return magnitudes.enumerated().reduce(0) {
      $0 + (2 * Double($1.offset + 1) - n - 1) * $1.element
    } / (n * sum)
  }
}
