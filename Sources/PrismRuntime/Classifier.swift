public import PrismTensor

/// Anything that gives numbers to the labels of an image: what black-box explainers need to know of a model.
public protocol Classifier: Sendable {
  /// The logits of a batch of images.
  ///
  /// - Parameter images: `[N, H, W, C]`, as the model takes them.
  /// - Returns: `[N, K]`, one row an image.
  func logits(_ images: Tensor) throws -> Tensor
}

/// A classifier whose values can be read and differentiated by name.
public protocol DifferentiableClassifier: Classifier {
  /// The layer that the CAM family explains unless told otherwise.
  var defaultLayer: String { get }

  /// The shape of a named value for one image, or `nil` where there is no such value.
  func shape(of name: String) -> Shape?

  /// A named value and the gradients of logits at it, for one image.
  ///
  /// - Parameters:
  ///   - targets: The indices of the logits.
  ///   - name: The name of the value to differentiate by: a layer, or the input.
  ///   - image: `[1, H, W, C]`.
  /// - Returns: The value and, for every target, the gradient of its logit, in the value's shape.
  func gradients(
    of targets: [Int], at name: String, image: Tensor
  ) throws -> (value: Tensor, gradients: [Tensor])
}
