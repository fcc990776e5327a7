public import PrismTensor

/// A classifier made of a closure: any model, in any language, that gives a number to every label.
public struct ClosureClassifier: Classifier {
  /// The shape of one image, `[1, H, W, C]`.
  public let inputShape: Shape
  /// The names of the outputs, in their order.
  public let labels: [String]
  private let body: @Sendable (Tensor) throws -> Tensor

  /// Makes a classifier.
  ///
  /// - Parameters:
  ///   - inputShape: The shape of one image, `[1, H, W, C]`.
  ///   - labels: The names of the outputs, in their order.
  ///   - body: Receives images `[N, H, W, C]` and gives `[N, K]`, one row an image and one number a label. May be called
  ///     from any thread.
  public init(
    inputShape: Shape, labels: [String], _ body: @escaping @Sendable (Tensor) throws -> Tensor
  ) {
    self.inputShape = inputShape
    self.labels = labels
    self.body = body
  }

  /// The logits of a batch of images, `[N, H, W, C]` to `[N, K]`.
  ///
  /// - Throws: What the closure throws; ``ClassifierError`` where it gave another shape.
  public func logits(_ images: Tensor) throws -> Tensor {
    let logits = try body(images)
    let expected: Shape = [images.shape[0], labels.count]
    guard logits.shape == expected else {
      throw ClassifierError(given: logits.shape, expected: expected)
    }
    return logits
  }
}

/// Logits that do not have one row an image and one number a label.
public struct ClassifierError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The shape of the logits.
  public let given: Shape
  /// The shape that they should have.
  public let expected: Shape

  /// Makes the error for logits of a shape.
  public init(given: Shape, expected: Shape) {
    self.given = given
    self.expected = expected
  }

  /// One line that says what is wrong and what to do.
  public var description: String {
    "the classifier gave logits of the shape \(given) instead of \(expected); "
      + "give one row an image and one number a label"
  }
}
