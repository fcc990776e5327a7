public import PrismRuntime
internal import PrismTensor

/// A map that knows nothing of image and model: it always points at the centre.
///
/// `exp(−(u² + v²) / 2)`, where u and v are the distances from the centre over a quarter of the
/// image's width and height. Photographers put what matters in the middle; a method that finds
/// regions no better than this one has found nothing.
public struct CentreMap: BlackBoxExplainer {
  /// The name in results.
  public let name = "centre"
  /// The name in texts.
  public let title = "centre of the picture"
  /// What it needs and costs.
  public let facts = MethodFacts(needs: [], cost: "nothing", paper: "a baseline, no method")
  /// None.
  public let parameters: [MethodParameter] = []

  /// Makes the map.
  public init() {}

  /// The map, which is the same for every target.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier, work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    func bell(_ place: Int, of count: Int) -> Double {
      let distance = (Double(place) + 0.5 - Double(count) / 2) / (Double(count) / 4)
      return exponential(-distance * distance / 2)
    }
    let columns = (0..<image.width).map { bell($0, of: image.width) }
    let values = (0..<image.height).flatMap { y in
      let row = bell(y, of: image.height)
      return columns.map { Float(row * $0) }
    }
    return targets.map {
      Attribution(
        target: $0, values: Tensor([image.height, image.width], values), evaluations: 0)
    }
  }
}

/// A map that knows nothing of the model: the strength of the image's edges.
///
/// `√(gx² + gy²)` with Sobel's 3×3 filters of the channels' mean; beyond the border the image is
/// reflected about its outermost pixel. Maps that only draw edges look convincing and explain
/// nothing (Adebayo et al., NeurIPS 2018).
public struct EdgeMap: BlackBoxExplainer {
  /// The name in results.
  public let name = "edges"
  /// The name in texts.
  public let title = "edge filter"
  /// What it needs and costs.
  public let facts = MethodFacts(needs: [], cost: "nothing", paper: "a baseline, no method")
  /// None.
  public let parameters: [MethodParameter] = []

  /// Makes the map.
  public init() {}

  /// The map, which is the same for every target.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier, work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    let (height, width, channels) = (image.height, image.width, image.channels)
    let grey = image.input.withUnsafeBufferPointer { input in
      (0..<height * width).map { p in
        (0..<channels).reduce(0.0) { $0 + Double(input[p * channels + $1]) } / Double(channels)
      }
    }
    func at(_ y: Int, _ x: Int) -> Double {
      func inside(_ place: Int, _ count: Int) -> Int {
        guard count > 1 else { return 0 }
        return place < 0 ? -place : place < count ? place : 2 * (count - 1) - place
      }
      return grey[inside(y, height) * width + inside(x, width)]
    }
    var values: [Float] = []
    values.reserveCapacity(height * width)
    for y in 0..<height {
      for x in 0..<width {
        let across =
          at(y - 1, x + 1) + 2 * at(y, x + 1) + at(y + 1, x + 1)
          - at(y - 1, x - 1) - 2 * at(y, x - 1) - at(y + 1, x - 1)
        let down =
          at(y + 1, x - 1) + 2 * at(y + 1, x) + at(y + 1, x + 1)
          - at(y - 1, x - 1) - 2 * at(y - 1, x) - at(y - 1, x + 1)
        values.append(Float((across * across + down * down).squareRoot()))
      }
    }
    return targets.map {
      Attribution(target: $0, values: Tensor([height, width], values), evaluations: 0)
    }
  }
}
