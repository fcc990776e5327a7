public import PrismRuntime
public import PrismTensor

/// A method that says which parts of an image a prediction rests on.
///
/// Explainers are small values; their properties are the method's published parameters.
public protocol Explainer: Sendable {
  /// The method's name on the command line, such as `gradcam`.
  var name: String { get }
  /// The method's name as it is written in texts, such as `Grad-CAM`.
  var title: String { get }
  /// What the method needs, costs and where it is defined.
  var facts: MethodFacts { get }
  /// The values of the method's parameters, in the order in which they are listed.
  var parameters: [MethodParameter] { get }

  /// Explains predictions for one image.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain.
  ///   - classifier: The model.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, and what the model throws.
  func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier
  ) throws -> [Attribution]
}

/// A method that knows nothing of a model but its outputs: any function of an image can be explained by it.
public protocol BlackBoxExplainer: Explainer {
  /// Explains predictions for one image.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain; all come from one pass.
  ///   - classifier: The model.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, and what the model throws.
  func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier
  ) throws -> [Attribution]
}

extension BlackBoxExplainer {
  /// Explains predictions for one image, without a look at the model's gradients.
  ///
  /// - Parameters:
  ///   - image: The image, as the model takes it.
  ///   - targets: The indices of the logits to explain.
  ///   - classifier: The model.
  /// - Returns: One attribution a target, in the order of the targets.
  /// - Throws: ``ExplanationError``, and what the model throws.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier
  ) throws -> [Attribution] {
    try explain(image, targets: targets, of: classifier as any Classifier)
  }
}

/// The image to explain, as the network takes it, with what some methods want to know of the picture behind it.
public struct ExplainedImage: Sendable {
  /// The network's input, `[1, H, W, C]`: resized and scaled.
  public let input: Tensor
  /// The picture's colours at the network's size, `[H, W, 3]` from 0 to 255, for segmentations that look at colours;
  /// made when asked for.
  public var pixels: Tensor? { makePixels() }
  /// What a black pixel is in the network's input, one number a channel.
  public let black: [Float]?
  private let makePixels: @Sendable () -> Tensor?

  /// Makes the image of a network's input.
  ///
  /// - Parameters:
  ///   - input: `[1, H, W, C]`.
  ///   - pixels: `[H, W, 3]` from 0 to 255, where known.
  ///   - black: What a black pixel is in the network's input, where known.
  public init(
    _ input: Tensor, pixels: @autoclosure @escaping @Sendable () -> Tensor? = nil,
    black: [Float]? = nil
  ) {
    self.input = input
    makePixels = pixels
    self.black = black
  }

  /// The rows.
  var height: Int { input.shape[1] }
  /// The columns.
  var width: Int { input.shape[2] }
  /// The numbers a pixel.
  var channels: Int { input.shape[3] }
  /// The pixels.
  var area: Int { height * width }

  /// Throws unless the input is one image of the size that a classifier takes, and finite.
  func check(for classifier: any Classifier) throws(ExplanationError) {
    guard input.shape.rank == 4, input.shape == classifier.inputShape else {
      throw .imageSize(given: input.shape, expected: classifier.inputShape)
    }
    guard input.isFinite else { throw .notFinite(layer: "the input") }
  }

  /// Throws, besides, unless a classifier has all targets.
  func check(
    for classifier: any DifferentiableClassifier, targets: [Int]
  ) throws(ExplanationError) {
    try check(for: classifier)
    let count = classifier.outputCount
    if let target = targets.first(where: { !(0..<count).contains($0) }) {
      throw .unknownTarget(target, count: count)
    }
  }
}

/// What a method needs, what it costs and where it is defined.
public struct MethodFacts: Sendable, Equatable {
  /// Something without which a method cannot run.
  public enum Need: String, Sendable, CaseIterable {
    /// A model that can be differentiated.
    case gradients
    /// A layer with rows and columns.
    case layer
    /// What stands for the absence of a feature.
    case baseline
    /// A division of the image into segments.
    case segments
  }

  /// What the method cannot do without.
  public let needs: [Need]
  /// The evaluations of the model that an explanation takes, in words.
  public let cost: String
  /// Where the method is defined.
  public let paper: String

  /// Makes the facts of a method.
  public init(needs: [Need], cost: String, paper: String) {
    self.needs = needs
    self.cost = cost
    self.paper = paper
  }
}

/// One parameter of a method with its value, for the record of how an explanation was made.
public struct MethodParameter: Sendable, Equatable {
  /// A parameter's value.
  public enum Value: Sendable, Equatable {
    /// A whole number.
    case integer(Int)
    /// A number.
    case number(Double)
    /// A word.
    case text(String)
    /// Yes or no.
    case flag(Bool)
  }

  /// The parameter's name.
  public let name: String
  /// The parameter's value.
  public let value: Value

  /// Makes a parameter.
  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  static func integer(_ name: String, _ value: Int) -> Self { .init(name, .integer(value)) }
  static func number(_ name: String, _ value: Double) -> Self { .init(name, .number(value)) }
  static func text(_ name: String, _ value: String) -> Self { .init(name, .text(value)) }
  static func flag(_ name: String, _ value: Bool) -> Self { .init(name, .flag(value)) }
  static func seed(_ value: UInt64) -> Self { .init("seed", .text(String(value))) }
}
