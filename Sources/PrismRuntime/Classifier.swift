public import PrismAutodiff
public import PrismTensor

/// Anything that gives numbers to the labels of an image: what black-box explainers need to know of
/// a model.
public protocol Classifier: Sendable {
  /// The shape of one image, `[1, H, W, C]`.
  var inputShape: Shape { get }

  /// The logits of a batch of images.
  ///
  /// - Parameter images: `[N, H, W, C]`, as the model takes them.
  /// - Returns: `[N, K]`, one row an image.
  /// - Throws: What the model throws, such as for images of another shape.
  func logits(_ images: Tensor) throws -> Tensor

  /// The logits of many images that are composed one by one, straight into the model's buffers.
  ///
  /// Whatever the count, only as many images exist at a time as are computed at once.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - compose: Writes the image with an index, `[H, W, C]`, all of it. May be called from any
  ///     thread, for several images at a time, in any order, and more than once for one index.
  /// - Returns: `[count, K]`, one row an image.
  /// - Throws: What the model throws.
  func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor

  /// The classifier for many images that differ from a known one in a part, such as under a window.
  ///
  /// - Parameter image: The known image, `[1, H, W, C]`.
  /// - Returns: A classifier that gives the same bits; itself where it knows no faster way. It may be
  ///   a `DescentClassifier`.
  /// - Throws: What the model throws for the image.
  func near(_ image: Tensor) throws -> any Classifier

  /// The classifier for a sequence of images of which each differs from the one before in a part.
  ///
  /// - Returns: A classifier that gives the same bits; itself where it knows no faster way.
  /// - Throws: What the model throws.
  func inSequence() throws -> any Classifier
}

/// How an image differs from an earlier one.
public struct Kinship: Sendable {
  /// The number of the image that it differs from; 0 for the known one.
  public let parent: Int
  /// The rows and columns in which it differs, or more.
  public let rectangle: Rectangle

  /// Makes a kinship.
  ///
  /// - Parameters:
  ///   - parent: The number of the image that it differs from; 0 for the known one.
  ///   - rectangle: The rows and columns in which it differs, or more; not empty.
  public init(parent: Int, rectangle: Rectangle) {
    self.parent = parent
    self.rectangle = rectangle
  }
}

/// A classifier for images that descend from a known one.
///
/// Each differs from an earlier one in a rectangle. Images are numbered from the known one, which
/// is number 0.
public protocol DescentClassifier: Classifier {
  /// The logits of some of the images.
  ///
  /// - Parameters:
  ///   - images: Their numbers.
  ///   - kinship: How an image differs from an earlier one; `nil` where it is not known. Asked for
  ///     these images and those that they descend from.
  ///   - compose: Writes the image with a number, `[H, W, C]`, all of it. May be called from any
  ///     thread, and for earlier images too.
  /// - Returns: `[images.count, K]`, one row an image, with the bits of whole passes.
  /// - Throws: What the model throws.
  func logits(
    of images: Range<Int>, kinship: (Int) -> Kinship?,
    composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor
}

extension Classifier {
  /// The classifier itself, which computes every image whole.
  ///
  /// - Parameter image: The known image.
  /// - Returns: The classifier.
  /// - Throws: Nothing.
  public func near(_ image: Tensor) throws -> any Classifier { self }

  /// The classifier itself, which computes every image whole.
  ///
  /// - Returns: The classifier.
  /// - Throws: Nothing.
  public func inSequence() throws -> any Classifier { self }

  /// Composes the images in batches of sixteen for a model that has no buffers of its own to offer.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - compose: Writes the image with an index.
  /// - Returns: `[count, K]`, one row an image.
  /// - Throws: What the model throws.
  public func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    let batch = 16
    let size = inputShape.count
    let rows = try stride(from: 0, to: count, by: batch).map { first in
      let length = min(batch, count - first)
      return try logits(
        Tensor(uninitialized: inputShape.replacing(axis: 0, with: length)) { target in
          for i in 0..<length { compose(first + i, target + i * size) }
        })
    }
    return Tensor.stacking(rows)
  }
}

/// A classifier whose values can be read and differentiated by name.
public protocol DifferentiableClassifier: Classifier {
  /// The layer that the CAM family explains unless told otherwise.
  var defaultLayer: String { get }

  /// The number of logits.
  var outputCount: Int { get }

  /// The shape of a named value for one image, or `nil` where there is no such value.
  func shape(of name: String) -> Shape?

  /// Computes of an image what is needed to go on from a named value.
  ///
  /// - Parameters:
  ///   - pass: The image, and what is known of it.
  ///   - name: The name of a value; `nil` for the default layer, with which come the logits.
  /// - Returns: The pass itself where it has all of that, else one that has it too.
  /// - Throws: ``UnknownValueError`` where no value has the name; what the model throws.
  func forward(_ pass: ForwardPass, to name: String?) throws -> ForwardPass

