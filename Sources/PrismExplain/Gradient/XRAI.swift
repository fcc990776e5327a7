public import PrismRuntime
internal import PrismTensor

/// The regions of a picture in the order of what integrated gradients say of them.
///
/// Integrated gradients from a black and from a white picture are averaged, and of every pixel the
/// largest channel is taken. The picture is divided by Felzenszwalb's method at six scales, and all
/// parts are enlarged by a few pixels. Then the part whose pixels have the largest mean, those aside
/// that an earlier part has, gives them this mean; parts that add hardly a pixel are left out, and
/// so on; pixels that no part has are given their own mean. The sum of the map is that of the pixels'
/// numbers, and so no difference of logits. Scales, sigma, the smallest part (150 pixels), the least
/// that it adds (50) and the enlargement (5 pixels) are those of the package saliency for a picture
/// of 224 by 224 pixels, and in proportion for others; the package enlarges the picture instead.
/// Definition: Kapishnikov et al., "XRAI: Better Attributions Through Regions", ICCV 2019.
public struct XRAI: Explainer {
  /// The method's name on the command line.
  public let name = "xrai"
  /// The method's name as it is written in texts.
  public let title = "XRAI"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.gradients, .segments],
    cost: "two forward passes a step, two backward passes a step and target",
    paper: "Kapishnikov et al., XRAI, ICCV 2019")
  /// The scales of Felzenszwalb's method.
  static let scales: [Double] = [50, 100, 150, 250, 500, 1200]
  /// The deviation of the blur before it, in pixels.
  static let sigma = 0.8
  /// The side of the picture that numbers of pixels are meant for.
  static let side = 224.0

  /// The steps of each of both integrals, by the Gauss-Legendre rule.
  public let steps: Int

  /// Makes the method.
  public init(steps: Int = 50) {
    self.steps = steps
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("steps", steps), .text("baselines", "black, white"),
      .text("scales", Self.scales.map { "\(Int($0))" }.joined(separator: ", ")),
    ]
  }

  /// Explains predictions for one image; the division is the same for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    guard (1...100_000).contains(steps) else {
      throw ExplanationError.parameter("the number of steps", "must lie between 1 and 100000")
    }
    let gradient = try InputGradient(
      image, targets: targets, of: classifier, work: work, evaluations: 2 * steps)
    let range = image.range
    var elements = targets.map { _ in [Double](repeating: 0, count: image.input.count) }
    for end in [range.black, range.white] {
      let start = Tensor(
        image.input.shape, image.input.scalars.indices.map { end[$0 % image.channels] })
      let way = IntegratedGradients.Way(image, from: start)
      let integrals = try way.sums(Quadrature.gaussLegendre.points(steps), gradient)
      for (t, sums) in integrals.enumerated() {
        for (i, value) in way.elements(sums).enumerated() { elements[t][i] += value / 2 }
      }
    }
    let parts = try parts(of: image, work)
    let least = max(1, Int((50 * Self.share(of: image)).rounded()))
    return targets.indices.map { t in
      let pixels = (0..<image.area).map { p in
        elements[t][p * image.channels..<(p + 1) * image.channels].max() ?? 0
      }
      return Attribution(
        target: targets[t], values: image.map(Self.ranked(pixels, parts, addingAtLeast: least)),
        evaluations: 2 * steps, diagnostics: range.notes)
    }
  }

  /// An image's area relative to that which numbers of pixels are meant for.
  private static func share(of image: ExplainedImage) -> Double {
    Double(image.area) / (side * side)
  }

  /// The pixels of every part, at all scales, enlarged.
  private func parts(of image: ExplainedImage, _ work: Work) throws -> [[Int]] {
    let colors = try image.colors(for: "XRAI")
    let (low, high) = (Double(colors.minimum), Double(colors.maximum))
    let scaled = colors.scalars.map { 2 * (Double($0) - low) / max(high - low, 1e-9) - 1 }
    let share = Self.share(of: image)
    let radius = Int((5 * share.squareRoot()).rounded())
    return try Self.scales.flatMap { scale in
      let segmentation = try felzenszwalbSegments(
        scaled, height: image.height, width: image.width, scale: scale, sigma: Self.sigma,
        minimumSize: Int((150 * share).rounded()), work: work)
      return Self.enlarged(segmentation, by: radius)
    }
  }

  /// The pixels of every segment, and those at most a radius from one of them.
  static func enlarged(_ segmentation: Segmentation, by radius: Int) -> [[Int]] {
    let (height, width) = (segmentation.height, segmentation.width)
    var pixels = [[Int]](repeating: [], count: segmentation.count)
    for (p, label) in segmentation.labels.enumerated() { pixels[Int(label)].append(p) }
    var disk: [(y: Int, x: Int)] = []
    for y in -radius...radius {
      for x in -radius...radius where y * y + x * x <= radius * radius { disk.append((y, x)) }
    }
    var owner = [Int](repeating: -1, count: height * width)
    return pixels.enumerated().map { label, pixels in
      var found: [Int] = []
      for p in pixels {
        for step in disk {
          let (y, x) = (p / width + step.y, p % width + step.x)
          guard y >= 0, y < height, x >= 0, x < width, owner[y * width + x] != label else {
            continue
          }
          owner[y * width + x] = label
          found.append(y * width + x)
        }
      }
      return found.sorted()
    }
  }

  /// The means of the parts' pixels, the part with the largest mean first.
  static func ranked(
    _ pixels: [Double], _ parts: [[Int]], addingAtLeast least: Int
  ) -> [Double] {
    var result = [Double?](repeating: nil, count: pixels.count)
    func mean(_ part: [Int]) -> Double {
      part.reduce(0) { $0 + pixels[$1] } / Double(max(part.count, 1))
    }
    var left = parts.filter { $0.count >= least }.map { (pixels: $0, mean: mean($0)) }
    while !left.isEmpty {
      var best = 0
      for i in left.indices where left[i].mean > left[best].mean { best = i }
      let part = left.remove(at: best)
      for p in part.pixels { result[p] = part.mean }
      left = left.compactMap { other in
        let rest = other.pixels.filter { result[$0] == nil }
        guard rest.count >= least else { return nil }
        return rest.count == other.pixels.count ? other : (rest, mean(rest))
      }
    }
    let rest = mean(pixels.indices.filter { result[$0] == nil })
    return result.map { $0 ?? rest }
  }
}
