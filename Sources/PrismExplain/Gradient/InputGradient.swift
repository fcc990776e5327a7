internal import PrismAutodiff
internal import PrismRuntime
internal import PrismTensor

/// Gradients of logits at a classifier's input.
struct InputGradient {
  let classifier: any DifferentiableClassifier
  let targets: [Int]
  let rule: any BackwardRule
  let work: Work

  /// Checks what is asked, and announces the work.
  ///
  /// - Parameters:
  ///   - image: The image that is explained.
  ///   - targets: The logits.
  ///   - classifier: The model.
  ///   - rule: What happens at every operation.
  ///   - work: Is told of every group of images.
  ///   - evaluations: How many images' gradients will be asked for, and what else the method
  ///     evaluates.
  /// - Throws: ``ExplanationError``.
  init(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    rule: any BackwardRule = ExactRule(), work: Work, evaluations: Int
  ) throws {
    self.work = work
    try image.check(for: classifier, targets: targets)
    self.classifier = classifier
    self.targets = targets
    self.rule = rule
    work.plan(evaluations)
  }

  /// How many images' gradients are held at a time.
  static let group = 8

  /// One gradient a target, in the image's shape.
  func callAsFunction(_ image: Tensor) throws -> [Tensor] { try self([image])[0] }

  /// For every image one gradient a target, in the image's shape.
  func callAsFunction(_ images: [Tensor]) throws -> [[Tensor]] {
    try passes(images).map(\.cotangents)
  }

  /// For every image one gradient a target, in the image's shape, and the logits where the
  /// classifier tells them.
  func passes(_ images: [Tensor]) throws -> [BackwardPass] {
    let passes = try classifier.backward(
      from: targets, to: nil, passes: images.map { ForwardPass($0) }, rule: rule)
    try work.did(images.count)
    guard passes.count == images.count,
      passes.allSatisfy({ pass in
        pass.cotangents.count == targets.count && pass.cotangents.allSatisfy(\.isFinite)
      })
    else { throw ExplanationError.notFinite(layer: "the gradient of the input") }
    return passes
  }
}

extension ExplainedImage {
  /// A map of numbers in row-major order, `[H, W]`.
  func map(_ values: [Double]) -> Tensor { Tensor([height, width], values.map { Float($0) }) }

  /// The product of two tensors in the image's shape, added up over the channels: one number a
  /// pixel.
  func product(_ first: Tensor, _ second: Tensor) -> [Double] {
    var sums = [Double](repeating: 0, count: area)
    first.withUnsafePointer { a in
      second.withUnsafePointer { b in
        for p in 0..<area {
          for i in p * channels..<(p + 1) * channels { sums[p] += Double(a[i]) * Double(b[i]) }
        }
      }
    }
    return sums
  }

  /// A map of standard errors, or nothing where they are not known.
  func errorMap(_ values: [Double]) -> Tensor? {
    values.allSatisfy(\.isFinite) ? map(values) : nil
  }
}

extension Tensor {
  /// A note where a gradient is zero everywhere.
  var blankness: [String] {
    isZero ? ["blank map: all gradients are zero at the input"] : []
  }
}
