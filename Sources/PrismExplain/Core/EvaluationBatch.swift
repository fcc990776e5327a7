internal import PrismKernels
internal import PrismRuntime
internal import PrismTensor

/// How many images are evaluated before work is asked whether it goes on: as many as take a tenth
/// of a second.
///
/// Results do not depend on it.
struct EvaluationBatch {
  /// The largest batch, but for machines with more threads.
  static let limit = 16
  /// How long a batch should take.
  static let duration = Duration.milliseconds(100)

  /// The images of the next batch.
  private(set) var size: Int
  private let threads: Int

  init(threads: Int = Workers.count) {
    self.threads = max(threads, 1)
    size = self.threads
  }

  /// Chooses the next batch by the time that one took: no more than twice as large, and a multiple
  /// of the threads.
  mutating func adapt(to time: Duration, for images: Int) {
    let fitting = time > .zero ? Double(images) * (Self.duration / time) : .infinity
    let wanted = min(fitting, Double(2 * size), Double(max(Self.limit, threads)))
    size = max(Int(wanted) / threads * threads, threads)
  }
}

extension EvaluationBatch {
  /// Evaluates images in batches, between which work may end.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - work: Is told of every batch.
  ///   - evaluate: The logits of some of the images, `[n, K]`.
  ///   - receive: Is given every batch's logits in order.
  /// - Throws: What `evaluate` and `receive` throw, and `CancellationError` in a cancelled task.
  static func forEach(
    of count: Int, work: Work, evaluating evaluate: (Range<Int>) throws -> Tensor,
    _ receive: (Tensor) throws -> Void
  ) throws {
    var batch = EvaluationBatch()
    let clock = ContinuousClock()
    var first = 0
    while first < count {
      try work.check()
      let size = min(batch.size, count - first)
      let begin = clock.now
      let logits = try evaluate(first..<first + size)
      batch.adapt(to: clock.now - begin, for: size)
      guard logits.shape.rank == 2, logits.shape[0] == size else {
        throw ExplanationError.unsuitable(
          "the model gave logits of the shape \(logits.shape) for \(size) images")
      }
      try work.did(size)
      try receive(logits)
      first += size
    }
  }
}

extension Classifier {
  /// Evaluates images that are composed one by one in batches, between which work may end.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - work: Is told of every batch.
  ///   - compose: Writes the image with an index.
  ///   - receive: Is given every batch's logits, `[n, K]`, in order.
  /// - Throws: What the model and `receive` throw, and `CancellationError` in a cancelled task.
  func forEachBatch(
    of count: Int, work: Work,
    composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void,
    _ receive: (Tensor) throws -> Void
  ) throws {
    try EvaluationBatch.forEach(of: count, work: work) { range in
      try logits(count: range.count) { compose(range.lowerBound + $0, $1) }
    } _: {
      try receive($0)
    }
  }
}