  /// Walks back from logits to a named value, for several images.
  ///
  /// - Parameters:
  ///   - targets: The logits, or sums of logits.
  ///   - name: The name of the value to stop at: a layer, or the input; `nil` for the input.
  ///   - passes: The images, and what is known of them.
  ///   - rule: What happens at every operation.
  /// - Returns: For every image the value, and for every target what the rule found at it.
  /// - Throws: ``UnknownValueError`` where no value has the name, ``UnknownOutputError`` where no
  ///   logit has the index; what the model throws.
  func backward(
    from targets: [LogitTarget], to name: String?, passes: [ForwardPass], rule: any BackwardRule
  ) throws -> [BackwardPass]

  /// The logits of one image with a named value replaced by others.
  ///
  /// What comes before the value is computed once, and not at all where the pass has it.
  ///
  /// - Parameters:
  ///   - count: The number of replacements.
  ///   - name: The name of the value: a layer, or the input.
  ///   - pass: The image, and what is known of it.
  ///   - replace: Receives the index of a replacement and the value itself, to change it.
  /// - Returns: `[count, K]`, one row a replacement.
  /// - Throws: ``UnknownValueError`` where no value has the name; what the model throws.
  func logits(
    count: Int, at name: String, of pass: ForwardPass,
    replacing replace: (Int, inout Tensor) -> Void
  ) throws -> Tensor
}

extension DifferentiableClassifier {
  /// Walks back from logits to a named value, for several images.
  ///
  /// - Parameters:
  ///   - targets: The indices of the logits.
  ///   - name: The name of the value to stop at: a layer, or the input; `nil` for the input.
  ///   - passes: The images, and what is known of them.
  ///   - rule: What happens at every operation.
  /// - Returns: For every image the value, and for every target what the rule found at it.
  /// - Throws: ``UnknownValueError`` where no value has the name, ``UnknownOutputError`` where no
  ///   logit has the index; what the model throws.
  public func backward(
    from targets: [Int], to name: String?, passes: [ForwardPass], rule: any BackwardRule
  ) throws -> [BackwardPass] {
    try backward(from: targets.map { LogitTarget($0) }, to: name, passes: passes, rule: rule)
  }

  /// A named value and the gradients of logits at it, for one image.
  ///
  /// - Parameters:
  ///   - targets: The indices of the logits.
  ///   - name: The name of the value to differentiate by: a layer, or the input; `nil` for the
  ///     input.
  ///   - image: `[1, H, W, C]`.
  ///   - rule: What happens at every operation.
  /// - Returns: The value and, for every target, the gradient of its logit, in the value's shape.
  /// - Throws: ``UnknownValueError`` where no value has the name, ``UnknownOutputError`` where no
  ///   logit has the index.
  public func gradients(
    of targets: [Int], at name: String? = nil, image: Tensor, rule: any BackwardRule = ExactRule()
  ) throws -> (value: Tensor, gradients: [Tensor]) {
    let found = try backward(from: targets, to: name, passes: [ForwardPass(image)], rule: rule)
    guard let found = found.first else { throw UnknownValueError(name: name ?? "input") }
    return (found.value, found.cotangents)
  }
}

/// An index that no logit of a model has.
public struct UnknownOutputError: Error, Equatable, CustomStringConvertible {
  /// The index.
  public let index: Int
  /// The number of logits.
  public let count: Int

  /// Makes the error for an index.
  public init(index: Int, count: Int) {
    self.index = index
    self.count = count
  }

  /// One line that says what is wrong.
  public var description: String {
    "there is no output \(index): the model has \(count), counted from 0"
  }
}

/// A name that no value of a model has.
public struct UnknownValueError: Error, Equatable, CustomStringConvertible {
  /// The name.
  public let name: String

  /// Makes the error for a name.
  public init(name: String) {
    self.name = name
  }

  /// One line that says what is wrong.
  public var description: String { "the model has no value called \(name)" }
}

extension Classifier {
  /// The logits of a batch that is there already, by those of images that are composed one by one.
  ///
  /// - Parameters:
  ///   - images: `[N, H, W, C]`.
  ///   - whole: Says what is wrong with images of another shape.
  /// - Returns: `[N, K]`.
  /// - Throws: `EvaluationError` where the images have another shape; what the model throws.
  func composed(_ images: Tensor, whole: Plan) throws -> Tensor {
    let count = images.shape.rank > 0 ? images.shape[0] : 0
    guard images.shape == inputShape.replacing(axis: 0, with: max(count, 1)) else {
      return try whole(images)[0]
    }
    let size = inputShape.count
    return try logits(count: count) { index, target in
      images.withUnsafePointer { target.update(from: $0 + index * size, count: size) }
    }
  }
}
