internal import PrismKernels
internal import PrismRuntime
internal import PrismTensor

/// Features of samples, read ahead by several threads.
struct Features {
  let learner: Learner
  let loader: any SampleLoader
  let augmentation: Augmentation?
  /// The most bytes of features that are kept.
  let limit: Int

  init(_ trainer: Trainer, _ learner: Learner) {
    self.learner = learner
    loader = trainer.loader
    augmentation = trainer.options.augmentation
    limit = trainer.options.cacheLimit
  }

  /// The samples whose inputs exist at a time.
  private static let chunk = 32

  func canCache(_ samples: Int) -> Bool {
    samples <= limit / (learner.featureShape.count * MemoryLayout<Float>.stride)
  }

  /// The features of all samples, without augmentation.
  func all(
    of samples: [DataSet.Sample], work: Work, report: (Int) -> Void
  ) throws -> [Tensor] {
    let stream = stream(of: samples, epochSeed: nil)
    defer { stream.stop() }
    var result: [Tensor] = []
    while result.count < samples.count {
      let count = min(Self.chunk, samples.count - result.count)
      result += try stream.next(count)
      try work.did(count)
      report(result.count)
    }
    return result
  }

  /// The features of samples in their order; augmented where there is a seed.
  func stream(of samples: [DataSet.Sample], epochSeed: UInt64?) -> FeatureStream {
    let (loader, augmentation) = (loader, augmentation)
    let inputs = Prefetcher(
      count: samples.count, ahead: 2 * Self.chunk, threads: Workers.count
    ) { index in
      let input = try loader.load(samples[index].path)
      guard let augmentation, let epochSeed else { return input }
      return augmentation.apply(input, seed: CounterRandom(seed: epochSeed).bits(index))
    }
    return FeatureStream(learner: learner, inputs: inputs)
  }
}

/// Features that are computed as they are asked for.
struct FeatureStream {
  let learner: Learner
  let inputs: Prefetcher<Tensor>

  /// The features of the next samples.
  func next(_ count: Int) throws -> [Tensor] {
    var images: [Tensor] = []
    while images.count < count, let image = try inputs.next() { images.append(image) }
    return try learner.features(Tensor.stacking(images))
  }

  func stop() { inputs.stop() }
}
