public import PrismRuntime
public import PrismTensor

/// The image to explain, as the network takes it, with what some methods want to know of the
/// picture behind it.
public struct ExplainedImage: Sendable {
  /// What has been computed of the image so far; methods that need it do not compute it again.
  public private(set) var pass: ForwardPass
  /// The network's input, `[1, H, W, C]`: resized and scaled.
  public var input: Tensor { pass.image }
  /// The picture's colours at the network's size, `[H, W, 3]` from 0 to 255, for segmentations that
  /// look at colours; made when asked for.
  public var pixels: Tensor? { makePixels() }
  /// What a black pixel is in the network's input, one number a channel.
  public let black: [Float]?
  /// What a white pixel is in the network's input, one number a channel.
  public let white: [Float]?
  private let makePixels: @Sendable () -> Tensor?

  /// Makes the image of a network's input.
  ///
  /// - Parameters:
  ///   - input: `[1, H, W, C]`.
  ///   - pixels: `[H, W, 3]` from 0 to 255, where known.
  ///   - black: What a black pixel is in the network's input, where known.
  ///   - white: What a white pixel is in the network's input, where known.
  public init(
    _ input: Tensor, pixels: @autoclosure @escaping @Sendable () -> Tensor? = nil,
    black: [Float]? = nil, white: [Float]? = nil
  ) {
    pass = ForwardPass(input)
    makePixels = pixels
    self.black = black
    self.white = white
  }

  /// The logits of a classifier for the image; what methods need of its default layer is kept with
  /// the image.
  ///
  /// - Parameter classifier: The model that will be explained.
  /// - Returns: `[1, K]`.
  /// - Throws: What the model throws.
  public mutating func logits(by classifier: any DifferentiableClassifier) throws -> Tensor {
    pass = try classifier.forward(pass, to: nil)
    return try pass.logits ?? classifier.logits(input)
  }

  /// What black and white are in the network's input, one number a channel each: the least and the
  /// largest of this input where they are not known, which is noted.
  var range: (black: [Float], white: [Float], notes: [String]) {
    if let black, let white, black.count == channels, white.count == channels {
      return (black, white, [])
    }
    var low = [Float](repeating: .infinity, count: channels)
    var high = low.map { -$0 }
    for (i, value) in input.scalars.enumerated() {
      low[i % channels] = min(low[i % channels], value)
      high[i % channels] = max(high[i % channels], value)
    }
    return (
      low, high, ["black and white are not known: the ends of this input's own range are taken"]
    )
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
