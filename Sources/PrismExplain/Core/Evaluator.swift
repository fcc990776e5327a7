internal import PrismRuntime
internal import PrismTensor

/// The numbers of several targets for many changed images.
struct Evaluator {
  let classifier: any Classifier
  let targets: [Int]
  let output: ExplainedOutput
  let work: Work

  init(
    _ classifier: any Classifier, targets: [Int], output: ExplainedOutput = .logit, work: Work
  ) {
    self.classifier = classifier
    self.targets = targets
    self.output = output
    self.work = work
  }

  /// The targets' numbers for a set of images, one row an image: `samples × targets.count`.
  ///
  /// - Parameters:
  ///   - images: The images.
  ///   - samples: Which of them; `nil` for all.
  /// - Returns: The numbers, row by row.
  /// - Throws: ``ExplanationError`` where the model has no such target or a number is not finite.
  func callAsFunction(_ images: PerturbedImages, samples: Range<Int>? = nil) throws -> [Double] {
    let samples = samples ?? 0..<images.count
    return try numbers(samples.count) { images.write(samples.lowerBound + $0, to: $1) }
  }

  /// The targets' numbers for whole images.
  func callAsFunction(_ images: [Tensor]) throws -> [[Double]] {
    let flat = try numbers(images.count) { index, target in
      images[index].withUnsafePointer { target.update(from: $0, count: images[index].count) }
    }
    return images.indices.map { Array(flat[$0 * targets.count..<($0 + 1) * targets.count]) }
  }

  /// The targets' numbers for images that descend from each other, one row an image.
  ///
  /// - Parameters:
  ///   - images: All images so far.
  ///   - numbers: Which of them.
  ///   - descent: Computes them.
  ///   - kinship: By what an image differs from an earlier one.
  /// - Returns: The numbers, row by row.
  /// - Throws: ``ExplanationError`` where the model has no such target or a number is not finite.
  func callAsFunction(
    _ images: PerturbedImages, numbers: Range<Int>, by descent: any DescentClassifier,
    kinship: (Int) -> Kinship?
  ) throws -> [Double] {
    var result: [Double] = []
    try EvaluationBatch.forEach(of: numbers.count, work: work) { range in
      let first = numbers.lowerBound + range.lowerBound
      return try descent.logits(of: first..<first + range.count, kinship: kinship) {
        images.write($0, to: $1)
      }
    } _: {
      try append($0, to: &result)
    }
    return result
  }

  private func numbers(
    _ count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(count * targets.count)
    try classifier.forEachBatch(of: count, work: work, composing: compose) {
      try append($0, to: &result)
    }
    return result
  }

  /// Adds the targets' numbers of some rows of logits.
  private func append(_ logits: Tensor, to result: inout [Double]) throws {
    let contrasts = (classifier as? any ContrastingClassifier)?.contrasts.count ?? 0
    let labels = logits.shape[1]
    for target in targets where target < 0 || target >= labels {
      throw ExplanationError.unknownTarget(target, count: labels)
    }
    guard logits.isFinite else { throw ExplanationError.notFinite(layer: "the output") }
    logits.withUnsafeBufferPointer { logits in
      for start in stride(from: 0, to: logits.count, by: labels) {
        result += output(
          UnsafeBufferPointer(rebasing: logits[start..<start + labels]), targets: targets,
          contrasts: contrasts)
      }
    }
  }
}
