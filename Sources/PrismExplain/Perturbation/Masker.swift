public import PrismTensor

/// What stands for the absence of a part of the image.
public enum Masker: Sendable, Equatable {
  /// One number a channel in the network's input, or one for all; 0 is the mean colour of most
  /// preparations.
  case constant([Float])
  /// A black pixel.
  case black
  /// Every channel's mean over the image.
  case mean
  /// The mean of the pixel's segment, channel by channel.
  case segmentMean
  /// The image, blurred by a box of so many rows and columns: `cv2.blur` with its border
  /// `BORDER_REFLECT_101`.
  case blur(rows: Int, columns: Int)
  /// Normally distributed numbers with every channel's mean and deviation over the image.
  case noise(seed: UInt64)
  /// Another image, `[1, H, W, C]` as the network takes it.
  case image(Tensor)
  /// What diffuses into the hole from around it: so many sweeps of the heat equation over what is
  /// masked, which starts at the mean of what is kept and comes to rest at the harmonic function of
  /// the hole's border.
  case inpainting(sweeps: Int)
  /// Telea's fast marching from the hole's border inwards, on levels of 8 bits: OpenCV's
  /// `INPAINT_TELEA`, as the masker `inpaint_telea` of the package shap has it with the radius 3.
  case inpaintTelea(radius: Int = 3)
  /// Isophotes that are continued into the hole, on levels of 8 bits: OpenCV's `INPAINT_NS`, as the
  /// masker `inpaint_ns` of the package shap has it with the radius 3.
  case inpaintNavierStokes(radius: Int = 3)

  /// The masker's name and numbers, for the record.
  public var description: String {
    switch self {
    case .constant(let values): "constant:" + values.map { "\($0)" }.joined(separator: "/")
    case .black: "black"
    case .mean: "mean"
    case .segmentMean: "segment-mean"
    case .blur(let rows, let columns): "blur:\(rows)x\(columns)"
    case .noise(let seed): "noise:\(seed)"
    case .image: "image"
    case .inpainting(let sweeps): "inpainting:\(sweeps)"
    case .inpaintTelea(let radius): "inpaint-telea:\(radius)"
    case .inpaintNavierStokes(let radius): "inpaint-ns:\(radius)"
    }
  }

  /// The image that a masked pixel is taken from, `[1, H, W, C]`; for inpainting the channels'
  /// means.
  ///
  /// - Parameters:
  ///   - image: The image to be masked.
  ///   - segmentation: The segments, which ``segmentMean`` needs.
  /// - Returns: An image as the network takes it.
  /// - Throws: ``ExplanationError``.
  public func replacement(
    for image: ExplainedImage, segmentation: Segmentation? = nil
  ) throws(ExplanationError) -> Tensor {
    let input = image.input
    switch self {
    case .constant(let values):
      guard values.count == 1 || values.count == image.channels, values.allSatisfy(\.isFinite)
      else {
        throw .parameter(
          "the masker", "needs one finite number or one for each of \(image.channels) channels")
      }
      return Self.filled(image, values)
    case .black:
      guard let black = image.black, black.count == image.channels else {
        throw .unsuitable(
          "nobody said what a black pixel is in this network's input; give a constant")
      }
      return Self.filled(image, black)
    case .mean, .inpainting, .inpaintTelea, .inpaintNavierStokes:
      if case .inpainting(let sweeps) = self, sweeps < 0 || sweeps > 10_000 {
        throw .parameter("the sweeps of inpainting", "must lie between 0 and 10000")
      }
      if let radius = inpaintingRadius, !(1...100).contains(radius) {
        throw .parameter("the radius of inpainting", "must lie between 1 and 100")
      }
      return Self.filled(image, input.channelMeans().scalars)
    case .segmentMean:
      guard let segmentation else {
        throw .unsuitable("the mean of a segment needs segments; choose another masker")
      }
      return try Self.segmentMeans(image, segmentation)
    case .blur(let rows, let columns):
      guard rows > 0, columns > 0, rows < 2 * image.height, columns < 2 * image.width else {
        throw .parameter(
          "the box of the blur", "must be at least 1 and less than twice the image's size")
      }
      return input.boxBlurred(rows: rows, columns: columns)
    case .noise(let seed):
      let means = input.channelMeans().scalars
      let squares = input.channelSums { x, i in
        let d = Double(x[i]) - Double(means[i % means.count])
        return d * d
      }
      var random = SeededRandom(seed: seed)
      let deviations = squares.map { Float(($0 / Double(image.area)).squareRoot()) }
      return Tensor(input.shape) { target in
        for i in target.indices {
          target[i] = means[i % means.count] + deviations[i % means.count] * random.normal()
        }
      }
    case .image(let other):
      guard other.shape == input.shape else {
        throw .imageSize(given: other.shape, expected: input.shape)
      }
      guard other.isFinite else { throw .notFinite(layer: "the masker's image") }
      return other
    }
  }

  private var inpaintingRadius: Int? {
    switch self {
    case .inpaintTelea(let radius), .inpaintNavierStokes(let radius): radius
    default: nil
    }
  }

  private static func filled(_ image: ExplainedImage, _ values: [Float]) -> Tensor {
    Tensor(image.input.shape) { target in
      for i in target.indices { target[i] = values[i % values.count] }
    }
  }

  private static func segmentMeans(
    _ image: ExplainedImage, _ segmentation: Segmentation
  ) throws(ExplanationError) -> Tensor {
    try segmentation.check(for: image)
    let channels = image.channels
    var sums = [Double](repeating: 0, count: segmentation.count * channels)
    let labels = segmentation.labels
    image.input.withUnsafePointer { x in
      for p in labels.indices {
        for c in 0..<channels { sums[Int(labels[p]) * channels + c] += Double(x[p * channels + c]) }
      }
    }
    let sizes = segmentation.sizes
    let means = sums.indices.map { Float(sums[$0] / Double(sizes[$0 / channels])) }
    return Tensor(uninitialized: image.input.shape) { target in
      for p in labels.indices {
        for c in 0..<channels { target[p * channels + c] = means[Int(labels[p]) * channels + c] }
      }
    }
  }
}
