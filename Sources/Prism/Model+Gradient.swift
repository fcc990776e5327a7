internal import PrismRuntime

extension Model {
  /// A value of the network, and which way a label's logit goes as it changes.
  public struct Gradient: Sendable, Equatable {
    /// The value, such as `[1, H, W, C]`.
    public let value: Tensor
    /// The derivative of the logit by every element of the value, in its shape.
    public let gradient: Tensor
  }

  /// The gradient of a label's logit at a named value.
  ///
  /// - Parameters:
  ///   - label: The label's name.
  ///   - layer: The name of the value: a layer of ``layers``, one of its aliases, or `input`.
  ///   - image: The picture.
  /// - Returns: The value and the gradient.
  /// - Throws: ``ModelError/unknownLabel(_:nearest:)``, ``ModelError/unknownLayer(_:nearest:)``.
  public func gradient(of label: String, at layer: String, for image: Image) throws -> Gradient {
    try gradient(of: label, at: layer, for: input(for: image))
  }

  /// The gradient of a label's logit at a named value.
  ///
  /// - Parameters:
  ///   - label: The label's name.
  ///   - layer: The name of the value: a layer of ``layers``, one of its aliases, or `input`.
  ///   - input: `[1, H, W, 3]`, as ``input(for:)`` makes it.
  /// - Returns: The value and the gradient.
  /// - Throws: ``ModelError/unknownLabel(_:nearest:)``, ``ModelError/unknownLayer(_:nearest:)``; `EvaluationError` where
  ///   the input has another size.
  public func gradient(of label: String, at layer: String, for input: Tensor) throws -> Gradient {
    guard let index = labels.firstIndex(of: label) else {
      throw ModelError.unknownLabel(label, nearest: Text.nearest(to: label, among: labels))
    }
    let found = try namingLayers {
      try classifier.gradients(of: [index], at: layer, image: input)
    }
    return Gradient(value: found.value, gradient: found.gradients[0])
  }
}
