public import PrismExplain
public import PrismRuntime
public import PrismTensor

extension Model {
  /// The logits of changed versions of an image, which are given as data.
  ///
  /// - Parameters:
  ///   - images: The versions.
  ///   - samples: Which of them; `nil` for all.
  ///   - batch: The largest number of them that are computed at a time.
  ///   - work: Is told of every batch, and ends where its task is cancelled.
  /// - Returns: `[N, K]`, one row a version.
  /// - Throws: `ExplanationError` for none; `EvaluationError`; `CancellationError` in a cancelled
  ///   task.
  public func logits(
    of images: PerturbedImages, samples: Range<Int>? = nil, batch: Int? = nil,
    work: Work = .unwatched
  ) throws -> Tensor {
    try Limits.current.bounding {
      try images.logits(by: classifier(batch: batch), samples: samples, work: work)
    }
  }
}
