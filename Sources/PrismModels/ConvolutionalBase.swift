internal import PrismAutodiff

/// What comes before a network's head: from the picture to a map of features.
protocol ConvolutionalBase: Sendable {
  /// Records the base.
  ///
  /// - Parameter x: `[N, H, W, C]`.
  /// - Returns: `[N, H′, W′, C]`.
  func callAsFunction(_ x: Value) -> Value
}
