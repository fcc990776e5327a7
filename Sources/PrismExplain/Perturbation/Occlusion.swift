public import PrismRuntime
internal import PrismTensor

/// How much the output falls when a window of the image is masked.
///
/// Windows stand at every `stride` from the top left; there are ⌈(D − window) / stride⌉ + 1 along
/// an axis of D pixels, and the last ones are cut at the border. A pixel's number is the mean of
/// `f(x) − f(masked)` over the windows that cover it, as in captum. Definition: Zeiler and Fergus,
/// "Visualizing and Understanding Convolutional Networks", ECCV 2014.
public struct Occlusion: BlackBoxExplainer {
  /// The method's name on the command line.
  public let name = "occlusion"
  /// The method's name as it is written in texts.
  public let title = "Occlusion"
  /// What the method needs, costs and where it is defined.
  public let facts = MethodFacts(
    needs: [.baseline], unit: .explained, cost: "one forward pass a window, and one",
    paper: "Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014")
  /// The rows and columns of the window.
  public let window: Int
  /// The distance between windows; no more than the window.
  public let stride: Int
  /// What masks.
  public let masker: Masker
  /// The number that is explained.
  public let output: ExplainedOutput

  /// Makes the method.
  public init(
    window: Int = 32, stride: Int = 16, masker: Masker = .constant([0]),
    output: ExplainedOutput = .logit
  ) {
    self.window = window
    self.stride = stride
    self.masker = masker
    self.output = output
  }

  /// The values of the parameters.
  public var parameters: [MethodParameter] {
    [
      .integer("window", window), .integer("stride", stride), .text("mask", masker.description),
      .text("output", output.rawValue),
    ]
  }

  /// Explains predictions for one image; the windows are computed once for all targets.
  ///
  /// - Throws: ``ExplanationError``.
  public func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any Classifier,
    work: Work
  ) throws -> [Attribution] {
    try image.check(for: classifier)
    guard window >= 1, stride >= 1, stride <= window else {
      throw ExplanationError.parameter(
        "the stride", "must be at least 1 and no more than the window, or pixels are left out")
    }
    func starts(_ size: Int) -> [Range<Int>] {
      let last = max(size - window, 0)
      return (0...(last + stride - 1) / stride).map {
        $0 * stride..<min($0 * stride + window, size)
      }
    }
    let columns = starts(image.width)
    let windows = starts(image.height).flatMap { rows in
      columns.map { PixelBox(rows: rows, columns: $0) }
    }
    let count = windows.count
    work.plan(count + 1)
    // The last image is the whole one.
    let images = try PerturbedImages(
      .windows(hidden: windows + [.empty]), of: image, masker: masker)
    let scores = try Evaluator(
      classifier.near(image.input), targets: targets, output: output, work: work)(images)
    return targets.enumerated().map { t, target in
      let whole = scores[count * targets.count + t]
      var sums = [Double](repeating: 0, count: image.area)
      var covers = [Double](repeating: 0, count: image.area)
      for index in 0..<count {
        let fall = whole - scores[index * targets.count + t]
        for y in windows[index].rows {
          for x in windows[index].columns {
            sums[y * image.width + x] += fall
            covers[y * image.width + x] += 1
          }
        }
      }
      return Attribution(
        target: target, output: output,
        values: image.map(sums.indices.map { sums[$0] / covers[$0] }),
        evaluations: count + 1, explainedValue: whole)
    }
  }
}
