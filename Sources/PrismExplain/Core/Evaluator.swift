internal import PrismRuntime
internal import PrismTensor

/// The numbers of several targets for many images that are composed when they are needed.
struct Evaluator {
  /// How many images' logits are held at a time.
  static let chunk = 256

  let classifier: any Classifier
  let targets: [Int]
  let output: ExplainedOutput
  let work: Work

  init(
    _ classifier: any Classifier, targets: [Int], output: ExplainedOutput = .logit, work: Work
  ) {
    self.work = work
    self.classifier = classifier
    self.targets = targets
    self.output = output
  }

  /// The targets' numbers, one row an image: `count × targets.count`.
  ///
  /// - Throws: ``ExplanationError`` where the model has no such target or a number is not finite.
  func callAsFunction(
    _ count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(count * targets.count)
    for first in stride(from: 0, to: count, by: Self.chunk) {
      let logits = try classifier.logits(count: min(Self.chunk, count - first)) {
        compose(first + $0, $1)
      }
      try work.did(logits.shape[0])
      let labels = logits.shape[1]
      for target in targets where target < 0 || target >= labels {
        throw ExplanationError.unknownTarget(target, count: labels)
      }
      guard logits.isFinite else { throw ExplanationError.notFinite(layer: "the output") }
      logits.withUnsafeBufferPointer { logits in
        for start in stride(from: 0, to: logits.count, by: labels) {
          result += output(
            UnsafeBufferPointer(rebasing: logits[start..<start + labels]), targets: targets)
        }
      }
    }
    return result
  }

  /// The targets' numbers for whole images.
  func callAsFunction(_ images: [Tensor]) throws -> [[Double]] {
    let flat = try self(images.count) { index, target in
      images[index].withUnsafePointer { target.update(from: $0, count: images[index].count) }
    }
    return images.indices.map { Array(flat[$0 * targets.count..<($0 + 1) * targets.count]) }
  }
}
