public import PrismRuntime
public import PrismTensor

/// The images of a ``PerturbationSet``, each rendered when it is needed.
///
/// Image i depends on the set, the explained image, the masker and i alone: wherever and in
/// whatever groups the images are evaluated, the bits are the same.
public struct PerturbedImages: Sendable {
  /// Which images.
  public let perturbations: PerturbationSet
  private let image: MaskedImage
  private let renderer: Renderer

  // What a set needs beside its data, found once for all samples.
  private enum Renderer: Sendable {
    case coalitions(Coalitions, labels: [Int32])
    case windows([PixelBox])
    case boxes([[PixelBox]])
    case removal(ranks: [Int], step: Int, isInsertion: Bool)
    case softMasks(SoftMasks.Sized)
    case gridMasks(GridMasks.Sized)
    case channels(ChannelMasks)
  }

  /// Makes the images.
  ///
  /// - Parameters:
  ///   - set: Which parts of which sample are hidden.
  ///   - image: The explained image.
  ///   - masker: What stands in the place of what is hidden.
  /// - Throws: ``ExplanationError`` where the set does not fit the image.
  public init(
    _ set: PerturbationSet, of image: ExplainedImage, masker: Masker
  ) throws(ExplanationError) {
    let segmentation: Segmentation? =
      if case .coalitions(_, let segmentation) = set { segmentation } else { nil }
    try self.init(
      set, of: MaskedImage(image, masker: masker, segmentation: segmentation))
  }

  /// The same for an image whose masker is prepared, as sets that follow each other use it.
  init(_ set: PerturbationSet, of masked: MaskedImage) throws(ExplanationError) {
    perturbations = set
    image = masked
    let explained = masked.image
    func check(_ boxes: some Sequence<PixelBox>) throws(ExplanationError) {
      guard boxes.allSatisfy({ $0.lies(in: explained) }) else {
        throw .parameter("the boxes", "must lie within the image")
      }
    }
    switch set {
    case .coalitions(let samples, let segmentation):
      try segmentation.check(for: explained)
      guard samples.segments == segmentation.count else {
        throw .labels("has \(segmentation.count) segments, the samples \(samples.segments)")
      }
      renderer = .coalitions(samples, labels: segmentation.labels)
    case .windows(let hidden):
      try check(hidden)
      renderer = .windows(hidden)
    case .boxes(let kept):
      try check(kept.joined())
      renderer = .boxes(kept)
    case .removal(let steps):
      renderer = .removal(
        ranks: try steps.ranks(for: explained), step: steps.step, isInsertion: steps.isInsertion)
    case .softMasks(let masks):
      renderer = .softMasks(try masks.sized(height: explained.height, width: explained.width))
    case .gridMasks(let masks):
      renderer = .gridMasks(try masks.sized(height: explained.height, width: explained.width))
    case .channels(let value):
      renderer = .channels(
        try ChannelMasks(value, height: explained.height, width: explained.width))
    }
  }

  /// The number of images.
  public var count: Int { perturbations.count }

  /// Writes an image, `[H, W, C]` as the network takes it.
  ///
  /// - Parameters:
  ///   - sample: The image's place in the set.
  ///   - target: Memory for all of its numbers.
  public func write(_ sample: Int, to target: UnsafeMutablePointer<Float>) {
    let width = image.image.width
    switch renderer {
    case .coalitions(let samples, let labels):
      let isOn = (0..<samples.segments).map { samples[sample, $0] }
      image.write(target) { isOn[Int(labels[$0])] }
    case .windows(let hidden):
      let (rows, columns) = (hidden[sample].rows, hidden[sample].columns)
      image.write(target) { !(rows.contains($0 / width) && columns.contains($0 % width)) }
    case .boxes(let kept): image.write(target, keeping: kept[sample])
    case .removal(let ranks, let step, let isInsertion):
      image.write(target) { (ranks[$0] < sample * step) == isInsertion }
    case .softMasks(let masks): image.write(target, through: masks[sample])
    case .gridMasks(let masks): image.write(target, through: masks[sample])
    case .channels(let masks): image.write(target, through: masks[sample])
    }
  }

  /// The logits of the images.
  ///
  /// - Parameters:
  ///   - classifier: The model.
  ///   - samples: Which images; `nil` for all.
  ///   - work: Is told of every batch, and ends where its task is cancelled.
  /// - Returns: `[count, K]`, one row an image.
  /// - Throws: ``ExplanationError``, what the model throws, and `CancellationError` in a cancelled
  ///   task.
  public func logits(
    by classifier: any Classifier, samples: Range<Int>? = nil, work: Work = .unwatched
  ) throws -> Tensor {
    let samples = (samples ?? 0..<count).clamped(to: 0..<count)
    var rows: [Tensor] = []
    try classifier.forEachBatch(of: samples.count, work: work) { index, target in
      write(samples.lowerBound + index, to: target)
    } _: {
      rows.append($0)
    }
    guard !rows.isEmpty else { throw ExplanationError.parameter("the set", "holds no images") }
    return Tensor.stacking(rows)
  }
}
