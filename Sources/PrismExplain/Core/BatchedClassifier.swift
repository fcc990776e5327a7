public import PrismAutodiff
public import PrismRuntime
public import PrismTensor

/// A classifier that is given no more than so many images at a time; the numbers are the same.
public struct BatchedClassifier: DifferentiableClassifier {
  private let base: any DifferentiableClassifier
  private let batch: Int

  /// Makes the classifier.
  ///
  /// - Parameters:
  ///   - base: Computes.
  ///   - batch: The largest number of images at a time; at least 1.
  public init(_ base: any DifferentiableClassifier, batch: Int) {
    self.base = base
    self.batch = max(batch, 1)
  }

  /// The shape of one image, `[1, H, W, C]`.
  public var inputShape: Shape { base.inputShape }
  /// The layer that the CAM family explains unless told otherwise.
  public var defaultLayer: String { base.defaultLayer }
  /// The number of logits.
  public var outputCount: Int { base.outputCount }

  /// The shape of a named value for one image, or `nil` where there is no such value.
  public func shape(of name: String) -> Shape? { base.shape(of: name) }

  /// The logits of a batch of images, `[N, H, W, C]` to `[N, K]`.
  ///
  /// - Throws: What the classifier throws.
  public func logits(_ images: Tensor) throws -> Tensor { try base.logits(images) }

  /// The logits of images that are composed one by one, `[count, K]`.
  ///
  /// - Throws: What the classifier throws.
  public func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    Tensor.stacking(
      try stride(from: 0, to: count, by: batch).map { first in
        try base.logits(count: min(batch, count - first)) { compose(first + $0, $1) }
      })
  }

  /// The classifier for images that differ from a known one in a part, which chooses how many it
  /// takes at a time.
  ///
  /// - Throws: What the classifier throws.
  public func near(_ image: Tensor) throws -> any Classifier { try base.near(image) }

  /// The classifier for a sequence of images of which each differs from the one before in a part.
  ///
  /// - Throws: What the classifier throws.
  public func inSequence() throws -> any Classifier { try base.inSequence() }

  /// Computes of an image what is needed to go on from a named value.
  ///
  /// - Throws: What the classifier throws.
  public func forward(_ pass: ForwardPass, to name: String?) throws -> ForwardPass {
    try base.forward(pass, to: name)
  }

  /// Walks back from logits to a named value, for several images.
  ///
  /// - Throws: What the classifier throws.
  public func backward(
    from targets: [LogitTarget], to name: String?, passes: [ForwardPass], rule: any BackwardRule
  ) throws -> [BackwardPass] {
    try base.backward(from: targets, to: name, passes: passes, rule: rule)
  }

  /// The logits of one image with a named value replaced by others, `[count, K]`.
  ///
  /// - Throws: What the classifier throws.
  public func logits(
    count: Int, at name: String, of pass: ForwardPass,
    replacing replace: (Int, inout Tensor) -> Void
  ) throws -> Tensor {
    try base.logits(count: count, at: name, of: pass, replacing: replace)
  }
}
