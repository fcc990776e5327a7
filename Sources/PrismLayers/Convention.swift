public import PrismAutodiff

/// What differs between the frameworks in which the same architecture is trained.
public struct Convention: Hashable, Sendable {
  /// Added to the variance in batch normalisation.
  public let epsilon: Float
  /// Whether strided layers pad as TensorFlow's `same` does, more at the end, instead of
  /// symmetrically.
  public let padsLikeTensorFlow: Bool

  /// Makes a convention.
  public init(epsilon: Float, padsLikeTensorFlow: Bool) {
    self.epsilon = epsilon
    self.padsLikeTensorFlow = padsLikeTensorFlow
  }

  /// The padding that keeps an image's size at stride 1.
  public func padding(kernel: Int) -> Padding {
    padsLikeTensorFlow ? .same : .symmetric((kernel - 1) / 2)
  }
}
